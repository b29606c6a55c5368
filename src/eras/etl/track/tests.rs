//! Tracks on a chain in memory.

use crate::{
    eras::etl::sandbox::{Sandbox, code, track, user},
    model::tables::{Track, TrackCollaborator, TrackPrice, TrackRoute},
    store::keys_walked,
};

const OWNER: i64 = 3_000_001;
const SONG: i64 = 2_000_001;

fn create(metadata: &str) -> (Sandbox, &'static str) {
    let mut chain = Sandbox::new([user(OWNER)]);
    let outcome = chain.call((OWNER, "Create", "Track", SONG, metadata));
    (chain, code(&outcome))
}

#[test]
fn the_owner_is_a_number_that_names_the_user() {
    let outcome = |metadata| create(metadata).1;
    assert_eq!(outcome(r#"{"owner_id":3000001.9,"title":"A"}"#), "applied");
    assert_eq!(outcome(r#"{"owner_id":"3000001","title":"A"}"#), "owner_missing");
    assert_eq!(outcome(r#"{"owner_id":3000002,"title":"A"}"#), "owner_not_user");
    assert_eq!(outcome(r#"{"owner_id":3000001}"#), "title_missing");
}

#[test]
fn a_price_that_is_no_number_leaves_a_track_without_a_route() {
    let gate = r#"{"usdc_purchase":{"splits":[{"user_id":1,"percentage":100}]}}"#;
    let (chain, outcome) = create(&format!(
        r#"{{"owner_id":3000001,"title":"A","is_stream_gated":true,"is_download_gated":true,
            "stream_conditions":{gate},"download_conditions":{gate}}}"#
    ));
    assert_eq!(outcome, "price_not_number");
    assert_eq!(chain.rows::<Track>().len(), 1);
    assert!(chain.rows::<TrackRoute>().is_empty() && chain.rows::<TrackPrice>().is_empty());
}

#[test]
fn titles_of_one_slug_are_numbered_and_a_new_title_never_keeps_its_route() {
    let (mut chain, _) = create(r#"{"owner_id":3000001,"title":"My Song"}"#);
    let title = r#"{"title":"My Song!"}"#;
    assert_eq!(code(&chain.call((OWNER, "Update", "Track", SONG, title))), "track_column_null");
    let flags = r#"{"owner_id":3000001,"title":"My Song"}"#;
    chain.call((OWNER, "Create", "Track", SONG + 1, flags));
    chain.call((OWNER, "Update", "Track", SONG + 1, title));
    let mut slugs: Vec<_> =
        chain.rows::<TrackRoute>().into_iter().map(|row| (row.slug, row.is_current)).collect();
    slugs.sort();
    let slug = |slug: &str, is_current| (slug.to_owned(), is_current);
    assert_eq!(slugs, [slug("my-song", true), slug("my-song-1", false), slug("my-song-2", true)]);
}

#[test]
fn a_track_of_unknown_duration_is_left_alone() {
    let mut chain = Sandbox::new([user(OWNER), track(SONG, OWNER)]);
    let outcome = chain.call((OWNER, "Update", "Track", SONG, r#"{"title":"B"}"#));
    assert_eq!(code(&outcome), "track_column_null");
    assert_eq!(code(&chain.call((OWNER, "Delete", "Track", SONG, ""))), "track_column_null");
}

#[test]
fn who_is_not_on_the_list_is_no_collaborator_any_more() {
    let (mut chain, _) = create(
        r#"{"owner_id":3000001,"title":"A","collaborators":[3000001,3000002,3000002,{"user_id":3000003},"3000004",0]}"#,
    );
    let invited = |chain: &Sandbox| -> Vec<i64> {
        chain.rows::<TrackCollaborator>().iter().map(|row| row.collaborator_user_id).collect()
    };
    assert_eq!(invited(&chain), [3_000_002, 3_000_003]);
    chain.call((OWNER, "Update", "Track", SONG, r#"{"collaborators":[3000002]}"#));
    assert_eq!(invited(&chain), [3_000_002]);
    chain.call((OWNER, "Update", "Track", SONG, r#"{"collaborators":null}"#));
    assert_eq!(invited(&chain), [0_i64; 0]);
}

/// Keys that lookups walk over while one user uploads `count` tracks of one title, renames each, and
/// gives the last one as many titles and prices again, `size` calls in a block.
fn walked(count: i64, size: usize) -> usize {
    let mut chain = Sandbox::new([user(OWNER)]);
    let mut send = |metadata: &[(i64, &str, String)]| {
        for block in metadata.chunks(size) {
            let calls: Vec<_> = block
                .iter()
                .map(|(id, action, metadata)| (OWNER, *action, "Track", *id, metadata.as_str()))
                .collect();
            let outcomes = chain.block(&calls);
            assert!(outcomes.iter().all(|outcome| code(outcome) == "applied"));
        }
    };
    let ids = || SONG..SONG + count;
    let created = ids().map(|id| (id, "Create", r#"{"owner_id":3000001,"title":"A"}"#.to_owned()));
    let renamed = ids().map(|id| (id, "Update", r#"{"title":"B"}"#.to_owned()));
    let gate = r#"{"usdc_purchase":{"price":1,"splits":[{"user_id":1}]}}"#;
    let titled = ids().map(|id| {
        let title = id % 2;
        let metadata = format!(
            r#"{{"title":"{title}","is_download_gated":true,"download_conditions":{gate}}}"#
        );
        (SONG, "Update", metadata)
    });
    let calls: Vec<_> = created.chain(renamed).chain(titled).collect();
    let walked = keys_walked(|| send(&calls));
    assert_eq!(
        chain.rows::<TrackRoute>().iter().filter(|route| route.is_current).count(),
        ids().count()
    );
    walked
}

#[test]
fn equal_titles_and_new_titles_cost_as_much_each_as_the_first() {
    for size in [1, 50, 1000] {
        let (few, many) = (walked(50, size), walked(200, size));
        assert!(many <= 5 * few, "{few} keys for 50 tracks, {many} for 200, {size} in a block");
    }
}
