//! (Collectibles, Create) and (Collectibles, Update): a user's collectibles document
//! (handlers-a 2).

use std::sync::Arc;

use super::{Call, Handled, Scope, reject, signer::authorize, skip};
use crate::model::{
    Json,
    tables::{Collectibles, User},
};

/// Stores the document and flags the user as having collectibles, or not.
pub fn store(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let tx = call.tx;
    scope.want::<Collectibles>(tx.user_id);
    let user = authorize(tx, scope)?;
    let data = call.data().ok_or_else(|| skip("metadata_missing"))?;
    let Some(document @ Json::Object(_)) = data.get("collectibles") else {
        return Err(reject("collectibles_not_object"));
    };
    scope.put(Collectibles {
        user_id: tx.user_id,
        data: Arc::new(document.clone()),
        blockhash: scope.block.hash.clone(),
        blocknumber: scope.block.number,
        created_at: Some(scope.block.time),
        updated_at: Some(scope.block.time),
    })?;
    // Parity: the flag of the user's current record is set in place: nothing else of the row
    // changes and the row is not archived.
    let flagged = User { has_collectibles: Some(document.truthy()), ..(*user).clone() };
    let stored = scope.stored::<User>(tx.user_id)?;
    if stored.is_some_and(|stored| Arc::ptr_eq(&stored, &user)) {
        scope.insert(flagged)
    } else {
        scope.put(flagged)
    }
}
