//! What saves and reposts have in common (social.md 3.3).

use super::item::{self, Kind};
use crate::{
    eras::etl::{Call, Halt, Handled, Scope, Wants, ensure, int4, reject, signer},
    model::{key::Key, table::Record},
};

/// A save or a repost: one current row for a user, an item and its type.
pub(super) trait Endorsement: Record {
    /// The code of a call whose item has no type.
    const TYPE_UNKNOWN: &'static str;
    /// The code of a call whose item is not there.
    const ITEM_NOT_FOUND: &'static str;
    /// The code of a repeated call.
    const EXISTS: &'static str;
    /// The code of an undo of nothing.
    const NOT_ACTIVE: &'static str;

    /// The row of a call.
    fn new(call: &Call<'_>, kind: Kind, is_delete: bool, scope: &Scope<'_>) -> Self;

    /// `self` in the place of `old`: what an upsert does not write stays.
    fn over(self, old: &Self) -> Self;

    /// It is deleted.
    fn is_delete(&self) -> bool;
}

/// Checks that a user may save or repost the item of a call, and returns its type.
pub(super) fn check<R: Endorsement>(call: &Call<'_>, scope: &mut Scope<'_>) -> Result<Kind, Halt> {
    signer::authorize(call, call.tx.user_id, scope)?;
    let kind = item::kind(call, scope)?.ok_or_else(|| reject(R::TYPE_UNKNOWN))?;
    ensure(item::exists(kind, call.tx.entity_id, scope)?, R::ITEM_NOT_FOUND)?;
    ensure(!is_active::<R>(call, kind, scope)?, R::EXISTS)?;
    Ok(kind)
}

/// Checks that the row of a call is active, for an item of the type `kind`. The item may be gone.
pub(super) fn check_active<R: Endorsement>(
    call: &Call<'_>,
    kind: Option<Kind>,
    scope: &mut Scope<'_>,
) -> Result<Kind, Halt> {
    let kind = kind.ok_or_else(|| reject(R::TYPE_UNKNOWN))?;
    ensure(is_active::<R>(call, kind, scope)?, R::NOT_ACTIVE)?;
    Ok(kind)
}

/// Writes the row of a call.
pub(super) fn store<R: Endorsement>(
    call: &Call<'_>,
    kind: Kind,
    is_delete: bool,
    scope: &mut Scope<'_>,
) -> Handled {
    let row = R::new(call, kind, is_delete, scope);
    scope.upsert(row, |old, new| new.over(old))
}

/// Names what the handlers read.
pub(super) fn wants<R: Endorsement>(call: &Call<'_>, wants: &mut Wants<'_>) {
    signer::wants(call, wants);
    for kind in item::wants(call, wants).into_iter().flatten() {
        wants.row::<R>(key(call.tx.user_id, kind, call.tx.entity_id));
    }
}

fn is_active<R: Endorsement>(
    call: &Call<'_>,
    kind: Kind,
    scope: &mut Scope<'_>,
) -> Result<bool, Halt> {
    let row = scope.get::<R>(key(call.tx.user_id, kind, int4(call.tx.entity_id)?))?;
    Ok(row.is_some_and(|row| !row.is_delete()))
}

fn key(user_id: i64, kind: Kind, id: i64) -> Key {
    (user_id, kind.label(), id).into()
}
