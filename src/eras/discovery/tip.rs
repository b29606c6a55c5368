//! (Tip, Update): a reaction to a tip (handlers-c 5).
//!
//! The reference catches everything that goes wrong here, so a failure is a reject, never a skip.
//! There is no signer check.

use super::{Call, Handled, HandlerError, Metadata, Scope, ensure, poison, query, reject};
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
            Ok(crate::rules::columns::whole(value.round()))
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
        value if query::holds_object(value) => Err(reject("tip_object")),
        // Parity: the query fails, the handler swallows it and the block's commit is a rollback
        // (corrections 10).
        _ => Err(poison("tip_query")),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        eras::discovery::sandbox::{Sandbox, code, user},
        model::Timestamp,
    };

    #[test]
    fn the_last_reaction_of_a_block_counts_and_no_failure_is_a_skip() {
        let tip = UserTip {
            slot: 1,
            signature: "sig".into(),
            sender_user_id: 2,
            receiver_user_id: 1,
            amount: 1,
            created_at: Timestamp::from_seconds(0),
            updated_at: Timestamp::from_seconds(0),
        };
        let mut chain = Sandbox::new([user(1), user(2), Arc::new(tip)]);
        let data = |signature: &str, value: &str| {
            format!(r#"{{"cid":"","data":{{"reacted_to":{signature},"reaction_value":{value}}}}}"#)
        };
        let (first, second) = (data("\"sig\"", "1"), data("\"sig\"", "2.5"));
        // Nobody asks who signed.
        chain.sign_as(Some("0xSomebody"));
        chain.block(&[(1, "Update", "Tip", 0, &first), (1, "Update", "Tip", 0, &second)]);
        let rows = chain.rows::<Reaction>();
        assert_eq!(rows.len(), 1);
        assert_eq!((rows[0].reaction_value, rows[0].sender_wallet.as_str()), (3, "0xu2"));
        for (signature, value, expected) in [
            ("\"other\"", "1", "tip_not_found"),
            ("\"sig\"", "0", "reaction_out_of_range"),
            ("\"sig\"", "\"1\"", "reaction_out_of_range"),
            ("{}", "1", "tip_object"),
            (r#"["a",{}]"#, "1", "tip_object"),
            ("5", "1", "tip_query"),
            ("\"sig\"", "true", "reaction_boolean"),
            ("null", "1", "tip_missing"),
        ] {
            let call = data(signature, value);
            assert_eq!(code(&chain.call((1, "Update", "Tip", 0, &call))), expected, "{call}");
        }
    }
}
