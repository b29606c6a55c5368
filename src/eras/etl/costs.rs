//! What calls cost that whoever sends them can make as many of as a block holds: in rows and keys
//! that are looked at, so that four times the calls cost about four times as much.

use super::sandbox::{Sandbox, code, user};
use crate::{model::tables::TableId, store::keys_walked};

const OWNER: i64 = 3_000_001;
const OTHER: i64 = 3_000_002;
const SONG: i64 = 2_000_001;
const LIST: i64 = 400_001;

/// A call: acting user, action, entity type, entity id, metadata.
type Call = (i64, &'static str, &'static str, i64, String);

/// Calls by their position in the block.
type Kind = fn(i64) -> Call;

fn track(id: i64, title: &str) -> Call {
    let data = format!(r#"{{"title":"{title}","owner_id":{OWNER},"genre":"Rock","duration":1}}"#);
    (OWNER, "Create", "Track", SONG + id, data)
}

fn playlist(id: i64, name: &str) -> Call {
    let data = format!(r#"{{"playlist_name":"{name}","playlist_contents":{{"track_ids":[]}}}}"#);
    (OWNER, "Create", "Playlist", LIST + id, data)
}

fn toggled(n: i64, on: &'static str, off: &'static str) -> &'static str {
    if n % 2 == 0 { on } else { off }
}

const KINDS: [(&str, Kind); 11] = [
    ("tracks of one title", |n| track(n, "same")),
    ("playlists of one name", |n| playlist(n, "same")),
    ("titles of one track", |n| match n {
        0 => track(0, "first"),
        n => (OWNER, "Update", "Track", SONG, format!(r#"{{"title":"t{}"}}"#, n % 3)),
    }),
    ("names of one playlist", |n| match n {
        0 => playlist(0, "first"),
        n => (OWNER, "Update", "Playlist", LIST, format!(r#"{{"playlist_name":"t{}"}}"#, n % 3)),
    }),
    ("follows of one pair", |n| {
        (OWNER, toggled(n, "Follow", "Unfollow"), "User", OTHER, String::new())
    }),
    ("subscriptions to one user", |n| {
        (OWNER, toggled(n, "Subscribe", "Unsubscribe"), "User", OTHER, String::new())
    }),
    ("saves of one track", |n| match n {
        0 => track(0, "first"),
        n => (OTHER, toggled(n, "Unsave", "Save"), "Track", SONG, String::new()),
    }),
    ("tracks of one user, saved", |n| match n % 2 {
        0 => track(n, &format!("t{n}")),
        _ => (OTHER, "Save", "Track", SONG + n - 1, String::new()),
    }),
    ("sign-ups with handles", |n| {
        let id = OTHER + 1 + n;
        (id, "Create", "User", id, format!(r#"{{"handle":"h{n}","name":"n"}}"#))
    }),
    ("addresses", |n| {
        let data = format!(
            r#"{{"email_owner_user_id":{n},"encrypted_email":"e","access_grants":[
                {{"receiving_user_id":9,"grantor_user_id":{n},"encrypted_key":"k"}}]}}"#
        );
        (OWNER, "AddEmail", "EncryptedEmail", 0, data)
    }),
    ("comments on one track", |n| match n {
        0 => track(0, "first"),
        n => (
            OTHER,
            "Create",
            "Comment",
            4_000_000 + n,
            format!(r#"{{"body":"b","entity_id":{SONG},"entity_type":"Track"}}"#),
        ),
    }),
];

/// Rows and keys that are looked at for a block of `count` calls of a kind.
fn cost(kind: Kind, count: i64) -> usize {
    let mut chain = Sandbox::new([user(OWNER), user(OTHER)]);
    chain.begin_empty(&empty());
    let calls: Vec<Call> = (0..count).map(kind).collect();
    let sent: Vec<_> = calls
        .iter()
        .map(|(user, action, entity, id, metadata)| {
            (*user, *action, *entity, *id, metadata.as_str())
        })
        .collect();
    let mut applied = 0;
    let walked = keys_walked(|| {
        let outcomes = chain.block(&sent);
        applied = outcomes.iter().filter(|outcome| code(outcome) == "applied").count();
    });
    assert!(applied * 2 > sent.len(), "{applied} of {count} calls were applied");
    walked
}

/// Every table but that of the users, so that no block runs again for rows that are not there.
fn empty() -> Vec<TableId> {
    TableId::ALL.iter().copied().filter(|id| id.def().name != "users").collect()
}

#[test]
fn four_times_the_calls_of_a_block_cost_less_than_six_times_as_much() {
    for (name, kind) in KINDS {
        let (few, many) = (cost(kind, 50), cost(kind, 200));
        assert!(many < 6 * few.max(50), "{name}: {few} rows for 50 calls, {many} for 200");
    }
}
