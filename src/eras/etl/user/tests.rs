//! Tests of users.

use crate::{
    eras::etl::sandbox::{START, Sandbox, code, row, track, user},
    model::{
        Timestamp,
        table::Row,
        tables::{MutedUser, TableId, User},
        value::Value,
    },
};

/// A row of user 9 that is no longer current.
fn past_user(wallet: &str) -> Row {
    row(
        TableId::PastUsers,
        &[
            ("user_id", Value::Int(9)),
            ("is_current", Value::Bool(false)),
            ("wallet", Value::Text(wallet.into())),
            ("txhash", Value::Text(wallet.into())),
        ],
    )
}

fn find(chain: &Sandbox, id: i64) -> User {
    chain.rows::<User>().into_iter().find(|user| user.user_id == id).unwrap()
}

#[test]
fn a_wallet_signs_up_once_also_after_its_row_is_no_longer_current() {
    let mut chain = Sandbox::new([past_user("0xfree"), past_user("0xPast")]);
    let mut sign_up = |signer: &str, id: i64, metadata: &str| {
        chain.sign_as(Some(signer));
        code(&chain.call((id, "Create", "User", 0, metadata)))
    };
    assert_eq!(sign_up("0xA", 2_999_999, ""), "user_id_below_offset");
    assert_eq!(sign_up("0xfree", 3_000_001, ""), "wallet_taken");
    assert_eq!(sign_up("0xPAST", 3_000_001, "not json"), "applied", "compared with the case");
    assert_eq!(sign_up("0xB", 3_000_001, ""), "user_exists");
    assert_eq!(sign_up("0xpast", 3_000_002, ""), "wallet_taken");
    assert_eq!(sign_up("0xC", 3_000_003, r#"{"handle":"Bob"}"#), "applied");
    assert_eq!(sign_up("0xD", 3_000_004, r#"{"handle":"bOB"}"#), "handle_taken");
    assert_eq!(sign_up("0xD", 3_000_000_000, ""), "integer_out_of_range");
    assert_eq!(sign_up("0xD", 3_000_004, r#"{"bio":"a\u0000b"}"#), "refused_by_schema");
    let bob = find(&chain, 3_000_003);
    assert_eq!((bob.handle_lc.as_deref(), bob.name), (Some("bob"), None));
    assert_eq!(chain.rows::<User>().len(), 2);
}

#[test]
fn an_edit_keeps_what_it_does_not_fill() {
    let mut chain = Sandbox::new([user(1), user(2)]);
    let mut edit = |metadata: &str| code(&chain.call((1, "Update", "User", 1, metadata)));
    assert_eq!(edit(r#"{"name":"A","bio":"b","is_deactivated":true}"#), "applied");
    assert_eq!(edit(r#"{"name":"","bio":null,"is_deactivated":null,"website":5}"#), "applied");
    assert_eq!(edit("not json"), "applied");
    assert_eq!(edit(r#"{"handle":"USER1","playlist_library":{"contents":[1.0]}}"#), "applied");
    assert_eq!(edit(r#"{"handle":"USER2"}"#), "handle_taken");
    assert_eq!(edit(r#"{"handle":"a-b","name":"B"}"#), "handle_character");
    let user = find(&chain, 1);
    assert_eq!((user.name.as_deref(), user.bio.as_deref()), (Some("A"), Some("b")));
    assert_eq!((user.handle.as_deref(), user.handle_lc.as_deref()), (Some("USER1"), Some("user1")));
    assert_eq!((user.is_deactivated, user.website), (Some(true), None));
    assert_eq!(user.playlist_library.unwrap().to_json_text(), r#"{"contents":[1]}"#);
    assert_eq!((user.blockhash, user.txhash.as_str()), (None, "4/0"));
}

#[test]
fn a_pick_that_is_no_own_track_is_dropped_with_whatever_else_comes() {
    let mut chain = Sandbox::new([user(1), user(2), track(10, 1), track(20, 2)]);
    let mut pick = |metadata: &str| {
        let outcome = code(&chain.call((1, "Update", "User", 1, metadata)));
        (outcome, find(&chain, 1).artist_pick_track_id)
    };
    assert_eq!(pick(r#"{"artist_pick_track_id":10.9}"#), ("applied", Some(10)));
    assert_eq!(pick(r#"{"artist_pick_track_id":"7eP5n"}"#), ("applied", Some(10)));
    assert_eq!(pick(r#"{"artist_pick_track_id":3000000000}"#), ("integer_out_of_range", Some(10)));
    assert_eq!(pick(r#"{"artist_pick_track_id":20,"name":"N"}"#), ("applied", None));
    assert_eq!(find(&chain, 1).name.as_deref(), Some("N"));
}

#[test]
fn the_verifier_verifies_every_platform_that_has_a_handle() {
    let mut chain = Sandbox::new([user(1)]);
    assert_eq!(code(&chain.call((9, "Verify", "User", 9, ""))), "user_not_found");
    assert_eq!(code(&chain.call((1, "Verify", "User", 1, ""))), "signer_is_not_verifier");
    chain.call((1, "Update", "User", 1, r#"{"tiktok_handle":"t"}"#));
    chain.sign_as(Some("0xVERIFIER"));
    let metadata = r#"{"is_verified":true,"twitter_handle":"x"}"#;
    assert_eq!(code(&chain.call((1, "Verify", "User", 1, metadata))), "applied");
    let user = find(&chain, 1);
    let flags =
        [user.verified_with_twitter, user.verified_with_instagram, user.verified_with_tiktok];
    assert_eq!(flags, [Some(true), Some(false), Some(true)]);
    assert_eq!((user.is_verified, user.handle.as_deref()), (Some(true), Some("User1")));
}

#[test]
fn a_mute_keeps_the_time_of_the_first_one() {
    let mut chain = Sandbox::new([user(1), user(2)]);
    let mut send = |action: &str, id: i64| code(&chain.call((1, action, "User", id, "")));
    assert_eq!(send("Mute", 1), "self_mute");
    assert_eq!(send("Mute", 9), "muted_user_not_found");
    assert_eq!(send("Unmute", 2), "not_muted");
    let sent = ["Mute", "Mute", "Unmute", "Unmute", "Mute"].map(|action| send(action, 2));
    assert_eq!(sent, ["applied", "already_muted", "applied", "not_muted", "applied"]);
    let row = &chain.rows::<MutedUser>()[0];
    let after = |blocks: i64| Timestamp::from_seconds(START.seconds() + blocks);
    assert_eq!((row.created_at, row.updated_at), (after(4), after(8)));
    assert_eq!((row.is_delete, row.blockhash.as_deref()), (Some(false), None));
}
