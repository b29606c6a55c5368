//! (`User`, Verify).

use super::profile::set_platform_handles;
use crate::{
    eras::etl::{Call, Handled, Scope, Wants, ensure, int4, reject},
    model::tables::User,
};

/// Marks a user as verified, by the verifier alone (users.md 1.3).
///
/// Parity: all platforms whose handles are set count as verified at once, handles of a profile edit
/// included. Nothing to verify is no error.
///
/// # Errors
/// Rejects in the order of the page; a hard error where a column does not take its value.
pub fn verify(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let old = scope.get::<User>(int4(call.tx.user_id)?)?;
    let old = old.ok_or_else(|| reject("user_not_found"))?;
    let verifier = &scope.settings.verifier_address;
    ensure(call.tx.signer.eq_ignore_ascii_case(verifier), "signer_is_not_verifier")?;
    let mut new = User {
        blocknumber: Some(scope.block.number),
        updated_at: call.now,
        txhash: call.tx.hash.clone(),
        ..(*old).clone()
    };
    let is_verified = old.is_verified == Some(true) || call.meta.bool("is_verified") == Some(true);
    new.is_verified = Some(is_verified);
    set_platform_handles(&mut new, &call.meta);
    let with = |flag: Option<bool>, handle: &Option<String>| {
        Some(flag == Some(true) || is_verified && handle.is_some())
    };
    new.verified_with_twitter = with(old.verified_with_twitter, &new.twitter_handle);
    new.verified_with_instagram = with(old.verified_with_instagram, &new.instagram_handle);
    new.verified_with_tiktok = with(old.verified_with_tiktok, &new.tiktok_handle);
    scope.update(&old, new)
}

/// Names what [`verify`] reads.
pub fn verify_wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    wants.row::<User>(call.tx.user_id);
}
