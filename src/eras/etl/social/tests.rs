//! Tests of follows, subscriptions, saves, reposts and shares.

use crate::{
    eras::etl::sandbox::{START, Sandbox, code, row, track, user},
    model::{
        Timestamp,
        tables::{CurrentFollow, CurrentSubscription, Repost, Save, ShareVersion, TableId},
        value::Value,
    },
};

/// Users 1 to 3, track 10 of user 1, and event 3 of theirs.
fn sandbox() -> Sandbox {
    let event = row(
        TableId::Events,
        &[
            ("event_id", Value::Int(3)),
            ("user_id", Value::Int(1)),
            ("is_deleted", Value::Bool(false)),
            ("event_type", Value::Text("remix_contest".into())),
            ("created_at", Value::Time(START)),
            ("updated_at", Value::Time(START)),
            ("txhash", Value::Text(String::new())),
            ("blockhash", Value::Text(String::new())),
        ],
    );
    Sandbox::new([user(1), user(2), user(3), track(10, 1), event])
}

fn send(chain: &mut Sandbox, action: &str, entity: &str, id: i64, metadata: &str) -> &'static str {
    code(&chain.call((2, action, entity, id, metadata)))
}

#[test]
fn a_follow_brings_a_subscription_along_and_takes_it_away() {
    let mut chain = sandbox();
    assert_eq!(send(&mut chain, "Follow", "Track", 2, ""), "follow_of_self");
    assert_eq!(send(&mut chain, "Follow", "User", 9, ""), "followee_not_found");
    assert_eq!(send(&mut chain, "Follow", "User", 3_000_000_000, ""), "integer_out_of_range");
    assert_eq!(send(&mut chain, "Subscribe", "Event", 3, ""), "applied");
    chain.block(&[
        (2, "Follow", "User", 3, ""),
        (2, "Unfollow", "User", 3, ""),
        (2, "Follow", "", 3, ""),
    ]);
    let follow = &chain.rows::<CurrentFollow>()[0];
    assert_eq!((follow.txhash.as_str(), follow.is_delete), ("5/2", false));
    assert_eq!(send(&mut chain, "Follow", "User", 3, ""), "follow_exists");
    assert_eq!(send(&mut chain, "Unsubscribe", "User", 3, ""), "applied");
    assert_eq!(send(&mut chain, "Unfollow", "User", 3, ""), "applied");
    assert_eq!(send(&mut chain, "Unfollow", "User", 3, ""), "follow_not_active");
    let mut subscriptions = chain.rows::<CurrentSubscription>();
    let user = subscriptions.pop().unwrap();
    assert_eq!((user.entity_type.as_str(), user.entity_id), ("User", Some(3)));
    assert_eq!((user.txhash.as_str(), user.is_delete), ("8/0", true));
    let event = subscriptions.pop().unwrap();
    assert_eq!((event.entity_type.as_str(), event.is_delete), ("Event", false));
}

#[test]
fn a_row_that_comes_back_keeps_what_the_upsert_does_not_write() {
    let old = row(
        TableId::CurrentFollows,
        &[
            ("follower_user_id", Value::Int(2)),
            ("followee_user_id", Value::Int(3)),
            ("is_current", Value::Bool(true)),
            ("is_delete", Value::Bool(true)),
            ("created_at", Value::Time(START)),
            ("txhash", Value::Text("old".into())),
            ("blockhash", Value::Text("old block".into())),
        ],
    );
    let mut chain = Sandbox::new([user(2), user(3), old]);
    assert_eq!(send(&mut chain, "Follow", "User", 3, ""), "applied");
    let follow = &chain.rows::<CurrentFollow>()[0];
    assert_eq!((follow.txhash.as_str(), follow.blockhash.as_deref()), ("1/0", Some("old block")));
    assert_eq!(follow.created_at, Timestamp::from_seconds(START.seconds() + 1));
}

#[test]
fn the_type_of_an_item_comes_from_the_metadata_first() {
    let mut chain = sandbox();
    chain.call((1, "Create", "Playlist", 400_001, "{}"));
    assert_eq!(send(&mut chain, "Save", "Playlist", 400_001, r#"{"type":"Album"}"#), "applied");
    assert_eq!(send(&mut chain, "Save", "ALBUM", 400_001, ""), "save_exists");
    // The check says playlist, the write says track: the playlist stays saved.
    let other = r#"{"type":"trac\u212A"}"#;
    assert_eq!(send(&mut chain, "Unsave", "Playlist", 400_001, other), "applied");
    let saves: Vec<_> = chain.rows::<Save>();
    let kinds = saves.iter().map(|save| (save.save_type.as_str(), save.is_delete));
    assert_eq!(kinds.collect::<Vec<_>>(), [("playlist", false), ("track", true)]);
    assert_eq!(send(&mut chain, "Unrepost", "Playlist", 400_001, ""), "repost_not_active");
    assert_eq!(
        send(&mut chain, "Repost", "User", 10, r#"{"is_repost_of_repost":true}"#),
        "applied"
    );
    assert_eq!(send(&mut chain, "Unrepost", "Track", 10, "{}"), "applied");
    let repost = &chain.rows::<Repost>()[0];
    assert_eq!((repost.is_delete, repost.is_repost_of_repost), (true, Some(false)));
}

#[test]
fn an_id_out_of_range_is_an_error_only_where_the_type_is_known() {
    let mut chain = sandbox();
    for (entity, metadata, reason) in [
        ("User", "", "save_type_unknown"),
        ("User", r#"{"type":"track"}"#, "integer_out_of_range"),
        ("Playlist", "", "integer_out_of_range"),
    ] {
        assert_eq!(send(&mut chain, "Save", entity, 3_000_000_000, metadata), reason);
    }
    assert_eq!(send(&mut chain, "Save", "Banana", 11, ""), "save_type_unknown");
    assert_eq!(send(&mut chain, "Save", "Track", 11, ""), "save_item_not_found");
}

#[test]
fn a_share_is_a_row_a_transaction() {
    let mut chain = sandbox();
    chain.call((1, "Create", "Playlist", 400_001, "{}"));
    assert_eq!(send(&mut chain, "Share", "User", 10, ""), "share_type_unknown");
    assert_eq!(send(&mut chain, "Share", "Track", 10, r#"{"type":"playlist"}"#), "applied");
    assert_eq!(send(&mut chain, "Share", "User", 10, r#"{"type":"Track"}"#), "applied");
    assert_eq!(send(&mut chain, "Share", "Album", 400_001, ""), "refused_by_schema");
    assert_eq!(send(&mut chain, "Share", "Playlist", 400_001, ""), "applied");
    assert_eq!(chain.rows::<ShareVersion>().len(), 3);
}
