//! (User, Verify).

use crate::{
    eras::discovery::{
        Call, Handled, HandlerError, Scope, poison, reject, rules::columns,
        signer::authorize_verifier, skip,
    },
    model::{Json, tables::User},
};

/// Marks a user as verified, with the handle of one platform; only the verifier may (handlers-a 1).
/// A user never loses the mark.
pub fn verify(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let tx = call.tx;
    authorize_verifier(tx, scope)?;
    let one_platform = scope.env.rules.verify_one_platform;
    let unknown = if one_platform { skip } else { reject };
    let user = scope.view::<User>(tx.user_id)?.ok_or_else(|| unknown("user_not_found"))?;
    let data = call.data().ok_or_else(|| skip("metadata_missing"))?;
    let is_verified = data.get("is_verified");
    let mut user = super::copy(&user, tx, scope);
    if user.is_verified != Some(true) {
        user.is_verified = is_verified.map_or(Ok(Some(false)), columns::boolean)?;
    }
    let verified = is_verified.is_some_and(Json::truthy);
    let handle = |key: &str| -> Result<Option<String>, HandlerError> {
        match data.get(key).filter(|handle| handle.truthy()) {
            Some(handle) => Ok(Some(columns::text(handle)?.ok_or_else(|| poison("handle_null"))?)),
            None => Ok(None),
        }
    };
    if !one_platform {
        for (key, column, flag) in [
            ("twitter_handle", &mut user.twitter_handle, &mut user.verified_with_twitter),
            ("instagram_handle", &mut user.instagram_handle, &mut user.verified_with_instagram),
            ("tiktok_handle", &mut user.tiktok_handle, &mut user.verified_with_tiktok),
        ] {
            if let Some(handle) = handle(key)? {
                *column = Some(handle);
            }
            if user.is_verified == Some(true) && column.is_some() {
                *flag = Some(true);
            }
        }
        return scope.put(user);
    }
    // Parity: only the first platform that the metadata names counts.
    let (column, flag, handle) = if let Some(handle) = handle("twitter_handle")? {
        (&mut user.twitter_handle, &mut user.verified_with_twitter, handle)
    } else if let Some(handle) = handle("instagram_handle")? {
        (&mut user.instagram_handle, &mut user.verified_with_instagram, handle)
    } else if let Some(handle) = handle("tiktok_handle")? {
        (&mut user.tiktok_handle, &mut user.verified_with_tiktok, handle)
    } else {
        return scope.put(user);
    };
    *column = Some(handle);
    if verified {
        *flag = Some(true);
    }
    scope.put(user)
}
