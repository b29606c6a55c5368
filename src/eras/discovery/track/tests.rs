//! Tracks: fields, routes, relations, prices, access and what a failed call leaves.

use super::super::sandbox::{Sandbox, artist, code, user};
use crate::model::{
    Json,
    tables::{
        CommentNotificationSetting, Notification, Remix, Stem, Track, TrackDownload, TrackPrice,
        TrackRoute,
    },
};

const ARTIST: i64 = 3_000_001;
const FAN: i64 = 3_000_002;
const TRACK: i64 = 2_000_001;
const OTHER: i64 = 2_000_002;

fn studio() -> Sandbox {
    Sandbox::new([artist(ARTIST), artist(FAN)])
}

/// Metadata of a Create by [`ARTIST`] with more keys.
fn metadata(more: &str) -> String {
    format!(r#"{{"cid":"","data":{{"title":"Song","owner_id":{ARTIST}{more}}}}}"#)
}

fn create(sandbox: &mut Sandbox, id: i64, more: &str) -> &'static str {
    code(&sandbox.call((ARTIST, "Create", "Track", id, &metadata(more))))
}

fn update(sandbox: &mut Sandbox, id: i64, data: &str) -> &'static str {
    let metadata = format!(r#"{{"cid":"","data":{data}}}"#);
    code(&sandbox.call((ARTIST, "Update", "Track", id, &metadata)))
}

fn track(sandbox: &Sandbox, id: i64) -> Track {
    sandbox.rows::<Track>().into_iter().find(|track| track.track_id == id).unwrap()
}

fn slugs(sandbox: &Sandbox) -> Vec<(String, bool)> {
    sandbox.rows::<TrackRoute>().into_iter().map(|route| (route.slug, route.is_current)).collect()
}

const FOR_SALE: &str = r#","is_download_gated":true,
    "download_conditions":{"usdc_purchase":{"price":PRICE,"splits":{"x":1}}}"#;

#[test]
fn a_track_gets_its_route_and_its_defaults() {
    let mut sandbox = studio();
    assert_eq!(create(&mut sandbox, TRACK, r#","genre":"Rock","isrc":"a\u0000b""#), "applied");
    let track = track(&sandbox, TRACK);
    assert_eq!(track.route_id.as_deref(), Some("user3000001/song"));
    assert_eq!(track.isrc.as_deref(), Some("ab"));
    assert_eq!((track.is_unlisted, track.duration), (Some(false), None));
    assert!(track.artists.is_some_and(|artists| artists.is_null()));
    assert_eq!(track.release_date, Some(track.created_at));
    assert_eq!(slugs(&sandbox), [("song".to_owned(), true)]);
}

#[test]
fn creation_is_refused_for_the_reasons_of_the_reference() {
    let mut sandbox = studio();
    let guest =
        Sandbox::new([user(ARTIST)]).call((ARTIST, "Create", "Track", TRACK, &metadata("")));
    assert_eq!(code(&guest), "handle_not_found");
    assert_eq!(create(&mut sandbox, 1_999_999, ""), "track_id_below_offset");
    assert_eq!(create(&mut sandbox, TRACK, r#","genre":"Noise""#), "genre_unknown");
    assert_eq!(create(&mut sandbox, TRACK, r#","description":0"#), "value_without_length");
    assert_eq!(
        create(&mut sandbox, TRACK, r#","ai_attribution_user_id":9"#),
        "ai_attribution_user_unknown"
    );
    assert_eq!(
        create(&mut sandbox, TRACK, &format!(r#","ai_attribution_user_id":{FAN}"#)),
        "ai_attribution_not_allowed"
    );
    assert_eq!(create(&mut sandbox, TRACK, r#","parental_warning_type":{"a":1}"#), "text_column");
    assert!(sandbox.rows::<Track>().is_empty() && slugs(&sandbox).is_empty());
    assert_eq!(create(&mut sandbox, TRACK, ""), "applied");
    assert_eq!(create(&mut sandbox, TRACK, ""), "track_exists");
}

#[test]
fn a_malformed_price_leaves_the_route_the_stem_and_the_remix() {
    let mut sandbox = studio();
    let links = r#","remix_of":{"tracks":[{"parent_track_id":5}]}"#;
    let more = FOR_SALE.replace("PRICE", "1.5") + links;
    assert_eq!(create(&mut sandbox, TRACK, &more), "price_not_integer");
    assert!(sandbox.rows::<Track>().is_empty());
    assert_eq!(slugs(&sandbox), [("song".to_owned(), true)]);
    assert_eq!(sandbox.rows::<Remix>().len(), 1);
}

#[test]
fn a_price_is_recorded_when_it_changes() {
    let mut sandbox = studio();
    assert_eq!(create(&mut sandbox, TRACK, &FOR_SALE.replace("PRICE", "100")), "applied");
    let same = format!("{{{}}}", &FOR_SALE.replace("PRICE", "100")[1..]);
    assert_eq!(update(&mut sandbox, TRACK, &same), "applied");
    assert_eq!(update(&mut sandbox, TRACK, &same.replace("100", "200")), "applied");
    let prices = sandbox.rows::<TrackPrice>();
    let cents: Vec<_> = prices.iter().map(|price| price.total_price_cents).collect();
    assert_eq!(cents, [100, 200]);
    assert_eq!(prices[0].access.as_deref(), Some("download"));
    let splits = prices[0].splits.to_json_text();
    assert_eq!(splits, format!(r#"[{{"user_id":{ARTIST},"percentage":100.0}}]"#));
}

#[test]
fn a_new_title_retires_the_route_and_its_own_history_counts() {
    let mut sandbox = studio();
    create(&mut sandbox, TRACK, "");
    assert_eq!(update(&mut sandbox, TRACK, r#"{"title":"SONG!"}"#), "applied");
    assert_eq!(slugs(&sandbox), [("song".to_owned(), true)]);
    update(&mut sandbox, TRACK, r#"{"title":"b"}"#);
    update(&mut sandbox, TRACK, r#"{"title":"song"}"#);
    let expected = [("b", false), ("song", false), ("song-1", true)];
    assert_eq!(slugs(&sandbox), expected.map(|(slug, current)| (slug.to_owned(), current)));
}

#[test]
fn an_update_without_remix_of_wipes_the_remixes_and_leaves_the_stems() {
    let mut sandbox = studio();
    let remix = r#","remix_of":{"tracks":[{"parent_track_id":5}]}"#;
    create(&mut sandbox, TRACK, remix);
    create(&mut sandbox, OTHER, r#","stem_of":{"parent_track_id":2000001}"#);
    assert_eq!((sandbox.rows::<Remix>().len(), sandbox.rows::<Stem>().len()), (1, 1));
    assert!(track(&sandbox, OTHER).stem_of.is_none(), "no category, so the schema fails");
    update(&mut sandbox, TRACK, r#"{"mood":"Cool"}"#);
    update(&mut sandbox, OTHER, r#"{"mood":"Cool"}"#);
    assert_eq!((sandbox.rows::<Remix>().len(), sandbox.rows::<Stem>().len()), (0, 1));
    assert!(track(&sandbox, TRACK).remix_of.is_some());
    let deleted = sandbox.call((ARTIST, "Delete", "Track", OTHER, ""));
    assert_eq!(code(&deleted), "applied");
    assert!(sandbox.rows::<Stem>().is_empty() && track(&sandbox, OTHER).is_delete);
}

#[test]
fn a_remix_of_that_fails_the_schema_has_no_truth_value_in_its_block() {
    let mut sandbox = studio();
    let created = metadata(r#","remix_of":{"tracks":[{"parent_track_id":5,"extra":1}]}"#);
    let outcomes = sandbox
        .block(&[(ARTIST, "Create", "Track", TRACK, &created), (FAN, "Save", "Track", TRACK, "")]);
    assert_eq!(code(&outcomes[0]), "applied");
    assert!(matches!(outcomes[1], crate::eras::discovery::Outcome::Skipped(_)));
    assert!(track(&sandbox, TRACK).remix_of.is_none());
    assert_eq!(code(&sandbox.call((FAN, "Save", "Track", TRACK, ""))), "applied");
}

#[test]
fn a_gated_parent_allows_remixes_to_followers_only() {
    let mut sandbox = studio();
    let gate = format!(r#"{{"follow_user_id":{ARTIST}}}"#);
    let gates = format!(
        r#","is_stream_gated":true,"is_download_gated":true,
           "stream_conditions":{gate},"download_conditions":{gate}"#
    );
    assert_eq!(create(&mut sandbox, TRACK, &gates), "applied");
    let remix = format!(
        r#"{{"cid":"","data":{{"title":"R","owner_id":{FAN},
            "remix_of":{{"tracks":[{{"parent_track_id":{TRACK}}}]}}}}}}"#
    );
    let call = (FAN, "Create", "Track", OTHER, remix.as_str());
    assert_eq!(code(&sandbox.call(call)), "remix_parent_gated");
    sandbox.call((FAN, "Follow", "User", ARTIST, ""));
    assert_eq!(code(&sandbox.call(call)), "applied");
}

#[test]
fn publishing_sets_the_release_date_and_announces_a_contest() {
    let mut sandbox = studio();
    let release = r#","is_unlisted":true,"release_date":"1500000000""#;
    create(&mut sandbox, TRACK, release);
    let event = r#"{"cid":"","data":{"event_type":"remix_contest","entity_type":"track",
        "entity_id":2000001,"end_date":"2035-01-01T00:00:00Z","event_data":{}}}"#;
    sandbox.call((FAN, "Follow", "User", ARTIST, ""));
    let has_contest = code(&sandbox.call((ARTIST, "Create", "Event", 1, event))) == "applied";
    update(&mut sandbox, TRACK, r#"{"is_unlisted":null}"#);
    let track = track(&sandbox, TRACK);
    assert_eq!(track.is_unlisted, Some(false));
    assert_eq!(track.release_date, Some(track.updated_at));
    let announced = sandbox.rows::<Notification>().into_iter().any(|notification| {
        notification.r#type == "fan_remix_contest_started"
            && notification.specifier == FAN.to_string()
            && notification
                .data
                .is_some_and(|data| data.get("entity_id").and_then(Json::as_int) == Some(TRACK))
    });
    assert_eq!(announced, has_contest);
}

#[test]
fn a_public_track_is_not_moved_into_the_future_and_a_scheduled_one_hides() {
    let mut sandbox = studio();
    create(&mut sandbox, TRACK, "");
    let before = track(&sandbox, TRACK).release_date;
    update(&mut sandbox, TRACK, r#"{"release_date":"4000000000"}"#);
    assert_eq!(track(&sandbox, TRACK).release_date, before);
    assert_eq!(update(&mut sandbox, TRACK, r#"{"release_date":5}"#), "release_date_not_text");
    create(&mut sandbox, OTHER, r#","is_scheduled_release":true,"release_date":"4000000000""#);
    assert_eq!(track(&sandbox, OTHER).is_unlisted, Some(true));
}

#[test]
fn only_the_delivering_app_changes_a_ddex_track() {
    let mut sandbox = studio();
    create(&mut sandbox, TRACK, r#","ddex_app":"0xApp""#);
    assert_eq!(update(&mut sandbox, TRACK, r#"{"mood":"x"}"#), "ddex_signer_mismatch");
    let deleted = sandbox.call((ARTIST, "Delete", "Track", TRACK, ""));
    assert_eq!(code(&deleted), "ddex_signer_mismatch");
    assert_eq!(code(&sandbox.call((FAN, "Delete", "Track", TRACK, ""))), "track_of_another_user");
}

#[test]
fn the_download_of_a_stem_counts_for_its_parent() {
    let mut sandbox = studio();
    create(&mut sandbox, TRACK, r#","stem_of":{"category":"BASS","parent_track_id":7}"#);
    let place = r#"{"cid":"","data":{"city":"Oslo","country":""}}"#;
    assert_eq!(code(&sandbox.call((FAN, "Download", "Track", TRACK, place))), "applied");
    let nowhere = r#"{"cid":"","data":{}}"#;
    let useless = sandbox.call((FAN, "Download", "Track", TRACK, nowhere));
    assert_eq!(code(&useless), "metadata_no_change");
    assert_eq!(code(&sandbox.call((FAN, "Download", "Track", OTHER, ""))), "track_not_found");
    let downloads = sandbox.rows::<TrackDownload>();
    assert_eq!(downloads.len(), 1);
    assert_eq!((downloads[0].parent_track_id, downloads[0].user_id), (7, Some(FAN)));
    assert_eq!(downloads[0].country.as_deref(), Some(""));
}

#[test]
fn muting_asks_nobody_and_starts_the_row_anew() {
    let mut sandbox = Sandbox::new([]);
    let setting = |sandbox: &Sandbox| sandbox.rows::<CommentNotificationSetting>().remove(0);
    assert_eq!(code(&sandbox.call((1, "Mute", "Track", 2, ""))), "applied");
    let muted = setting(&sandbox);
    assert_eq!(code(&sandbox.call((1, "Unmute", "Track", 2, ""))), "applied");
    let unmuted = setting(&sandbox);
    assert_eq!((muted.is_muted, unmuted.is_muted), (Some(true), Some(false)));
    assert!(unmuted.created_at > muted.created_at);
}

#[test]
fn a_deleted_track_can_be_changed_and_deleted_again() {
    let mut sandbox = studio();
    create(&mut sandbox, TRACK, "");
    for _ in 0..2 {
        assert_eq!(code(&sandbox.call((ARTIST, "Delete", "Track", TRACK, ""))), "applied");
        assert_eq!(update(&mut sandbox, TRACK, r#"{"description":"x"}"#), "applied");
    }
    assert!(track(&sandbox, TRACK).is_delete);
}

#[test]
fn a_track_may_belong_to_another_user_and_lack_a_title() {
    let mut sandbox = studio();
    let metadata = format!(r#"{{"cid":"","data":{{"title":"","owner_id":{FAN}}}}}"#);
    assert_eq!(code(&sandbox.call((ARTIST, "Create", "Track", TRACK, &metadata))), "applied");
    assert_eq!(track(&sandbox, TRACK).owner_id, FAN);
}

#[test]
fn an_ai_track_needs_the_consent_of_the_user_it_names() {
    let mut sandbox = studio();
    let attributed = format!(r#","ai_attribution_user_id":{FAN}"#);
    assert_eq!(create(&mut sandbox, TRACK, &attributed), "ai_attribution_not_allowed");
}

#[test]
fn a_new_title_with_the_old_slug_keeps_the_route() {
    let mut sandbox = studio();
    create(&mut sandbox, TRACK, "");
    assert_eq!(update(&mut sandbox, TRACK, r#"{"title":"song!"}"#), "applied");
    assert_eq!(slugs(&sandbox), [("song".to_owned(), true)]);
}
