//! Grants: rights of an app or of another user to act for a user (users.md 5).
//!
//! A grant has a version for each change, and several may be current: which one a decision looks at
//! is left open by the reference; here it is the one of the largest transaction hash.

mod answer;
mod create;
mod delete;

pub use answer::{answer_wants, approve, reject};
pub use create::{create, create_wants, insert};
pub use delete::{delete, delete_wants};

use std::sync::Arc;

use super::{
    Call, Handled, Scope,
    entry::{Entry, entry},
};
use crate::{model::tables::GrantVersion, rules::unicode::go_lower};

/// The handlers of this folder.
pub const HANDLERS: &[Entry] = &[
    entry("Grant", "Approve", answer_wants, approve),
    entry("Grant", "Create", create_wants, create),
    entry("Grant", "Delete", delete_wants, delete),
    entry("Grant", "Reject", answer_wants, reject),
];

/// The grantee that the metadata names; may be empty.
fn grantee(call: &Call<'_>) -> String {
    go_lower(call.meta.text("grantee_address"))
}

/// Makes the current versions past ones, and adds one that `fill` makes of the last.
fn replace(
    call: &Call<'_>,
    versions: &[Arc<GrantVersion>],
    fill: impl FnOnce(GrantVersion) -> GrantVersion,
    scope: &mut Scope<'_>,
) -> Handled {
    let current = || versions.iter().filter(|version| version.is_current);
    let Some(last) = current().next_back() else { return Ok(()) };
    for version in current() {
        scope
            .update(version, GrantVersion { is_current: false, ..GrantVersion::clone(version) })?;
    }
    scope.insert(fill(GrantVersion {
        blockhash: None,
        blocknumber: Some(scope.block.number),
        is_current: true,
        updated_at: call.now,
        txhash: call.tx.hash.clone(),
        ..GrantVersion::clone(last)
    }))
}

#[cfg(test)]
mod tests;
