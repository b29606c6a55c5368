//! Tests of what depends on the order in which the records of a block are saved.

use crate::{
    eras::discovery::sandbox::{Sandbox, artist, code, track, user},
    model::{
        tables::{AggregatePlaylist, AggregateUser, Notification},
        value::NULL_ELEMENT,
    },
};

const LIST: i64 = 400_001;
const OTHER_LIST: i64 = 400_002;
const SONG: i64 = 2_000_001;
const UNKNOWN: i64 = 2_000_009;

const NEW_LIST: &str = r#"{"cid":"","data":{"playlist_name":"x"}}"#;

fn sandbox() -> Sandbox {
    let mut chain = Sandbox::new([artist(1), user(2), user(3), track(SONG, 1)]).deriving();
    assert_eq!(code(&chain.call((1, "Create", "Playlist", OTHER_LIST, NEW_LIST))), "applied");
    chain
}

/// Whom the notifications of a kind about [`LIST`] are for.
fn told(chain: &Sandbox, kind: &str) -> Vec<Vec<i64>> {
    let group = format!("{kind}:{LIST}:type:playlist");
    let notes = chain.rows::<Notification>().into_iter().filter(|note| note.group_id == group);
    notes.map(|note| note.user_ids.unwrap_or_default()).collect()
}

fn counts(chain: &Sandbox) -> [Option<i64>; 3] {
    let rows = chain.rows::<AggregatePlaylist>();
    let row = rows.into_iter().find(|row| row.playlist_id == LIST).unwrap();
    [row.save_count, row.repost_count, row.share_count]
}

#[test]
fn what_is_saved_before_its_playlist_is_told_to_nobody_and_counted_with_the_next() {
    let mut chain = sandbox();
    let calls = ["Save", "Repost", "Share"];
    let on = |user: i64, entity, id| calls.map(|action| (user, action, entity, id, ""));
    // The first save of the block has all saves come before all playlists.
    let mut block = on(3, "Track", SONG).to_vec();
    block.push((1, "Create", "Playlist", LIST, NEW_LIST));
    block.extend(on(2, "Playlist", LIST));
    chain.block(&block);
    assert_eq!(counts(&chain), [Some(0); 3]);
    for kind in ["save", "repost"] {
        assert_eq!(told(&chain, kind), [[NULL_ELEMENT]], "{kind}");
    }
    chain.block(&on(3, "Playlist", LIST));
    assert_eq!(counts(&chain), [Some(2); 3]);
    chain.block(&[(2, "Unsave", "Playlist", LIST, "")]);
    assert_eq!(counts(&chain), [Some(1), Some(2), Some(2)]);
    assert_eq!(told(&chain, "save"), [[NULL_ELEMENT], [1]]);
}

#[test]
fn a_refused_call_has_no_say_in_the_order() {
    for (action, id, reason) in
        [("Update", OTHER_LIST, "metadata_missing"), ("Update", LIST, "playlist_not_found")]
    {
        let mut chain = sandbox();
        let outcomes = chain.block(&[
            (1, action, "Playlist", id, ""),
            (3, "Save", "Track", SONG, ""),
            (1, "Create", "Playlist", LIST, NEW_LIST),
            (2, "Save", "Playlist", LIST, ""),
        ]);
        let codes: Vec<_> = outcomes.iter().map(code).collect();
        assert_eq!(codes, [reason, "applied", "applied", "applied"]);
        assert_eq!(told(&chain, "save"), [[NULL_ELEMENT]], "{reason}");
    }
}

#[test]
fn a_refused_call_about_a_track_has_no_say_in_the_order() {
    let no_consent = r#"{"cid":"","data":{"ai_attribution_user_id":2}}"#;
    for (action, id, metadata, reason) in [
        ("Download", UNKNOWN, "", "track_not_found"),
        ("Update", SONG, no_consent, "ai_attribution_not_allowed"),
    ] {
        let mut chain = sandbox();
        let outcomes = chain.block(&[
            (1, action, "Track", id, metadata),
            (3, "Save", "Playlist", OTHER_LIST, ""),
            (1, "Create", "Track", UNKNOWN, r#"{"cid":"","data":{"title":"x","owner_id":1}}"#),
            (2, "Save", "Track", UNKNOWN, ""),
        ]);
        let codes: Vec<_> = outcomes.iter().map(code).collect();
        assert_eq!(codes, [reason, "applied", "applied", "applied"]);
        let group = format!("save:{UNKNOWN}:type:track");
        let notes = chain.rows::<Notification>();
        let note = notes.into_iter().find(|note| note.group_id == group).unwrap();
        assert_eq!(note.user_ids, Some(vec![NULL_ELEMENT]), "{reason}");
    }
}

#[test]
fn a_user_update_that_is_refused_for_its_artist_pick_has_users_saved_first() {
    let new = 3_000_009;
    let album = r#"{"cid":"","data":{"playlist_name":"x","is_album":true}}"#;
    let sign_up = r#"{"cid":"","data":{"handle":"New","name":"New"}}"#;
    let pick = r#"{"cid":"","data":{"artist_pick_track_id":2000009}}"#;
    let described = r#"{"cid":"","data":{"description":"x"}}"#;
    let rest = [
        (1, "Update", "Playlist", OTHER_LIST, described),
        (new, "Create", "User", 0, sign_up),
        (new, "Create", "Playlist", LIST, album),
    ];
    for (refused, counted) in [(Some((1, "Update", "User", 0, pick)), 1), (None, 0)] {
        let mut chain = sandbox();
        let block: Vec<_> = refused.into_iter().chain(rest).collect();
        let codes: Vec<_> = chain.block(&block).iter().map(code).collect();
        assert_eq!(codes[codes.len() - 3..], ["applied"; 3]);
        let rows = chain.rows::<AggregateUser>();
        let row = rows.iter().find(|row| row.user_id == new).unwrap();
        assert_eq!(row.album_count, Some(counted));
    }
}
