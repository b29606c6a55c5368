//! (Notification, Create).

use std::sync::Arc;

use crate::{
    eras::etl::{Call, Halt, Handled, Scope, Wants, ensure, error, reject},
    model::{Json, tables::Notification},
};

/// Announces something to everybody: the metadata as it was sent (users.md 7.1).
///
/// Parity: nobody asks who signs. The first one of a block is the only one.
///
/// # Errors
/// Rejects in the order of the page; a hard error for JSON that the database does not hold.
pub fn announce(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let data = document(call)?;
    // The server refuses half a surrogate pair, which Go replaces.
    if call.tx.lone_surrogate {
        return Err(error("lone_surrogate_in_jsonb"));
    }
    let row = Notification {
        specifier: String::new(),
        group_id: group_id(scope.block.number),
        r#type: "announcement".into(),
        slot: None,
        blocknumber: Some(scope.block.number),
        timestamp: call.now,
        data: Some(Arc::new(data)),
        user_ids: Some(Vec::new()),
        type_v2: None,
    };
    scope.insert_notification(row).map(drop)
}

/// Names nothing: the row's key has the number of the block, which nobody has used before.
pub fn announce_wants(_call: &Call<'_>, _wants: &mut Wants<'_>) {}

fn group_id(block: i64) -> String {
    format!("announcement:blocknumber:{block}")
}

/// The metadata, envelope and all, with its numbers as they were written.
fn document(call: &Call<'_>) -> Result<Json, Halt> {
    ensure(!call.tx.metadata.is_empty(), "announcement_empty")?;
    let not_json = || reject("announcement_not_json");
    let Some(Ok(json)) = &call.tx.json else { return Err(not_json()) };
    let fits = (json.is_null() || json.as_object().is_some()) && json.is_go_json();
    ensure(fits, "announcement_not_json")?;
    Json::parse_exact(&call.tx.metadata).map_err(|_no_json| not_json())
}
