//! (`User`, Create).

use super::profile;
use crate::{
    eras::etl::{
        Call, Handled, Scope, Wants, ensure, int4,
        limits::{check_bio, check_name, checked_handle},
        signer::{is_live_app, is_user_wallet, wants_user_wallet},
    },
    model::tables::{AppVersion, AppVersionBy, User, UserBy},
    rules::unicode::go_lower,
};

/// First id of a user.
const ID_OFFSET: i64 = 3_000_000;

/// Signs a user up; the signer becomes their wallet (users.md 1.1).
///
/// # Errors
/// Rejects in the order of the page; a hard error where a column does not take its value.
pub fn create(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let (user_id, meta) = (call.tx.user_id, &call.meta);
    ensure(user_id >= ID_OFFSET, "user_id_below_offset")?;
    check_bio(meta.text("bio"))?;
    let handle_lc = checked_handle(meta.text("handle"))?;
    check_name(meta.text("name"))?;
    check_is_new(user_id, scope)?;
    let signer = call.signer();
    ensure(!is_user_wallet(&signer, scope)?, "wallet_taken")?;
    ensure(!is_live_app(&signer, scope)?, "signer_is_app")?;
    if let Some(handle_lc) = handle_lc {
        ensure(scope.find::<User>(UserBy::HandleLc, handle_lc)?.is_empty(), "handle_taken")?;
    }
    insert(call, Standing::default(), scope)
}

/// Names what [`create`] reads.
pub fn create_wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    wants.row::<User>(call.tx.user_id);
    let signer = call.signer();
    wants_user_wallet(&signer, wants);
    wants.rows::<AppVersion>(AppVersionBy::Address, signer);
    if let Some(handle) = call.meta.filled("handle") {
        wants.rows::<User>(UserBy::HandleLc, go_lower(handle));
    }
}

/// Rejects where the user exists.
///
/// # Errors
/// That reject; a hard error for an id outside of the column's range.
pub fn check_is_new(user_id: i64, scope: &mut Scope<'_>) -> Handled {
    ensure(scope.get::<User>(int4(user_id)?)?.is_none(), "user_exists")
}

/// What a new user does not say of themselves.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    /// Verified.
    pub is_verified: bool,
    /// Deactivated.
    pub is_deactivated: bool,
    /// Available.
    pub is_available: bool,
    /// The pick, which nobody checks.
    pub artist_pick_track_id: Option<i64>,
}

impl Default for Standing {
    /// That of everybody who signs up.
    fn default() -> Self {
        Self {
            is_verified: false,
            is_deactivated: false,
            is_available: true,
            artist_pick_track_id: None,
        }
    }
}

/// Inserts the user that the call describes, with the signer as wallet; a conflict is ignored.
///
/// # Errors
/// A hard error where a column does not take its value.
pub fn insert(call: &Call<'_>, standing: Standing, scope: &mut Scope<'_>) -> Handled {
    let meta = &call.meta;
    let bare = User {
        blockhash: Some(scope.block.hash.clone()),
        user_id: call.tx.user_id,
        is_current: true,
        wallet: Some(call.signer()),
        blocknumber: Some(scope.block.number),
        is_verified: Some(standing.is_verified),
        created_at: call.now,
        updated_at: call.now,
        has_collectibles: Some(false),
        txhash: call.tx.hash.clone(),
        is_deactivated: Some(standing.is_deactivated),
        artist_pick_track_id: standing.artist_pick_track_id,
        is_available: Some(standing.is_available),
        is_storage_v2: Some(true),
        allow_ai_attribution: Some(meta.bool("allow_ai_attribution").unwrap_or(false)),
        verified_with_twitter: Some(false),
        verified_with_instagram: Some(false),
        verified_with_tiktok: Some(false),
        ..User::default()
    };
    let user = profile::applied(bare, meta);
    scope.insert_new(user).map(drop)
}
