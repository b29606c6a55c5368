//! `handle_reaction`: tells the sender of a tip how its receiver liked it.

use std::sync::Arc;

use super::{Handled, Note, Scope, Stamp};
use crate::model::{
    Json,
    tables::{Notification, Reaction, UserTip, UserTipBy},
};

pub(super) fn inserted(row: &Reaction, _: Option<&Reaction>, scope: &mut Scope<'_>) -> Handled {
    if row.reaction_type != "tip" {
        return Ok(());
    }
    let tips = scope.stored_by::<UserTip>(UserTipBy::Signature, &row.reacted_to)?;
    let Some(tip) = tips.first() else { return Ok(()) };
    let stamp = Stamp { blocknumber: None, slot: None, timestamp: row.timestamp };
    if row.reaction_value != 0 {
        Note {
            kind: "reaction",
            group_id: format!(
                "reaction:reaction_to:{}:reaction_type:{}:reaction_value:{}",
                row.reacted_to, row.reaction_type, row.reaction_value
            ),
            specifier: tip.receiver_user_id.to_string(),
            user_ids: vec![tip.sender_user_id],
            data: Json::object([
                ("sender_wallet", Json::Str(row.sender_wallet.clone())),
                ("reaction_type", Json::Str(row.reaction_type.clone())),
                ("reacted_to", Json::Str(row.reacted_to.clone())),
                ("reaction_value", Json::Int(row.reaction_value)),
                ("receiver_user_id", Json::Int(tip.receiver_user_id)),
                ("sender_user_id", Json::Int(tip.sender_user_id)),
                ("tip_amount", Json::Str(tip.amount.to_string())),
            ]),
        }
        .write(stamp, scope)?;
    }
    mark_received(row, tip, scope)
}

/// Notes the reaction in the receiver's notification of the tip.
fn mark_received(row: &Reaction, tip: &UserTip, scope: &mut Scope<'_>) -> Handled {
    let group =
        format!("tip_receive:user_id:{}:signature:{}", tip.receiver_user_id, row.reacted_to);
    let received =
        scope.stored_by::<Notification>(crate::model::tables::NotificationBy::Group, &group)?;
    for note in received {
        let Some(data) = note.data.as_deref().and_then(Json::as_object) else { continue };
        let mut data = data.clone();
        data.insert("reaction_value", Json::Int(row.reaction_value));
        let data = Some(Arc::new(Json::Object(data)));
        scope.insert(Notification { data, ..(*note).clone() })?;
    }
    Ok(())
}
