//! Tests of playlists.

use crate::{
    eras::etl::sandbox::{START, Sandbox, code, row, track, user},
    model::{
        Json, Timestamp,
        tables::{AlbumPrice, Playlist, PlaylistRoute, PlaylistTrack, TableId, Track},
        value::Value,
    },
};

const ID: i64 = 400_001;

/// Users 1 and 2; user 1 owns tracks 10 and 11.
fn sandbox() -> Sandbox {
    Sandbox::new([user(1), user(2), track(10, 1), track(11, 1)])
}

fn create(chain: &mut Sandbox, id: i64, metadata: &str) -> &'static str {
    code(&chain.call((1, "Create", "Playlist", id, metadata)))
}

fn update(chain: &mut Sandbox, metadata: &str) -> &'static str {
    code(&chain.call((1, "Update", "Playlist", ID, metadata)))
}

fn playlist(chain: &Sandbox) -> Playlist {
    chain.rows::<Playlist>().remove(0)
}

fn contents(chain: &Sandbox) -> String {
    playlist(chain).playlist_contents.to_json_text()
}

/// The slugs of all routes, current ones with a star.
fn routes(chain: &Sandbox) -> Vec<String> {
    let star = |route: &PlaylistRoute| if route.is_current { "*" } else { "" };
    chain.rows::<PlaylistRoute>().iter().map(|r| format!("{}{}", r.slug, star(r))).collect()
}

#[test]
fn malformed_playlists_are_refused() {
    let mut chain = sandbox();
    let long = format!(r#"{{"description":"{}"}}"#, "ü".repeat(2501));
    for (id, metadata, reason) in [
        (399_999, "", "playlist_id_too_low"),
        (ID, "[]", "metadata_missing"),
        (ID, &long, "description_too_long"),
        (3_000_000_000, "{}", "integer_out_of_range"),
        (ID, r#"{"playlist_name":"a\u0000b"}"#, "refused_by_schema"),
        (ID, r#"{"playlist_contents":[{"track":3e9}]}"#, "refused_by_schema"),
        (ID, r#"{"release_date":"9224318016000"}"#, "refused_by_schema"),
    ] {
        assert_eq!(create(&mut chain, id, metadata), reason, "{metadata}");
    }
    assert!(chain.rows::<Playlist>().is_empty() && chain.rows::<PlaylistTrack>().is_empty());
    let limit = format!(r#"{{"description":"{}"}}"#, "ü".repeat(2500));
    assert_eq!(create(&mut chain, ID, &limit), "applied");
    assert_eq!(create(&mut chain, ID, "{}"), "playlist_exists");
    assert_eq!(code(&chain.call((2, "Delete", "Playlist", ID, ""))), "playlist_not_owned");
    assert_eq!(code(&chain.call((1, "Delete", "Playlist", ID, "x"))), "applied");
    assert_eq!(code(&chain.call((1, "Delete", "Playlist", ID, ""))), "playlist_deleted");
    assert_eq!(create(&mut chain, ID, "{}"), "playlist_exists");
}

#[test]
fn a_row_of_the_past_is_a_playlist_that_exists() {
    let past = row(
        TableId::PlaylistVersions,
        &[("playlist_id", Value::Int(ID)), ("txhash", Value::Text("old".into()))],
    );
    let mut chain = Sandbox::new([user(1), past]);
    assert_eq!(create(&mut chain, ID, "{}"), "playlist_exists");
    assert_eq!(update(&mut chain, "{}"), "playlist_not_found");
    assert_eq!(code(&chain.call((1, "Save", "Playlist", ID, ""))), "applied");
}

#[test]
fn entries_are_kept_in_one_form_and_times_are_filled_in() {
    let mut chain = sandbox();
    create(
        &mut chain,
        ID,
        r#"{"playlist_contents":[5,{"time":1},{"track_id":"LjjBL","timestamp":10.9,
            "metadata_timestamp":9},{"track_id":null,"track":"12"},{"track":0,"time":-4}]}"#,
    );
    let now = START.seconds() + 1;
    let expected = format!(
        r#"{{"track_ids":[{{"time":10,"track":777,"metadata_time":9}},{{"time":{now},"track":12}},{{"time":{now},"track":0}}]}}"#
    );
    assert_eq!(contents(&chain).replace(' ', ""), expected);
    assert_eq!(playlist(&chain).last_added_to, Some(Timestamp::from_seconds(now)));
    // Reordered: nothing is added, and what has no time keeps the one it had.
    update(
        &mut chain,
        r#"{"playlist_contents":{"track_ids":[{"track":12},{"track":777,"time":0}]}}"#,
    );
    let expected =
        format!(r#"{{"track_ids":[{{"time":{now},"track":12}},{{"time":10,"track":777}}]}}"#);
    assert_eq!(contents(&chain).replace(' ', ""), expected);
    assert_eq!(playlist(&chain).last_added_to, Some(Timestamp::from_seconds(now)));
    for empty in ["null", "[]", "5", r#"{"track_ids":{}}"#] {
        update(&mut chain, &format!(r#"{{"playlist_contents":{empty}}}"#));
        assert_eq!(contents(&chain).replace(' ', ""), r#"{"track_ids":[]}"#);
    }
    assert!(chain.rows::<PlaylistTrack>().iter().all(|row| row.is_removed));
}

#[test]
fn an_update_keeps_and_clears_by_type() {
    let mut chain = sandbox();
    create(
        &mut chain,
        ID,
        r#"{"description":"d","is_private":true,"artists":[1.0],"ddex_app":"0xA","upc":"u"}"#,
    );
    assert_eq!(
        update(
            &mut chain,
            r#"{"description":5,"is_private":null,"artists":null,"ddex_app":"0xB","is_album":true,
                "upc":"","release_date":"1706263200","stream_conditions":{"a":2.0}}"#
        ),
        "applied"
    );
    let row = playlist(&chain);
    assert_eq!((row.description, row.upc, row.artists), (None, None, None));
    assert!(row.is_private && !row.is_album);
    assert_eq!(row.ddex_app.as_deref(), Some("0xA"));
    assert_eq!(row.release_date, Some(Timestamp::from_seconds(1_706_263_200)));
    assert_eq!(row.stream_conditions.as_deref(), Json::parse(r#"{"a":2}"#).ok().as_ref());
    assert_eq!(update(&mut chain, ""), "applied");
    let touched = playlist(&chain);
    assert_eq!((touched.txhash.as_str(), touched.blocknumber), ("3/0", Some(3)));
    assert_eq!(touched.updated_at, Timestamp::from_seconds(START.seconds() + 3));
    assert_eq!(touched.release_date, row.release_date);
}

#[test]
fn tracks_know_the_playlists_that_they_are_and_were_in() {
    let mut chain = sandbox();
    create(&mut chain, ID, r#"{"playlist_contents":[{"track":10},{"track":12},{"track":10}]}"#);
    let known = |chain: &Sandbox| {
        let track: Track = chain.rows().remove(0);
        let left = track.playlists_previously_containing_track.unwrap().to_json_text();
        (track.playlists_containing_track.unwrap(), left.replace(' ', ""), track.updated_at)
    };
    let time = |height| Timestamp::from_seconds(START.seconds() + height);
    assert_eq!(known(&chain), (vec![ID], "{}".into(), time(1)));
    update(&mut chain, r#"{"playlist_contents":[{"track":12}]}"#);
    let left = format!(r#"{{"{ID}":{{"time":{}}}}}"#, time(2).seconds());
    assert_eq!(known(&chain), (vec![], left.clone(), time(2)));
    update(&mut chain, r#"{"playlist_contents":[{"track":12}],"upc":"1"}"#);
    assert_eq!(known(&chain), (vec![], left, time(2)));
    update(&mut chain, r#"{"playlist_contents":[{"track":12},{"track":10}]}"#);
    assert_eq!(known(&chain), (vec![ID], "{}".into(), time(4)));
    let members = chain.rows::<PlaylistTrack>();
    let member = &members[0];
    assert_eq!((member.track_id, member.is_removed, members.len()), (10, false, 2));
    assert_eq!((member.created_at, member.updated_at), (time(1), time(4)));
}

#[test]
fn names_give_routes() {
    let mut chain = sandbox();
    create(&mut chain, ID, "{}");
    assert!(routes(&chain).is_empty());
    update(&mut chain, r#"{"playlist_name":"Mix"}"#);
    update(&mut chain, r#"{"playlist_name":null}"#);
    assert_eq!(routes(&chain), ["mix*"]);
    update(&mut chain, r#"{"playlist_name":"mix!"}"#);
    assert_eq!(routes(&chain), ["mix", "mix-1*"]);
    create(&mut chain, ID + 1, r#"{"playlist_name":"Mix"}"#);
    assert_eq!(routes(&chain), ["mix", "mix-1*", "mix-2*", "mix-400002"]);
    create(&mut chain, ID + 2, r#"{"playlist_name":"Mix 400002"}"#);
    // The past route that ends in an id counts among those of its slug, with its number.
    assert_eq!(routes(&chain)[4..], ["mix-400002-3*", "mix-400002-400003"]);
}

#[test]
fn a_bad_price_leaves_an_album_without_a_route() {
    let mut chain = sandbox();
    let gated = |price: &str, rest: &str| {
        format!(
            r#"{{"is_stream_gated":true,"stream_conditions":{{"usdc_purchase":{{{price}}}}}{rest}}}"#
        )
    };
    let named = r#","playlist_name":"A","playlist_contents":[{"track":10}]"#;
    let price = r#""price":"5","splits":[]"#;
    assert_eq!(create(&mut chain, ID, &gated(price, named)), "price_not_number");
    assert_eq!(playlist(&chain).playlist_name.as_deref(), Some("A"));
    assert_eq!(chain.rows::<PlaylistTrack>().len(), 1);
    assert_eq!(update(&mut chain, &gated(r#""price":5"#, "")), "splits_missing");
    assert!(routes(&chain).is_empty() && chain.rows::<AlbumPrice>().is_empty());
    // Texts are compared: a list of two is never the same as it was.
    for splits in ["[1]", "[1]", "[1,2]", "[1,2]"] {
        update(&mut chain, &gated(&format!(r#""price":9.9,"splits":{splits}"#), ""));
    }
    let prices: Vec<_> = chain.rows::<AlbumPrice>();
    assert_eq!(prices.iter().map(|row| row.total_price_cents).collect::<Vec<_>>(), [9, 9, 9]);
}
