//! Tests of what one action does to the rows of another, in a block and across blocks.

use crate::{
    eras::discovery::sandbox::{Sandbox, code, track, user},
    model::tables::{Follow, Repost, Save, Share, Subscription},
};

fn sandbox() -> Sandbox {
    Sandbox::new([user(1), user(2), user(3), track(10, 1)])
}

#[test]
fn a_follow_subscribes_and_an_unfollow_takes_both_back() {
    let mut chain = sandbox();
    chain.call((1, "Follow", "User", 2, ""));
    chain.call((1, "Unsubscribe", "User", 2, ""));
    chain.call((1, "Follow", "User", 2, ""));
    let hashes = |chain: &Sandbox| {
        let follow = &chain.rows::<Follow>()[0];
        let subscription = &chain.rows::<Subscription>()[0];
        [
            (follow.txhash.clone(), follow.is_delete),
            (subscription.txhash.clone(), subscription.is_delete),
        ]
    };
    assert_eq!(hashes(&chain), [("1/0".into(), false), ("3/0".into(), false)]);
    chain.call((1, "Unfollow", "User", 2, ""));
    assert_eq!(hashes(&chain), [("4/0".into(), true), ("4/0".into(), true)]);
    assert_eq!((chain.rows::<Follow>().len(), chain.rows::<Subscription>().len()), (1, 1));
}

#[test]
fn an_unfollow_of_a_stranger_leaves_a_tombstone() {
    let mut chain = sandbox();
    chain.call((1, "Unfollow", "User", 2, ""));
    assert!(chain.rows::<Follow>()[0].is_delete);
}

#[test]
fn a_followed_track_is_followed_again_by_another_block() {
    let mut chain = sandbox();
    chain.block(&[(2, "Follow", "Track", 10, ""), (2, "Follow", "Track", 10, "")]);
    assert_eq!(chain.rows::<Follow>().len(), 1);
    chain.call((2, "Follow", "Track", 10, ""));
    assert_eq!(chain.rows::<Follow>().len(), 2);
}

#[test]
fn the_last_action_of_a_block_stays() {
    let mut chain = sandbox();
    chain.block(&[
        (2, "Save", "Track", 10, r#"{"is_save_of_repost":"false"}"#),
        (2, "Save", "Track", 10, ""),
        (2, "Unsave", "Track", 10, ""),
        (3, "Save", "Track", 10, r#"{"is_save_of_repost":"false"}"#),
    ]);
    let saves = chain.rows::<Save>();
    assert_eq!((saves[0].txhash.as_str(), saves[0].is_delete), ("1/2", true));
    assert_eq!(saves[0].is_save_of_repost, Some(false));
    assert_eq!(saves[1].is_save_of_repost, Some(true));
}

#[test]
fn a_repeated_share_has_no_effect() {
    let mut chain = sandbox();
    chain.block(&[(2, "Share", "Track", 10, ""), (2, "Share", "Track", 10, "")]);
    chain.call((2, "Share", "Track", 10, ""));
    assert_eq!(chain.rows::<Share>().len(), 1);
}

#[test]
fn who_may_not_act_is_refused() {
    let mut chain = sandbox();
    for (call, reason) in [
        ((9, "Follow", "User", 2, ""), "user_not_found"),
        ((1, "Follow", "User", 9, ""), "entity_not_found"),
        ((1, "Save", "track", 10, ""), "entity_not_found"),
        ((1, "Follow", "User", 1, ""), "self_action"),
        ((1, "Repost", "Track", 10, ""), "own_content"),
        ((1, "Share", "Track", 10, ""), "own_content"),
        ((1, "Save", "User", 2, ""), "prefetch_record_type"),
        ((1, "Save", "Track", 100_000_000_000, ""), "entity_not_found"),
    ] {
        assert_eq!(code(&chain.call(call)), reason, "{call:?}");
    }
}

#[test]
fn calls_that_change_nothing_pass() {
    let mut chain = sandbox();
    let actor = 2;
    for (entity, id, on, off) in [
        ("User", 1, "Follow", "Unfollow"),
        ("User", 3, "Subscribe", "Unsubscribe"),
        ("Track", 10, "Save", "Unsave"),
        ("Track", 10, "Repost", "Unrepost"),
    ] {
        for action in [off, on, on, off, off] {
            assert_eq!(code(&chain.call((actor, action, entity, id, ""))), "applied", "{action}");
        }
    }
}

#[test]
fn the_flag_of_a_repost_is_any_truthy_value_at_the_top() {
    let mut chain = sandbox();
    chain.call((2, "Save", "Track", 10, r#"{"is_save_of_repost":"false"}"#));
    let inside = r#"{"cid":"","data":{"is_repost_of_repost":true}}"#;
    chain.call((2, "Repost", "Track", 10, inside));
    assert_eq!(chain.rows::<Save>()[0].is_save_of_repost, Some(true));
    assert_eq!(chain.rows::<Repost>()[0].is_repost_of_repost, Some(false));
}
