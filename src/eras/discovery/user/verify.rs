//! (User, Verify).

use crate::{
    eras::discovery::{
        Call, Handled, HandlerError, Scope, poison, signer::authorize_verifier, skip,
    },
    model::{Json, tables::User},
    rules::columns,
};

/// Marks a user as verified, with the handle of one platform; only the verifier may (handlers-a 1).
/// A user never loses the mark.
pub fn verify(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let tx = call.tx;
    authorize_verifier(tx, scope)?;
    let user = scope.view::<User>(tx.user_id)?.ok_or_else(|| skip("user_not_found"))?;
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
