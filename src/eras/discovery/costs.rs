//! What calls cost that whoever sends them can make as many of as a block holds: in rows and keys
//! that are looked at, so that four times the calls cost about four times as much.

use super::sandbox::{Sandbox, artist, code};
use crate::{model::tables::TableId, store::keys_walked};

const OWNER: i64 = 3_000_001;
const OTHER: i64 = 3_000_002;
const SONG: i64 = 2_000_001;
const LIST: i64 = 400_001;

/// A call: acting user, action, entity type, entity id, metadata.
type Call = (i64, &'static str, &'static str, i64, String);

/// Calls by their position in the block.
type Kind = fn(i64) -> Call;

fn data(data: &str) -> String {
    format!(r#"{{"cid":"","data":{data}}}"#)
}

fn track(id: i64, title: &str) -> Call {
    let fields = format!(r#"{{"title":"{title}","owner_id":{OWNER},"genre":"Rock","duration":1}}"#);
    (OWNER, "Create", "Track", SONG + id, data(&fields))
}

fn playlist(id: i64, name: &str) -> Call {
    let fields = format!(r#"{{"playlist_name":"{name}","playlist_contents":{{"track_ids":[]}}}}"#);
    (OWNER, "Create", "Playlist", LIST + id, data(&fields))
}

fn email(owner: i64) -> Call {
    let fields = format!(
        r#"{{"email_owner_user_id":{owner},"encrypted_email":"e","access_grants":[
            {{"receiving_user_id":9,"grantor_user_id":{owner},"encrypted_key":"k"}},
            {{"receiving_user_id":{owner},"grantor_user_id":{owner},"encrypted_key":"k"}}]}}"#
    );
    (OWNER, "AddEmail", "EncryptedEmail", 0, data(&fields))
}

/// One of three titles.
fn odd(number: i64) -> String {
    format!("t{}", number % 3)
}

const KINDS: [(&str, Kind); 11] = [
    ("tracks of one title", |n| track(n, "same")),
    ("playlists of one name", |n| playlist(n, "same")),
    ("titles of one track", |n| {
        let title = format!(r#"{{"title":"{}"}}"#, odd(n));
        if n == 0 { track(0, "first") } else { (OWNER, "Update", "Track", SONG, data(&title)) }
    }),
    ("names of one playlist", |n| {
        // One that ends in the playlist's id is checked for being a second route of Create.
        let name = format!(r#"{{"playlist_name":"{}-{LIST}"}}"#, odd(n));
        if n == 0 { playlist(0, "first") } else { (OWNER, "Update", "Playlist", LIST, data(&name)) }
    }),
    ("follows of one pair", |n| {
        (OWNER, ["Follow", "Unfollow"][usize::from(n % 2 == 1)], "User", OTHER, String::new())
    }),
    ("subscriptions to one user", |n| {
        let action = ["Subscribe", "Unsubscribe"][usize::from(n % 2 == 1)];
        (OWNER, action, "User", OTHER, String::new())
    }),
    ("saves of one track", |n| match n {
        0 => track(0, "first"),
        n => (OTHER, ["Save", "Unsave"][usize::from(n % 2 == 0)], "Track", SONG, String::new()),
    }),
    ("sign-ups with one handle", |n| {
        (OTHER + 1 + n, "Create", "User", OTHER + 1 + n, data(r#"{"handle":"one","name":"n"}"#))
    }),
    ("addresses", email),
    ("comments on one track", |n| match n {
        0 => track(0, "first"),
        n => (
            OTHER,
            "Create",
            "Comment",
            4_000_000 + n,
            data(&format!(r#"{{"body":"b","entity_id":{SONG},"entity_type":"Track"}}"#)),
        ),
    }),
    ("payout wallets", |n| {
        let wallet = ["null", r#""11111111111111111111111111111111""#][usize::from(n % 2 == 1)];
        let fields = format!(r#"{{"spl_usdc_payout_wallet":{wallet}}}"#);
        (OWNER, "Update", "User", OWNER, data(&fields))
    }),
];

/// Rows and keys that are looked at for a block of `count` calls of a kind.
fn cost(kind: Kind, count: i64) -> usize {
    let mut chain = Sandbox::new([artist(OWNER), artist(OTHER)]).deriving();
    let calls: Vec<Call> = (0..count).map(kind).collect();
    let sent: Vec<_> = calls
        .iter()
        .map(|(user, action, entity, id, metadata)| {
            (*user, *action, *entity, *id, metadata.as_str())
        })
        .collect();
    chain.begin_empty(&empty());
    let (mut applied, mut last) = (0, "");
    let walked = keys_walked(|| {
        let outcomes = chain.block(&sent);
        applied = outcomes.iter().filter(|outcome| code(outcome) == "applied").count();
        last = code(&outcomes[outcomes.len() - 1]);
    });
    assert!(applied * 2 > sent.len(), "{applied} of {count} calls were applied, the last: {last}");
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

/// Routes that the block retires rank above those that it makes until it makes one.
#[test]
fn refused_titles_do_not_walk_over_retired_routes() {
    let cost = |count: i64| {
        let mut chain = Sandbox::new([artist(OWNER)]);
        chain.begin_empty(&empty());
        let send = |chain: &mut Sandbox, calls: Vec<Call>| {
            let sent: Vec<_> = calls
                .iter()
                .map(|(user, action, entity, id, metadata)| {
                    (*user, *action, *entity, *id, metadata.as_str())
                })
                .collect();
            chain.block(&sent)
        };
        let names = (0..count).map(|n| playlist(n, "same"));
        // They take what the second routes of later ones would be.
        let taken =
            (0..count).map(|n| playlist(count + n, &format!("same-{}", LIST + 2 * count + n)));
        send(&mut chain, names.chain(taken).collect());
        let renamed = (0..count).map(|n| {
            let name = data(&format!(r#"{{"playlist_name":"other {n}"}}"#));
            (OWNER, "Update", "Playlist", LIST + n, name)
        });
        let refused = (0..count).map(|n| playlist(2 * count + n, "same"));
        let calls = renamed.chain(refused).collect();
        let mut outcomes = Vec::new();
        let walked = keys_walked(|| outcomes = send(&mut chain, calls));
        assert_eq!(code(outcomes.last().unwrap()), "playlist_slug_taken");
        walked
    };
    let (few, many) = (cost(50), cost(200));
    assert!(many < 6 * few, "{few} rows for 50, {many} for 200");
}
