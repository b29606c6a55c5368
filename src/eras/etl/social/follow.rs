//! Follow and Unfollow (social.md 3.1). The target is a user, whatever the entity type says.

use super::subscription::{self, Target};
use crate::{
    eras::etl::{Call, Halt, Handled, Scope, Wants, ensure, int4, signer},
    model::tables::{CurrentFollow, User},
};

/// Follows a user and subscribes to them. Parity: a subscription that is active already takes the
/// time and hash of the follow.
///
/// # Errors
/// See [`check`].
pub(super) fn follow(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    check(call, scope)?;
    store(call, false, scope)?;
    subscription::write(call, Target::User, false, scope)
}

/// Ends a follow, and the subscription to the user. Parity: also one that was asked for by itself,
/// and where there is none a deleted one is added.
///
/// # Errors
/// Rejects a follow that is not active.
pub(super) fn unfollow(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    signer::authorize(call, call.tx.user_id, scope)?;
    ensure(is_active(call, scope)?, "follow_not_active")?;
    store(call, true, scope)?;
    subscription::write(call, Target::User, true, scope)
}

/// Checks that a user may follow another.
///
/// # Errors
/// Rejects the user's own account, an unknown one, and one that is followed already.
pub fn check(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    ensure(call.tx.user_id != call.tx.entity_id, "follow_of_self")?;
    signer::authorize(call, call.tx.user_id, scope)?;
    let followee = scope.get::<User>(int4(call.tx.entity_id)?)?;
    ensure(followee.is_some(), "followee_not_found")?;
    ensure(!is_active(call, scope)?, "follow_exists")
}

/// Writes the follow of a call, or its end, without a subscription.
///
/// # Errors
/// Only [`Halt::Missing`] after [`check`].
pub fn store(call: &Call<'_>, is_delete: bool, scope: &mut Scope<'_>) -> Handled {
    let row = CurrentFollow {
        blockhash: None,
        blocknumber: Some(scope.block.number),
        follower_user_id: call.tx.user_id,
        followee_user_id: call.tx.entity_id,
        is_current: true,
        is_delete,
        created_at: call.now,
        txhash: call.tx.hash.clone(),
        slot: None,
    };
    scope.upsert(row, |old, new| CurrentFollow {
        blockhash: old.blockhash.clone(),
        slot: old.slot,
        ..new
    })
}

/// Names what the handlers of this file read.
pub fn wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    signer::wants(call, wants);
    wants.row::<User>(call.tx.entity_id);
    wants.row::<CurrentFollow>((call.tx.user_id, call.tx.entity_id));
    subscription::wants_row(call, Target::User, wants);
}

fn is_active(call: &Call<'_>, scope: &mut Scope<'_>) -> Result<bool, Halt> {
    let key = (call.tx.user_id, int4(call.tx.entity_id)?);
    Ok(scope.get::<CurrentFollow>(key)?.is_some_and(|follow| !follow.is_delete))
}
