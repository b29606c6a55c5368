//! The list of keys in the metadata of both calls.

use crate::{
    eras::etl::{Halt, Handled, Metadata, Scope, ensure, go_int, reject},
    model::{Json, tables::EmailAccess},
};

/// A key to an address, for one user from another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grant<'a> {
    pub(super) receiver: i64,
    pub(super) grantor: i64,
    key: &'a str,
    is_initial: bool,
}

/// The owner of the address.
///
/// # Errors
/// Rejects where there is no metadata, or no number.
pub(super) fn owner(meta: &Metadata<'_>) -> Result<i64, Halt> {
    ensure(!meta.is_none(), "metadata_missing")?;
    meta.int("email_owner_user_id").ok_or_else(|| reject("email_owner_missing"))
}

/// The whole list, checked before anything is written.
///
/// # Errors
/// Rejects in the order of the page.
pub(super) fn of<'a>(meta: &'a Metadata<'_>) -> Result<Vec<Grant<'a>>, Halt> {
    let list = meta.get("access_grants").ok_or_else(|| reject("access_grants_missing"))?;
    let list = list.as_list().ok_or_else(|| reject("access_grants_not_list"))?;
    list.iter().map(Grant::of).collect()
}

impl<'a> Grant<'a> {
    fn of(entry: &'a Json) -> Result<Self, Halt> {
        let entry = entry.as_object().ok_or_else(|| reject("access_grant_not_object"))?;
        let receiver = entry.get("receiving_user_id").ok_or_else(|| reject("receiver_missing"))?;
        let grantor = entry.get("grantor_user_id").ok_or_else(|| reject("grantor_missing"))?;
        let key = entry.get("encrypted_key").and_then(Json::as_str).filter(|key| !key.is_empty());
        let key = key.ok_or_else(|| reject("encrypted_key_missing"))?;
        Ok(Self {
            receiver: go_int(receiver).ok_or_else(|| reject("receiver_not_number"))?,
            grantor: go_int(grantor).ok_or_else(|| reject("grantor_not_number"))?,
            key,
            is_initial: entry.get("is_initial").and_then(Json::as_bool) == Some(true),
        })
    }

    /// Adds the key unless there is one. Its times are those of the database's clock, also in a
    /// migrated call.
    ///
    /// # Errors
    /// A hard error where a column does not take its value.
    pub(super) fn insert(self, owner: i64, scope: &mut Scope<'_>) -> Handled {
        let now = Some(scope.block.time);
        let row = EmailAccess {
            email_owner_user_id: owner,
            receiving_user_id: self.receiver,
            grantor_user_id: self.grantor,
            encrypted_key: self.key.to_owned(),
            created_at: now,
            updated_at: now,
            is_initial: Some(self.is_initial),
        };
        scope.insert_new(row).map(drop)
    }
}
