//! The three hooks of the api process: plays, user events, public keys.

use crate::{
    eras::{
        Derive,
        etl::sandbox::{Sandbox, code, row, user},
    },
    model::{
        Recorded, Shape, Timestamp, TxBody,
        block::Play,
        tables::{PastUserEvent, TableId, UserEvent, UserPubkey},
        value::Value,
    },
};

fn play(user_id: &str, track_id: &str) -> Play {
    Play {
        user_id: user_id.into(),
        track_id: track_id.into(),
        played_at: Timestamp::default(),
        signature: String::new(),
        city: String::new(),
        region: String::new(),
        country: String::new(),
    }
}

/// What becomes of plays: user and track of their rows, the code, and how they are recorded.
type Fate = (Vec<(Option<i64>, i64)>, &'static str, Recorded);

fn fate(plays: Vec<Play>) -> Fate {
    let mut chain = Sandbox::with([], Derive::Elsewhere, Shape::default());
    let result = chain.transactions(vec![TxBody::Plays(plays)]);
    let provenance = result.provenance;
    assert!(provenance.plays.iter().all(|row| row.slot == 1));
    let rows = provenance.plays.iter().map(|row| (row.user, row.track)).collect();
    let code = result.outcomes.first().map_or("applied", |(_, outcome)| code(outcome));
    (rows, code, provenance.recorded(0))
}

#[test]
fn ids_of_plays_are_read_as_go_reads_integers() {
    for (user, track, row) in [
        ("7", "+5", Some((Some(7), 5))),
        ("0xab", "-7", Some((None, -7))),
        ("1_0", "007", Some((None, 7))),
        ("", "5", Some((None, 5))),
        ("7", " 5", None),
        ("7", "5.0", None),
        ("7", "99999999999999999999", None),
        ("99999999999999999999", "5", Some((None, 5))),
    ] {
        let expected = (Vec::from_iter(row), "applied", Recorded::InFull);
        assert_eq!(fate(vec![play(user, track)]), expected, "{user:?} {track:?}");
    }
}

#[test]
fn what_the_driver_refuses_loses_the_rows_of_the_transaction_in_plays_only() {
    let nothing = (Vec::new(), "applied", Recorded::InFull);
    assert_eq!(fate(vec![play("1", "5"), play("1", "99999999999")]), nothing);
    assert_eq!(fate(vec![play("3000000000", "5"), play("1", "5")]), nothing);
    assert_eq!(fate(vec![play("1", "5"); 6554]), nothing);
    assert_eq!(fate(vec![play("1", "5"); 6553]).0.len(), 6553);
    let mut most = vec![play("1", "5"); 6553];
    most.push(play("1", "abc"));
    assert_eq!(fate(most).0.len(), 6553);
}

#[test]
fn nul_in_a_place_leaves_an_empty_transaction_and_in_a_signature_none() {
    let placed = Play { city: "a\0b".into(), ..play("1", "abc") };
    assert_eq!(fate(vec![placed]), (Vec::new(), "nul_in_play", Recorded::Blank));
    let signed = Play { signature: "\0".into(), ..play("1", "5") };
    assert_eq!(fate(vec![signed.clone()]), (Vec::new(), "nul_in_play", Recorded::Nothing));
    let left_out = Play { track_id: "abc".into(), ..signed.clone() };
    assert_eq!(fate(vec![left_out]), (Vec::new(), "applied", Recorded::InFull));
    let refused = vec![signed, play("1", "99999999999")];
    assert_eq!(fate(refused), (Vec::new(), "applied", Recorded::InFull));
}

fn current(chain: &Sandbox) -> Vec<(bool, Option<i64>)> {
    let rows = chain.rows::<UserEvent>();
    rows.iter().map(|row| (row.is_mobile_user == Some(true), row.referrer)).collect()
}

#[test]
fn a_mobile_client_is_remembered_and_a_referrer_kept() {
    let mut chain = Sandbox::new([user(3_000_001)]);
    let mut update = |events: &str| {
        let metadata = format!(r#"{{"events":{events}}}"#);
        chain.call((3_000_001, "Update", "User", 3_000_001, &metadata));
        (current(&chain), chain.rows::<PastUserEvent>().len())
    };
    for nothing in [
        r#"{"is_mobile_user":false}"#,
        r#"{"referrer":true}"#,
        r#"{"referrer":3000001}"#,
        r#"{"referrer":-1}"#,
        r#"{"referrer":3000000000,"is_mobile_user":true}"#,
        "{}",
    ] {
        assert_eq!(update(nothing), (vec![], 0), "{nothing}");
    }
    assert_eq!(update(r#"{"referrer":12.7}"#), (vec![(false, Some(12))], 0));
    assert_eq!(update(r#"{"referrer":99}"#), (vec![(false, Some(12))], 0));
    assert_eq!(update(r#"{"is_mobile_user":true}"#), (vec![(true, Some(12))], 1));
    assert_eq!(update(r#"{"is_mobile_user":true,"referrer":13}"#), (vec![(true, Some(12))], 1));
}

#[test]
fn a_stored_key_is_kept() {
    let key = Value::Text("kept".into());
    let stored =
        row(TableId::UserPubkeys, &[("user_id", Value::Int(3_000_001)), ("pubkey_base64", key)]);
    let mut chain = Sandbox::new([stored]);
    chain.call((3_000_001, "Create", "User", 3_000_001, "{}"));
    assert_eq!(chain.rows::<UserPubkey>().len(), 1);
}
