//! Subscribe and Unsubscribe (social.md 3.2).

use crate::{
    eras::etl::{Call, Halt, Handled, Scope, Wants, ensure, int4, signer},
    model::tables::{CurrentSubscription, Event, User},
};

/// What is subscribed to. Both are named by their number in `user_id`; a user and an event of one
/// number do not clash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// A user.
    User,
    /// An event.
    Event,
}

impl Target {
    /// The target of a call: an event where the entity type is exactly that.
    fn of(call: &Call<'_>) -> Self {
        if call.tx.entity_type == "Event" { Self::Event } else { Self::User }
    }

    /// The `entity_type` of a row.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Event => "Event",
        }
    }
}

/// Subscribes to a user or an event.
///
/// # Errors
/// See [`check`].
pub(super) fn subscribe(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    check(call, scope)?;
    store(call, false, scope)
}

/// Ends a subscription.
///
/// # Errors
/// Rejects one that is not active.
pub(super) fn unsubscribe(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    signer::authorize(call, call.tx.user_id, scope)?;
    ensure(is_active(call, scope)?, "subscription_not_active")?;
    store(call, true, scope)
}

/// Checks that a user may subscribe to the target of a call.
///
/// # Errors
/// Rejects the user's own account, a target that is not there, and a subscription that is active.
pub fn check(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let (target, id) = (Target::of(call), call.tx.entity_id);
    let is_own = target == Target::User && call.tx.user_id == id;
    ensure(!is_own, "subscription_to_self")?;
    signer::authorize(call, call.tx.user_id, scope)?;
    let exists = match target {
        Target::User => scope.get::<User>(int4(id)?)?.is_some(),
        Target::Event => {
            let event = scope.get::<Event>(int4(id)?)?;
            event.is_some_and(|event| event.is_deleted == Some(false))
        }
    };
    ensure(exists, "subscription_target_not_found")?;
    ensure(!is_active(call, scope)?, "subscription_exists")
}

/// Writes the subscription of a call, or its end.
///
/// # Errors
/// Only [`Halt::Missing`] after [`check`].
pub fn store(call: &Call<'_>, is_delete: bool, scope: &mut Scope<'_>) -> Handled {
    write(call, Target::of(call), is_delete, scope)
}

/// Names what the handlers of this file read.
pub fn wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    signer::wants(call, wants);
    let target = Target::of(call);
    match target {
        Target::User => wants.row::<User>(call.tx.entity_id),
        Target::Event => wants.row::<Event>(call.tx.entity_id),
    }
    wants_row(call, target, wants);
}

/// Writes the subscription of the call's user to the entity of the call.
pub(super) fn write(
    call: &Call<'_>,
    target: Target,
    is_delete: bool,
    scope: &mut Scope<'_>,
) -> Handled {
    let row = CurrentSubscription {
        blockhash: None,
        blocknumber: Some(scope.block.number),
        subscriber_id: call.tx.user_id,
        user_id: call.tx.entity_id,
        is_current: true,
        is_delete,
        created_at: call.now,
        txhash: call.tx.hash.clone(),
        entity_type: target.label().to_owned(),
        entity_id: Some(call.tx.entity_id),
    };
    let merge = |old: &CurrentSubscription, new| CurrentSubscription {
        blockhash: old.blockhash.clone(),
        ..new
    };
    scope.upsert(row, merge)
}

/// Names the row that [`write()`] changes.
pub(super) fn wants_row(call: &Call<'_>, target: Target, wants: &mut Wants<'_>) {
    wants.row::<CurrentSubscription>((call.tx.user_id, call.tx.entity_id, target.label()));
}

fn is_active(call: &Call<'_>, scope: &mut Scope<'_>) -> Result<bool, Halt> {
    let key = (call.tx.user_id, int4(call.tx.entity_id)?, Target::of(call).label());
    Ok(scope.get::<CurrentSubscription>(key)?.is_some_and(|row| !row.is_delete))
}
