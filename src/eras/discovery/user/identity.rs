//! What a user's metadata must satisfy: handle and name while there is no handle yet, artist pick,
//! payout wallet (handlers-a 1, User Create 7 to 11).

use crate::{
    eras::discovery::{Handled, HandlerError, Scope, ensure, query, reject, skip},
    model::{
        Json,
        json::Object,
        tables::{Track, User, UserBy, UserPayoutWallet, UserPayoutWalletBy},
    },
    rules::{
        names,
        signatures::{self, PayoutWallet},
        unicode,
    },
};

const BIO_LIMIT: usize = 256;

/// Asks for the rows that [`validate`] and the payout history read.
pub(super) fn want(user_id: i64, data: &Object, scope: &mut Scope<'_>) {
    if data.contains_key("spl_usdc_payout_wallet") {
        scope.want_by::<UserPayoutWallet>(UserPayoutWalletBy::User, user_id);
    }
    if let Some(handle) = data.get("handle").and_then(Json::as_str) {
        scope.want_by::<User>(UserBy::HandleLc, unicode::lower(handle));
    }
    if let Some(track) = data.get("artist_pick_track_id").and_then(Json::as_int) {
        scope.want::<Track>(track);
    }
}

/// Rejects a biography that is too long.
pub(super) fn check_bio(data: &Object) -> Handled {
    let length = match data.get("bio") {
        Some(bio) if bio.truthy() => match bio {
            Json::Str(text) => text.chars().count(),
            Json::List(items) => items.len(),
            Json::Object(object) => object.len(),
            _ => return Err(skip("bio_not_sized")),
        },
        _ => 0,
    };
    ensure(length <= BIO_LIMIT, "bio_too_long")
}

/// Checks the metadata of a sign-up or an update; gives a user without a handle theirs.
pub(super) fn validate(user: &mut User, data: &Object, scope: &mut Scope<'_>) -> Handled {
    if user.handle.as_ref().is_none_or(String::is_empty) {
        let handle = required(data, "handle")?;
        let handle_lc = check_handle(handle)?;
        check_name(required(data, "name")?)?;
        // Parity: two users may take one handle in the same block.
        let taken = !scope.stored_by::<User>(UserBy::HandleLc, &handle_lc)?.is_empty();
        ensure(!taken, "handle_taken")?;
        user.handle = handle.as_str().map(str::to_owned);
        user.handle_lc = Some(handle_lc);
    }
    check_artist_pick(user.user_id, data, scope)?;
    check_payout_wallet(data)
}

/// Python's `data[key]`, which fails where the key is absent.
fn required<'a>(data: &'a Object, key: &str) -> Result<&'a Json, HandlerError> {
    data.get(key).ok_or_else(|| skip("name_or_handle_absent"))
}

/// The lower-cased handle.
fn check_handle(handle: &Json) -> Result<String, HandlerError> {
    ensure(handle.truthy(), "handle_missing")?;
    let handle = handle.as_str().ok_or_else(|| skip("handle_not_text"))?;
    let handle = unicode::lower(handle);
    names::check_handle(&handle).map_err(|problem| reject(problem.code()))?;
    Ok(handle)
}

fn check_name(name: &Json) -> Handled {
    match name {
        Json::Str(name) => names::check_name(name).map_err(|problem| reject(problem.code())),
        name if name.truthy() => Err(skip("name_not_text")),
        _ => Ok(()),
    }
}

/// The artist pick must be a current track of the user, deleted or not.
fn check_artist_pick(user_id: i64, data: &Object, scope: &mut Scope<'_>) -> Handled {
    let Some(pick) = data.get("artist_pick_track_id").filter(|pick| pick.truthy()) else {
        return Ok(());
    };
    let track = match query::integer(pick)? {
        Some(track_id) => scope.stored::<Track>(track_id)?,
        None => None,
    };
    let is_theirs = track.is_some_and(|track| track.is_current && track.owner_id == user_id);
    ensure(is_theirs, "artist_pick_not_found")
}

fn check_payout_wallet(data: &Object) -> Handled {
    let Some(wallet) = data.get("spl_usdc_payout_wallet").filter(|wallet| wallet.truthy()) else {
        return Ok(());
    };
    match wallet.as_str().map(signatures::check_payout_wallet) {
        Some(PayoutWallet::Valid) => Ok(()),
        Some(PayoutWallet::OtherForm) => Err(reject("payout_wallet_form")),
        Some(PayoutWallet::NotAKey) | None => Err(skip("payout_wallet_not_a_key")),
    }
}
