//! `process_grant_change`: requests to manage an account, and their approval.

use super::{Handled, Note, Scope, Stamp};
use crate::{
    model::{
        Json,
        tables::{Grant, User, UserBy},
    },
    rules::dates::timestamp_text,
};

pub(super) fn inserted(row: &Grant, _: Option<&Grant>, scope: &mut Scope<'_>) -> Handled {
    let address = row.grantee_address.to_lowercase();
    let Some(manager) = scope.stored_by::<User>(UserBy::WalletLc, &address)?.first().cloned()
    else {
        return Ok(());
    };
    if row.is_revoked.unwrap_or(false) {
        return Ok(());
    }
    let (kind, receiver, specifier, time) = match row.is_approved {
        None if row.created_at == row.updated_at => (
            "request_manager",
            manager.user_id,
            row.user_id,
            format!(":updated_at:{}", timestamp_text(row.updated_at)),
        ),
        Some(true) => ("approve_manager_request", row.user_id, manager.user_id, String::new()),
        None | Some(false) => return Ok(()),
    };
    let stamp = Stamp { blocknumber: row.blocknumber, slot: None, timestamp: row.updated_at };
    Note {
        kind,
        group_id: format!(
            "{kind}:grantee_user_id:{}:grantee_address:{}:user_id:{}{time}:created_at:{}",
            manager.user_id,
            row.grantee_address,
            row.user_id,
            timestamp_text(row.created_at)
        ),
        specifier: specifier.to_string(),
        user_ids: vec![receiver],
        data: Json::object([
            ("grantee_user_id", Json::Int(manager.user_id)),
            ("grantee_address", Json::Str(row.grantee_address.clone())),
            ("user_id", Json::Int(row.user_id)),
        ]),
    }
    .write(stamp, scope)
}
