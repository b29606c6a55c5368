//! (`EmailAccess`, Update).

use rustc_hash::FxHashSet;

use super::grants;
use crate::{
    eras::etl::{Call, Handled, Scope, Wants, ensure, int4},
    model::tables::{EmailAccess, EmailAccessBy},
};

/// Adds keys, each from somebody who has one (users.md 6.2).
///
/// Parity: the keys before the first that is refused stay.
///
/// # Errors
/// Rejects in the order of the page; a hard error where a column does not take its value.
pub fn share(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let owner = grants::owner(&call.meta)?;
    // Who has a key keeps it; one grantor of many keys is looked up once.
    let mut holders = FxHashSet::default();
    for grant in grants::of(&call.meta)? {
        if !holders.contains(&grant.grantor) {
            let key = (int4(owner)?, int4(grant.grantor)?);
            let keys = scope.find::<EmailAccess>(EmailAccessBy::OwnerReceiver, key)?;
            ensure(!keys.is_empty(), "grantor_without_access")?;
            holders.insert(grant.grantor);
        }
        grant.insert(owner, scope)?;
    }
    Ok(())
}

/// Names what [`share`] reads.
pub fn share_wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    let (Ok(owner), Ok(grants)) = (grants::owner(&call.meta), grants::of(&call.meta)) else {
        return;
    };
    for grant in grants {
        wants.rows::<EmailAccess>(EmailAccessBy::OwnerReceiver, (owner, grant.grantor));
        wants.row::<EmailAccess>((owner, grant.receiver, grant.grantor));
    }
}
