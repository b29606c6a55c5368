//! `process_grant_change` (triggers.md 4.9): requests to manage an account, and their approval.

use std::sync::Arc;

use super::{
    Handled, Scope,
    note::{Note, Stamp},
    swallowing,
};
use crate::{
    model::{
        Json,
        tables::{GrantVersion, User, UserBy},
    },
    rules::{dates::timestamp_text, unicode::go_lower},
};

/// Tells the manager of a request, or the user of an approval. A version that is only retired is
/// told to nobody.
pub(super) fn fired(
    old: Option<&GrantVersion>,
    new: &Arc<GrantVersion>,
    scope: &mut Scope<'_>,
) -> Handled {
    let is_request = is_request(old, new);
    if !is_request && !is_approval(old, new) {
        return Ok(());
    }
    swallowing(scope, |scope| {
        // Parity: which of several users with the wallet is left to the database.
        let address = go_lower(&new.grantee_address);
        let managers = scope.find::<User>(UserBy::WalletLc, address)?;
        let Some(manager) = managers.first().map(|manager| manager.user_id) else {
            return Ok(());
        };
        note(new, manager, is_request).write(Stamp::of(new.blocknumber, new.updated_at), scope)
    })
}

fn is_request(old: Option<&GrantVersion>, new: &GrantVersion) -> bool {
    let begins = match old {
        None => new.created_at == new.updated_at,
        Some(old) => old.is_revoked == Some(true),
    };
    begins && new.is_revoked == Some(false) && new.is_approved.is_none()
}

/// Parity: NULL that becomes true is no change to the trigger's comparison.
fn is_approval(old: Option<&GrantVersion>, new: &GrantVersion) -> bool {
    old.is_none_or(|old| old.is_approved == Some(false))
        && new.is_approved == Some(true)
        && new.is_revoked == Some(false)
}

fn note(new: &GrantVersion, manager: i64, is_request: bool) -> Note {
    let (kind, receiver, specifier) = if is_request {
        ("request_manager", manager, new.user_id)
    } else {
        ("approve_manager_request", new.user_id, manager)
    };
    let updated_at = if is_request {
        format!(":updated_at:{}", timestamp_text(new.updated_at))
    } else {
        String::new()
    };
    Note {
        kind,
        group_id: format!(
            "{kind}:grantee_user_id:{manager}:grantee_address:{}:user_id:{}{updated_at}\
             :created_at:{}",
            new.grantee_address,
            new.user_id,
            timestamp_text(new.created_at)
        ),
        specifier: specifier.to_string(),
        user_ids: vec![receiver],
        data: Json::object([
            ("grantee_user_id", Json::Int(manager)),
            ("grantee_address", Json::Str(new.grantee_address.clone())),
            ("user_id", Json::Int(new.user_id)),
        ]),
    }
}
