//! (Tip, Update): a reaction to a tip (handlers-c 5).
//!
//! The reference catches everything that goes wrong here, so a failure is a reject, never a skip.
//! There is no signer check.

use super::{Call, Handled, HandlerError, Metadata, Scope, ensure, poison, reject};
use crate::model::{
    Json,
    tables::{Reaction, User, UserTip, UserTipBy},
};

/// Stores the reaction; in one block the last one to a tip.
pub fn react(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let tx = call.tx;
    let Metadata::Update { data, .. } = &call.metadata else {
        return Err(reject("metadata_missing"));
    };
    let reacted_to = data.get_non_null("reacted_to").ok_or_else(|| reject("tip_missing"))?;
    let value = data.get_non_null("reaction_value").ok_or_else(|| reject("reaction_missing"))?;
    let reaction_value = reaction(value)?;
    let reacted_to = signature(reacted_to)?;
    let tips =
        scope.stored_by::<UserTip>(UserTipBy::SignatureReceiver, (reacted_to, tx.user_id))?;
    let [tip] = tips.as_slice() else { return Err(reject("tip_not_found")) };
    let sender =
        scope.stored::<User>(tip.sender_user_id)?.ok_or_else(|| reject("tip_sender_not_found"))?;
    let sender_wallet = sender.wallet.clone().unwrap_or_default();
    ensure(!sender_wallet.is_empty(), "tip_sender_without_wallet")?;
    // Parity: a boolean passes every check and fails in the database.
    let reaction_value = reaction_value.ok_or_else(|| poison("reaction_boolean"))?;
    scope.put(Reaction {
        reaction_value,
        sender_wallet,
        reaction_type: "tip".to_owned(),
        reacted_to: reacted_to.to_owned(),
        timestamp: scope.block.clock,
        blocknumber: scope.block.number,
    })
}

/// The stored value of a reaction from 1 to 4; `None` for `true`, which is 1 in Python.
fn reaction(value: &Json) -> Result<Option<i64>, HandlerError> {
    let code = "reaction_out_of_range";
    match value {
        Json::Bool(true) => Ok(None),
        Json::Int(value @ 1..=4) => Ok(Some(*value)),
        Json::Float(value) if (1.0..=4.0).contains(value) => {
            // PostgreSQL rounds a numeric half away from zero, as `round` does.
            Ok(super::query::whole(value.round()))
        }
        _ => Err(reject(code)),
    }
}

/// A tip's signature as a parameter of the reference's query on a text column.
fn signature(value: &Json) -> Result<&str, HandlerError> {
    match value {
        Json::Str(text) if text.contains('\0') => Err(reject("tip_nul")),
        Json::Str(text) => Ok(text),
        Json::List(items) if items.is_empty() => Err(reject("tip_not_found")),
        Json::Object(_) => Err(reject("tip_object")),
        // Parity: the query fails, the handler swallows it and the block's commit is a rollback
        // (corrections 10).
        _ => Err(poison("tip_query")),
    }
}
