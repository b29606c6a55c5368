//! Users, their wallets and what they set.

use super::{ARTIST, FAN, SONG, act, artist, both, send, stored};
use crate::{
    eras::discovery::{Outcome, Rules, sandbox::Sandbox},
    model::{
        tables::{TableId, User, UserEvent, UserPayoutWallet},
        value::Value,
    },
};

fn me(chain: &Sandbox) -> User {
    chain.rows::<User>().into_iter().find(|user| user.user_id == ARTIST).unwrap()
}

#[test]
fn user_events_and_payout_history() {
    let data = r#"{"events":{"is_mobile_user":true},"spl_usdc_payout_wallet":null}"#;
    let events = both(
        |rules| rules.user_events = false,
        |chain| {
            assert_eq!(send(chain, "Update", "User", ARTIST, data), "applied");
            (chain.rows::<UserEvent>().len(), chain.rows::<UserPayoutWallet>().len())
        },
    );
    assert_eq!(events, [(1, 1), (0, 1)]);
    let history = both(
        |rules| rules.payout_history = false,
        |chain| {
            send(chain, "Update", "User", ARTIST, data);
            chain.rows::<UserPayoutWallet>().len()
        },
    );
    assert_eq!(history, [1, 0]);
}

#[test]
fn collectibles() {
    let codes = both(
        |rules| rules.collectibles = false,
        |chain| send(chain, "Create", "Collectibles", 0, r#"{"collectibles":{"a":1}}"#),
    );
    assert_eq!(codes, ["applied", "unrouted"]);
}

#[test]
fn self_mute() {
    let mute = |chain: &mut Sandbox| act(chain, "Mute", "User", ARTIST, "");
    assert_eq!(both(|rules| rules.self_mute = false, mute), ["applied", "self_mute"]);
}

#[test]
fn unmute_repeats() {
    let codes = both(
        |rules| rules.unmute_repeats = false,
        |chain| {
            act(chain, "Mute", "User", FAN, "");
            act(chain, "Unmute", "User", FAN, "");
            [act(chain, "Unmute", "User", FAN, ""), act(chain, "Unmute", "User", 9, "")]
        },
    );
    assert_eq!(codes, [["applied", "muted_user_not_found"], ["not_muted", "not_muted"]]);
}

#[test]
fn unlink_repeats() {
    let linked = stored(
        TableId::DashboardWalletUsers,
        [
            ("wallet", Value::Text("0xabc".to_owned())),
            ("user_id", Value::Int(ARTIST)),
            ("is_delete", Value::Bool(true)),
        ],
    );
    let codes = [true, false].map(|repeats| {
        let rules = Rules { unlink_repeats: repeats, ..Rules::python() };
        let mut chain = Sandbox::new([artist(ARTIST), linked.clone()]).under(rules);
        act(&mut chain, "Delete", "DashboardWalletUser", 0, r#"{"wallet":"0xabc"}"#)
    });
    assert_eq!(codes, ["applied", "wallet_not_linked"]);
}

#[test]
fn verify_one_platform() {
    let found = both(
        |rules| rules.verify_one_platform = false,
        |chain| {
            chain.sign_as(Some("0xVerifier"));
            let data = r#"{"is_verified":true,"twitter_handle":"a","tiktok_handle":"b"}"#;
            assert_eq!(send(chain, "Verify", "User", ARTIST, data), "applied");
            let user = me(chain);
            let unknown = (9, "Verify", "User", 9, r#"{"cid":"","data":{"is_verified":true}}"#);
            let unknown = matches!(chain.call(unknown), Outcome::Rejected(_));
            (user.tiktok_handle.is_some(), user.verified_with_tiktok == Some(true), unknown)
        },
    );
    assert_eq!(found, [(false, false, false), (true, true, true)]);
}

#[test]
fn pick_deleted_track() {
    let codes = both(
        |rules| rules.pick_deleted_track = false,
        |chain| {
            assert_eq!(act(chain, "Delete", "Track", SONG, ""), "applied");
            let pick = format!(r#"{{"artist_pick_track_id":{SONG}}}"#);
            send(chain, "Update", "User", ARTIST, &pick)
        },
    );
    assert_eq!(codes, ["applied", "artist_pick_not_found"]);
}

#[test]
fn long_names() {
    let codes = both(
        |rules| rules.long_names = false,
        |chain| {
            [32, 33].map(|length| {
                let data = format!(r#"{{"name":"{}"}}"#, "é".repeat(length));
                send(chain, "Update", "User", ARTIST, &data)
            })
        },
    );
    assert_eq!(codes, [["applied", "applied"], ["applied", "name_too_long"]]);
}

#[test]
fn pictures_are_immutable() {
    let pictures = both(
        |rules| rules.pictures_are_immutable = false,
        |chain| {
            let data = r#"{"profile_picture":"Qm1","cover_photo":"Qm2"}"#;
            assert_eq!(send(chain, "Update", "User", ARTIST, data), "applied");
            let user = me(chain);
            [user.profile_picture, user.cover_photo]
        },
    );
    assert_eq!(pictures, [[None, None], [Some("Qm1".to_owned()), Some("Qm2".to_owned())]]);
}
