//! Notification rows that handlers write themselves (handlers-c 1.7).

use std::sync::Arc;

use super::{HandlerError, Scope};
use crate::model::{Json, tables::Notification};

/// Writes a notification at once, unless one with its group and specifier exists.
///
/// # Errors
/// Only [`HandlerError::Missing`], and poison for a receiver outside the column's range.
pub fn notify(
    scope: &mut Scope<'_>,
    kind: &str,
    group_id: String,
    specifier: String,
    user_ids: Vec<i64>,
    data: Json,
) -> Result<(), HandlerError> {
    let row = Notification {
        specifier,
        group_id,
        r#type: kind.to_owned(),
        slot: None,
        blocknumber: Some(scope.block.number),
        timestamp: scope.block.time,
        data: Some(Arc::new(data)),
        user_ids: Some(user_ids),
        type_v2: None,
    };
    add(scope, row)
}

/// [`notify`] with a row made by the caller.
///
/// # Errors
/// See [`notify`].
pub fn add(scope: &mut Scope<'_>, row: Notification) -> Result<(), HandlerError> {
    if scope.stored::<Notification>((&row.group_id, &row.specifier))?.is_some() {
        return Ok(());
    }
    scope.insert(row)
}
