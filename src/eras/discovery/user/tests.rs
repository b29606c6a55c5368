//! Users: creation, updates, verification, mutes, user events and payout wallets.

use std::sync::Arc;

use crate::{
    eras::discovery::sandbox::{Sandbox, code, track, user},
    model::{
        Json,
        table::downcast,
        tables::{MutedUser, Track, User, UserEvent, UserPayoutWallet},
    },
};

const ID: i64 = 3_000_001;
const NAMED: &str = r#"{"cid":"","data":{"handle":"Ada","name":"Ada"}}"#;

/// An envelope around `data`.
fn envelope(data: &str) -> String {
    format!(r#"{{"cid":"","data":{data}}}"#)
}

fn only_user(chain: &Sandbox) -> User {
    let rows = chain.rows::<User>();
    assert_eq!(rows.len(), 1);
    rows.into_iter().next().unwrap()
}

fn signed_up() -> Sandbox {
    let mut chain = Sandbox::new([]);
    assert_eq!(code(&chain.call((ID, "Create", "User", 0, NAMED))), "applied");
    chain
}

fn update(chain: &mut Sandbox, data: &str) -> &'static str {
    code(&chain.call((ID, "Update", "User", 0, &envelope(data))))
}

#[test]
fn garbage_makes_a_bare_user_and_empty_metadata_none() {
    let mut chain = Sandbox::new([]);
    assert_eq!(code(&chain.call((ID, "Create", "User", 0, ""))), "metadata_data_not_object");
    assert_eq!(code(&chain.call((ID, "Create", "User", 0, "3,4,5"))), "applied");
    let bare = only_user(&chain);
    assert_eq!((bare.handle, bare.wallet.as_deref()), (None, Some("0xu3000001")));
    assert_eq!(bare.is_storage_v2, Some(true));
    assert_eq!(bare.is_available, Some(true));
    assert!(bare.playlist_library.is_none());
    assert_eq!(code(&chain.call((ID, "Create", "User", 0, NAMED))), "user_exists");
    assert_eq!(code(&chain.call((2_999_999, "Create", "User", 0, NAMED))), "user_id_below_offset");
}

#[test]
fn a_bare_user_gets_handle_and_name_with_an_update_and_keeps_them() {
    let mut chain = Sandbox::new([]);
    chain.call((ID, "Create", "User", 0, "{}"));
    assert_eq!(update(&mut chain, r#"{"bio":"x"}"#), "name_or_handle_absent");
    assert_eq!(update(&mut chain, r#"{"handle":5,"name":"n"}"#), "handle_not_text");
    assert_eq!(update(&mut chain, r#"{"handle":"","name":"n"}"#), "handle_missing");
    assert_eq!(update(&mut chain, r#"{"handle":"Ada.L","name":null}"#), "applied");
    assert_eq!(update(&mut chain, r#"{"handle":"other","wallet":"0xother"}"#), "applied");
    let named = only_user(&chain);
    assert_eq!(named.handle.as_deref(), Some("Ada.L"));
    assert_eq!(named.handle_lc.as_deref(), Some("ada.l"));
    assert_eq!(named.wallet.as_deref(), Some("0xu3000001"));
}

#[test]
fn wallet_and_handle_are_taken_only_from_the_next_block_on() {
    let mut chain = Sandbox::new([]);
    chain.sign_as(Some("0xSame"));
    let twins = [(ID, "Create", "User", 0, NAMED), (ID + 1, "Create", "User", 0, NAMED)];
    assert_eq!(chain.block(&twins).iter().map(code).collect::<Vec<_>>(), ["applied", "applied"]);
    assert_eq!(code(&chain.call((ID + 2, "Create", "User", 0, "{}"))), "wallet_taken");
    chain.sign_as(Some("0xOther"));
    assert_eq!(code(&chain.call((ID + 2, "Create", "User", 0, NAMED))), "handle_taken");
}

#[test]
fn nulls_reset_flags_and_a_copy_turns_a_missing_library_into_json_null() {
    let mut chain = signed_up();
    assert!(only_user(&chain).playlist_library.is_none());
    let data = r#"{"is_deactivated":true,"bio":"","location":false,"primary_id":"7"}"#;
    assert_eq!(update(&mut chain, data), "applied");
    let changed = only_user(&chain);
    assert_eq!(changed.playlist_library.as_deref(), Some(&Json::Null));
    assert_eq!((changed.bio.as_deref(), changed.location), (Some(""), None));
    assert_eq!((changed.is_deactivated, changed.primary_id), (Some(true), Some(7)));
    assert_eq!(update(&mut chain, r#"{"is_deactivated":null}"#), "applied");
    assert_eq!(only_user(&chain).is_deactivated, Some(false));
}

#[test]
fn values_of_other_types_skip_or_poison_the_call() {
    let mut chain = signed_up();
    assert_eq!(update(&mut chain, r#"{"bio":5}"#), "bio_not_sized");
    assert_eq!(update(&mut chain, r#"{"location":{"a":1}}"#), "text_not_string");
    assert_eq!(update(&mut chain, r#"{"has_collectibles":"x"}"#), "boolean_column");
    assert_eq!(update(&mut chain, r#"{"website":{}}"#), "text_column");
    assert_eq!(update(&mut chain, r#"{"profile_type":"band"}"#), "enum_label");
    assert_eq!(update(&mut chain, r#"{"spl_usdc_payout_wallet":"x"}"#), "payout_wallet_not_a_key");
    assert_eq!(update(&mut chain, r#"{"is_verified":true,"website":[1,2]}"#), "applied");
    let user = only_user(&chain);
    assert_eq!((user.is_verified, user.website.as_deref()), (Some(false), Some("{1,2}")));
}

#[test]
fn what_a_sign_up_says_about_storage_is_not_even_looked_at() {
    let mut chain = Sandbox::new([]);
    let data = envelope(r#"{"handle":"Ada","name":"","is_storage_v2":"x"}"#);
    assert_eq!(code(&chain.call((ID, "Create", "User", 0, &data))), "applied");
    assert_eq!(only_user(&chain).is_storage_v2, Some(true));
    assert_eq!(update(&mut chain, r#"{"is_storage_v2":"x"}"#), "boolean_column");
}

#[test]
fn an_artist_pick_is_a_stored_track_of_the_user() {
    let mut chain = Sandbox::new([user(1), track(10, 1), track(11, 2)]);
    let pick = |chain: &mut Sandbox, pick: &str| {
        let data = format!(r#"{{"handle":"ada","name":"","artist_pick_track_id":{pick}}}"#);
        code(&chain.call((1, "Update", "User", 0, &envelope(&data))))
    };
    assert_eq!(pick(&mut chain, "11"), "artist_pick_not_found");
    assert_eq!(pick(&mut chain, "1000000000000"), "artist_pick_not_found");
    assert_eq!(pick(&mut chain, "true"), "query_boolean_for_integer");
    assert_eq!(pick(&mut chain, "10.0"), "applied");
    assert_eq!(only_user(&chain).artist_pick_track_id, Some(10));
}

#[test]
fn the_first_payout_wallet_of_a_block_is_recorded_even_none() {
    let mut chain = signed_up();
    let none = envelope(r#"{"spl_usdc_payout_wallet":null}"#);
    let empty = envelope(r#"{"spl_usdc_payout_wallet":""}"#);
    chain.block(&[(ID, "Update", "User", 0, &none), (ID, "Update", "User", 0, &empty)]);
    let wallets = |chain: &Sandbox| {
        let rows = chain.rows::<UserPayoutWallet>();
        rows.into_iter().map(|row| row.spl_usdc_payout_wallet).collect::<Vec<_>>()
    };
    assert_eq!(wallets(&chain), [None]);
    chain.call((ID, "Update", "User", 0, &none));
    assert_eq!(wallets(&chain), [None]);
    chain.call((ID, "Update", "User", 0, &empty));
    assert_eq!(wallets(&chain), [None, Some(String::new())]);
}

#[test]
fn a_referrer_stays_and_nobody_refers_themself() {
    let mut chain = signed_up();
    let events = |chain: &Sandbox| {
        let rows = chain.rows::<UserEvent>();
        rows.into_iter().map(|row| (row.referrer, row.is_mobile_user)).collect::<Vec<_>>()
    };
    assert_eq!(update(&mut chain, r#"{"events":{"referrer":3000001}}"#), "applied");
    assert_eq!(events(&chain), [(None, Some(false))]);
    update(&mut chain, r#"{"events":{"referrer":7,"is_mobile_user":true}}"#);
    update(&mut chain, r#"{"events":{"referrer":8,"is_mobile_user":false}}"#);
    assert_eq!(events(&chain), [(Some(7), Some(true))]);
    assert_eq!(update(&mut chain, r#"{"events":{"referrer":true}}"#), "applied");
}

#[test]
fn the_verifier_verifies_one_platform_at_a_time_and_never_takes_it_back() {
    let mut chain = signed_up();
    let data = r#"{"is_verified":true,"twitter_handle":"tw","tiktok_handle":"tt"}"#;
    let call = envelope(data);
    assert_eq!(code(&chain.call((ID, "Verify", "User", 0, &call))), "signer_not_verifier");
    chain.sign_as(Some("0xVERIFIER"));
    assert_eq!(code(&chain.call((ID, "Verify", "User", 0, &call))), "applied");
    assert_eq!(code(&chain.call((5, "Verify", "User", 0, &call))), "user_not_found");
    let again = envelope(r#"{"is_verified":false,"tiktok_handle":"t2"}"#);
    assert_eq!(code(&chain.call((ID, "Verify", "User", 0, &again))), "applied");
    let user = only_user(&chain);
    assert_eq!(user.is_verified, Some(true));
    assert_eq!(user.twitter_handle.as_deref(), Some("tw"));
    assert_eq!(user.verified_with_twitter, Some(true));
    assert_eq!(user.tiktok_handle.as_deref(), Some("t2"));
    assert_eq!(user.verified_with_tiktok, Some(false));
    chain.sign_as(None);
    assert_eq!(update(&mut chain, r#"{"twitter_handle":"other"}"#), "applied");
    assert_eq!(only_user(&chain).twitter_handle.as_deref(), Some("Ada"));
}

#[test]
fn a_mute_can_be_taken_back_repeatedly_but_not_repeated() {
    let mut chain = Sandbox::new([user(1), user(2)]);
    assert_eq!(code(&chain.call((1, "Unmute", "User", 2, ""))), "not_muted");
    assert_eq!(code(&chain.call((1, "Mute", "User", 3, ""))), "muted_user_not_found");
    assert_eq!(code(&chain.call((1, "Mute", "User", 2, ""))), "applied");
    assert_eq!(code(&chain.call((1, "Mute", "User", 2, ""))), "already_muted");
    assert_eq!(code(&chain.call((1, "Unmute", "User", 2, ""))), "applied");
    assert_eq!(code(&chain.call((1, "Unmute", "User", 2, ""))), "applied");
    let created = chain.rows::<MutedUser>()[0].created_at;
    assert_eq!(code(&chain.call((1, "Mute", "User", 2, ""))), "applied");
    let row = chain.rows::<MutedUser>().remove(0);
    assert_eq!(row.is_delete, Some(false));
    assert!(row.created_at > created);
}

#[test]
fn users_may_mute_themselves_and_a_mute_begins_anew() {
    let mut chain = Sandbox::new([user(1)]);
    for action in ["Mute", "Unmute", "Mute"] {
        assert_eq!(code(&chain.call((1, action, "User", 1, ""))), "applied");
    }
    let mute = chain.rows::<MutedUser>().remove(0);
    assert_eq!(mute.created_at, mute.updated_at);
}

#[test]
fn a_deleted_pick_and_a_long_name_pass_and_pictures_are_left_alone() {
    let mut chain = signed_up();
    let pick = downcast::<Track>(&track(2_000_001, ID)).unwrap();
    let mut picked =
        Sandbox::new([user(ID), Arc::new(Track { is_delete: true, ..(*pick).clone() })]);
    let data = envelope(r#"{"handle":"Ada","name":"Ada","artist_pick_track_id":2000001}"#);
    assert_eq!(code(&picked.call((ID, "Update", "User", 0, &data))), "applied");
    let name = "é".repeat(33);
    let data = format!(r#"{{"name":"{name}","profile_picture":"Qm1","cover_photo":"Qm2"}}"#);
    assert_eq!(update(&mut chain, &data), "applied");
    let found = only_user(&chain);
    assert_eq!(found.name, Some(name));
    assert_eq!((found.profile_picture, found.cover_photo), (None, None));
}
