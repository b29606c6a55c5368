//! Playlists: contents, routes, membership, prices and what a failed call leaves.

use super::super::sandbox::{Sandbox, code, row, track, user};
use crate::model::{
    Json, Timestamp,
    tables::{AlbumPrice, Playlist, PlaylistRoute, PlaylistTrack, TableId, Track},
    value::{NULL_ELEMENT, Value},
};

const OWNER: i64 = 3_000_001;
const OTHER: i64 = 3_000_002;
const LIST: i64 = 400_001;
const MINE: i64 = 2_000_001;
const THEIRS: i64 = 2_000_002;

fn room() -> Sandbox {
    Sandbox::new([user(OWNER), user(OTHER), track(MINE, OWNER), track(THEIRS, OTHER)])
}

fn send(sandbox: &mut Sandbox, action: &str, id: i64, data: &str) -> &'static str {
    let metadata = format!(r#"{{"cid":"Qm","data":{data}}}"#);
    code(&sandbox.call((OWNER, action, "Playlist", id, &metadata)))
}

fn playlist(sandbox: &Sandbox) -> Playlist {
    sandbox.rows::<Playlist>().remove(0)
}

fn contents(sandbox: &Sandbox) -> String {
    playlist(sandbox).playlist_contents.to_json_text()
}

fn routes(sandbox: &Sandbox) -> Vec<(String, bool, String)> {
    let routes = sandbox.rows::<PlaylistRoute>().into_iter();
    routes.map(|route| (route.slug, route.is_current, route.txhash)).collect()
}

fn members(sandbox: &Sandbox) -> Vec<(i64, bool)> {
    let rows = sandbox.rows::<PlaylistTrack>().into_iter();
    rows.map(|row| (row.track_id, row.is_removed)).collect()
}

fn stored_track(sandbox: &Sandbox, id: i64) -> Track {
    sandbox.rows::<Track>().into_iter().find(|track| track.track_id == id).unwrap()
}

#[test]
fn a_playlist_gets_a_route_and_one_with_its_id() {
    let mut sandbox = room();
    assert_eq!(send(&mut sandbox, "Create", LIST, r#"{"playlist_name":"My List"}"#), "applied");
    let expected = [("my-list", true), ("my-list-400001", false)];
    let expected = expected.map(|(slug, current)| (slug.to_owned(), current, "1/0".to_owned()));
    assert_eq!(routes(&sandbox), expected);
    let list = playlist(&sandbox);
    assert_eq!(list.metadata_multihash.as_deref(), Some("Qm"));
    assert_eq!(contents(&sandbox), r#"{"track_ids":[]}"#);
    assert!(list.last_added_to.is_none() && list.artists.is_some_and(|it| it.is_null()));

    assert_eq!(send(&mut sandbox, "Update", LIST, r#"{"playlist_name":"Other"}"#), "applied");
    let current: Vec<_> = routes(&sandbox).into_iter().filter(|route| route.1).collect();
    assert_eq!(current, [("other".to_owned(), true, "2/0".to_owned())]);
}

#[test]
fn creation_is_refused_for_the_reasons_of_the_reference() {
    let mut sandbox = room();
    for (id, data, expected) in [
        (399_999, r#"{"playlist_name":"x"}"#, "playlist_id_below_offset"),
        (LIST, r#"{"is_album":true}"#, "playlist_name_missing"),
        (LIST, r#"{"playlist_name":"x","playlist_contents":{"foo":1}}"#, "contents_not_list"),
        (LIST, r#"{"playlist_name":"x","playlist_contents":[{"time":1}]}"#, "entry_without_track"),
        (LIST, r#"{"playlist_name":"x","playlist_contents":[{"track":1}]}"#, "entry_without_time"),
        (LIST, r#"{"playlist_name":"x","is_stream_gated":true}"#, "gated_without_conditions"),
    ] {
        assert_eq!(send(&mut sandbox, "Create", id, data), expected, "{data}");
    }
    assert!(sandbox.rows::<Playlist>().is_empty() && routes(&sandbox).is_empty());
    send(&mut sandbox, "Create", LIST, r#"{"playlist_name":"x"}"#);
    let again = send(&mut sandbox, "Create", LIST, r#"{"playlist_name":"x"}"#);
    assert_eq!(again, "playlist_exists");
    let foreign = sandbox.call((OTHER, "Delete", "Playlist", LIST, ""));
    assert_eq!(code(&foreign), "playlist_of_another_user");
    assert_eq!(send(&mut sandbox, "Update", LIST, r#"{"is_private":null}"#), "is_private_missing");
    assert_eq!(code(&sandbox.call((OWNER, "Delete", "Playlist", LIST, ""))), "applied");
    assert!(playlist(&sandbox).is_delete);
}

#[test]
fn a_failed_creation_leaves_its_routes_to_the_next_one() {
    let mut sandbox = room();
    let failing = r#"{"playlist_name":"x","release_date":5}"#;
    assert_eq!(send(&mut sandbox, "Create", LIST, failing), "release_date_not_text");
    let left = routes(&sandbox);
    assert_eq!(left.len(), 2);
    assert_eq!(send(&mut sandbox, "Create", LIST, r#"{"playlist_name":"x"}"#), "applied");
    assert_eq!(routes(&sandbox), left);
}

#[test]
fn a_malformed_price_rejects_but_keeps_the_playlist() {
    let mut sandbox = room();
    let gated = |price: &str| {
        format!(
            r#"{{"playlist_name":"x","is_stream_gated":true,
               "stream_conditions":{{"usdc_purchase":{{"price":{price},"splits":{{}}}}}}}}"#
        )
    };
    assert_eq!(send(&mut sandbox, "Create", LIST, &gated("\"1\"")), "price_not_integer");
    assert_eq!(sandbox.rows::<Playlist>().len(), 1);
    assert!(sandbox.rows::<AlbumPrice>().is_empty());
    assert_eq!(send(&mut sandbox, "Update", LIST, &gated("5")), "applied");
    let splits = sandbox.rows::<AlbumPrice>().remove(0).splits.to_json_text();
    assert_eq!(splits, r#"[{"user_id":3000001,"percentage":100.0}]"#);
}

#[test]
fn albums_only_take_their_owners_tracks() {
    let entries = r#""playlist_contents":[{"track":2000001,"time":5},{"track":2000002,"time":5},
        {"track":9,"time":5}]"#;
    for (is_album, expected) in [(true, vec![MINE]), (false, vec![9, MINE, THEIRS])] {
        let mut sandbox = room();
        let data = format!(r#"{{"playlist_name":"x","is_album":{is_album},{entries}}}"#);
        assert_eq!(send(&mut sandbox, "Create", LIST, &data), "applied");
        let ids: Vec<_> = members(&sandbox).into_iter().map(|(id, _)| id).collect();
        assert_eq!(ids, expected);
    }
}

#[test]
fn leaving_and_returning_tracks_are_noted_on_the_track() {
    let mut sandbox = room();
    let with = r#"{"playlist_name":"x","playlist_contents":[{"track":2000001,"time":5}]}"#;
    send(&mut sandbox, "Create", LIST, with);
    assert_eq!(stored_track(&sandbox, MINE).playlists_containing_track, Some(vec![LIST]));
    send(&mut sandbox, "Update", LIST, r#"{"playlist_contents":{"track_ids":[]}}"#);
    assert_eq!(members(&sandbox), [(MINE, true)]);
    let track = stored_track(&sandbox, MINE);
    assert_eq!(track.playlists_containing_track, Some(vec![]));
    let left = track.playlists_previously_containing_track.unwrap();
    assert_eq!(left.to_json_text(), r#"{"400001":{"time":1700000002}}"#);
    send(&mut sandbox, "Update", LIST, with);
    assert_eq!(members(&sandbox), [(MINE, false)]);
    let track = stored_track(&sandbox, MINE);
    assert_eq!(track.playlists_containing_track, Some(vec![LIST]));
    assert_eq!(track.playlists_previously_containing_track.unwrap().to_json_text(), "{}");
}

#[test]
fn a_new_entry_gets_block_time_and_a_known_one_its_claimed_time() {
    let mut sandbox = room();
    send(&mut sandbox, "Create", LIST, r#"{"playlist_name":"x"}"#);
    let entry = r#"{"playlist_contents":[{"track":2000001,"time":5}]}"#;
    send(&mut sandbox, "Update", LIST, entry);
    assert_eq!(
        contents(&sandbox),
        r#"{"track_ids":[{"track":2000001,"time":1700000002,"metadata_time":5}]}"#
    );
    send(&mut sandbox, "Update", LIST, entry);
    assert_eq!(
        contents(&sandbox),
        r#"{"track_ids":[{"track":2000001,"time":5,"metadata_time":5}]}"#
    );
    assert_eq!(send(&mut sandbox, "Update", LIST, r#"{"playlist_contents":[]}"#), "applied");
    assert_eq!(playlist(&sandbox).last_added_to.map(|at| at.seconds()), Some(5));
}

#[test]
fn digit_strings_are_stored_as_sent_and_cast_in_the_rows() {
    let mut sandbox = room();
    let data = r#"{"playlist_name":"x","playlist_contents":[{"track":"7","time":5},
        {"track":1.5,"time":5}]}"#;
    assert_eq!(send(&mut sandbox, "Create", LIST, data), "applied");
    assert!(contents(&sandbox).contains(r#""track":"7""#));
    assert_eq!(members(&sandbox), [(2, false), (7, false)]);
    let again = r#"{"playlist_contents":[{"track":1.5,"time":5}]}"#;
    assert_eq!(send(&mut sandbox, "Update", LIST, again), "track_id_rounds_to_another");
}

#[test]
fn a_list_in_place_of_the_left_playlists_fails_the_removal_half_way() {
    let rows = room().rows::<Track>().into_iter().map(|mut track| {
        track.playlists_containing_track = Some(vec![NULL_ELEMENT, LIST]);
        if track.track_id == THEIRS {
            let list = crate::model::Json::parse("[1]").unwrap();
            track.playlists_previously_containing_track = Some(list.into());
        }
        crate::store::row_of(track)
    });
    let mut sandbox = Sandbox::new(rows.chain([user(OWNER)]));
    let with = r#"{"playlist_name":"x","playlist_contents":[{"track":2000002,"time":5}]}"#;
    assert_eq!(send(&mut sandbox, "Create", LIST, with), "applied");
    let without = r#"{"playlist_contents":{"track_ids":[]}}"#;
    assert_eq!(send(&mut sandbox, "Update", LIST, without), "previous_playlists_not_object");
    assert_eq!(members(&sandbox), [(THEIRS, true)]);
    let track = stored_track(&sandbox, THEIRS);
    assert_eq!(track.playlists_containing_track, Some(vec![NULL_ELEMENT]));
    assert!(contents(&sandbox).contains("2000002"), "the playlist itself keeps the entry");
}

#[test]
fn a_time_is_kept_as_sent_where_no_other_is_truthy() {
    let mut sandbox = room();
    assert_eq!(send(&mut sandbox, "Create", LIST, r#"{"playlist_name":"x"}"#), "applied");
    for (time, stored) in [("0", "0"), ("0.0", "0.0"), ("null", "null"), ("\"\"", "\"\"")] {
        let entry = format!(r#"{{"playlist_contents":[{{"track":7,"time":{time}}}]}}"#);
        assert_eq!(send(&mut sandbox, "Update", LIST, &entry), "applied");
        let expected = format!(r#""metadata_time":{stored}"#);
        assert!(contents(&sandbox).contains(&expected), "{}", contents(&sandbox));
    }
}

#[test]
fn a_sent_time_of_the_last_addition_is_looked_at_only_where_no_entry_has_a_say() {
    let mut sandbox = room();
    let with = r#"{"playlist_name":"x","playlist_contents":[{"track":7,"time":5}]}"#;
    assert_eq!(send(&mut sandbox, "Create", LIST, with), "applied");
    let at = playlist(&sandbox).last_added_to;
    assert_eq!(send(&mut sandbox, "Update", LIST, r#"{"last_added_to":"never"}"#), "applied");
    assert_eq!(playlist(&sandbox).last_added_to, at);
    let without = r#"{"playlist_contents":{"track_ids":[]},"last_added_to":"never"}"#;
    assert_eq!(send(&mut sandbox, "Update", LIST, without), "timestamp_text");
}

#[test]
fn names_and_descriptions_that_are_no_text_are_refused_in_the_order_of_the_columns() {
    let mut sandbox = room();
    assert_eq!(send(&mut sandbox, "Create", LIST, r#"{"playlist_name":"x"}"#), "applied");
    for (sent, expected, stored) in [
        (r#"["a"]"#, "text_not_string", None),
        ("0.0", "applied", Some("0.0")),
        ("{}", "text_column", Some("0.0")),
        ("null", "applied", None),
    ] {
        let data = format!(r#"{{"description":{sent}}}"#);
        assert_eq!(send(&mut sandbox, "Update", LIST, &data), expected);
        assert_eq!(playlist(&sandbox).description.as_deref(), stored);
    }
    // The name is refused before the contents are.
    let both = r#"{"playlist_name":[0],"playlist_contents":[{"time":5}]}"#;
    assert_eq!(send(&mut sandbox, "Update", LIST, both), "text_not_string");
}

#[test]
fn contents_that_cannot_be_walked_fail_a_create_even_if_falsy() {
    let mut sandbox = room();
    for (sent, expected) in [("0.0", "contents_not_iterable"), ("\"\"", "applied")] {
        let data = format!(r#"{{"playlist_name":"x","playlist_contents":{sent}}}"#);
        assert_eq!(send(&mut sandbox, "Create", LIST, &data), expected);
    }
}

#[test]
fn what_publishing_overrides_is_not_looked_at() {
    let mut sandbox = room();
    let hidden = r#"{"playlist_name":"x","is_private":true}"#;
    assert_eq!(send(&mut sandbox, "Create", LIST, hidden), "applied");
    let refused = r#"{"is_scheduled_release":"--"}"#;
    assert_eq!(send(&mut sandbox, "Update", LIST, refused), "boolean_column");
    let published = r#"{"is_scheduled_release":"--","is_private":false}"#;
    assert_eq!(send(&mut sandbox, "Update", LIST, published), "applied");
    assert_eq!(playlist(&sandbox).is_scheduled_release, Some(false));
}

#[test]
fn a_digit_string_makes_a_removed_row_anew_and_the_number_after_it_finds_it_back() {
    let mut sandbox = room();
    let with = r#"{"playlist_name":"x","playlist_contents":[{"track":7,"time":5}]}"#;
    assert_eq!(send(&mut sandbox, "Create", LIST, with), "applied");
    let none = r#"{"playlist_contents":{"track_ids":[]}}"#;
    assert_eq!(send(&mut sandbox, "Update", LIST, none), "applied");
    let both = r#"{"playlist_contents":[{"track":"7","time":5},{"track":7,"time":5}]}"#;
    assert_eq!(send(&mut sandbox, "Update", LIST, both), "applied");
    assert_eq!(members(&sandbox), [(7, false)]);
    let row = sandbox.rows::<PlaylistTrack>().remove(0);
    assert_eq!(row.created_at, row.updated_at, "the row is as new");
}

#[test]
fn a_deleted_playlist_can_be_changed_and_deleted_again() {
    let mut sandbox = room();
    send(&mut sandbox, "Create", LIST, r#"{"playlist_name":"x"}"#);
    for _ in 0..2 {
        assert_eq!(code(&sandbox.call((OWNER, "Delete", "Playlist", LIST, ""))), "applied");
        assert_eq!(send(&mut sandbox, "Update", LIST, r#"{"description":"x"}"#), "applied");
    }
    assert!(playlist(&sandbox).is_delete);
}

#[test]
fn an_update_of_anything_gives_a_playlist_without_routes_one() {
    let stored = row(
        TableId::Playlists,
        &[
            ("playlist_id", Value::Int(LIST)),
            ("playlist_owner_id", Value::Int(OWNER)),
            ("playlist_name", Value::Text("One".to_owned())),
            ("playlist_contents", Value::Json(Json::parse(r#"{"track_ids":[]}"#).unwrap().into())),
            ("is_album", Value::Bool(false)),
            ("is_private", Value::Bool(false)),
            ("is_delete", Value::Bool(false)),
            ("is_current", Value::Bool(true)),
            ("created_at", Value::Time(Timestamp::default())),
            ("updated_at", Value::Time(Timestamp::default())),
            ("txhash", Value::Text(String::new())),
        ],
    );
    let mut sandbox = Sandbox::new([user(OWNER), stored]);
    assert_eq!(send(&mut sandbox, "Update", LIST, r#"{"description":"x"}"#), "applied");
    assert_eq!(routes(&sandbox), [("one".to_owned(), true, "1/0".to_owned())]);
}
