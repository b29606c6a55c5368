//! (User, Update).

use super::{identity, profile};
use crate::{
    eras::discovery::{Call, Handled, Scope, reject, signer::authorize},
    model::tables::{User, UserEvent},
};

/// Changes what the metadata names (handlers-a 1). The user's handle and wallet stay.
pub fn update(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let tx = call.tx;
    scope.want::<UserEvent>(tx.user_id);
    let data = call.data();
    if let Some(data) = data {
        identity::want(tx.user_id, data, scope);
        identity::check_bio(data)?;
    }
    let user = authorize(tx, scope)?;
    let data = data.ok_or_else(|| reject("metadata_missing"))?;
    // The reference looks for a version of the user made earlier in the block, then checks.
    scope.touch::<User>();
    let mut user = super::copy(&user, tx, scope);
    identity::validate(&mut user, data, scope)?;
    profile::apply(&mut user, &[], data, tx, scope)?;
    scope.put(user)
}
