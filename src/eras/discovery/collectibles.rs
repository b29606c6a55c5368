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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eras::discovery::sandbox::{Sandbox, code, user};

    #[test]
    fn the_flag_of_the_user_changes_in_place() {
        let mut chain = Sandbox::new([user(1)]);
        let before = chain.rows::<User>().remove(0);
        let some = r#"{"cid":"","data":{"collectibles":{"order":[]}}}"#;
        let none = r#"{"cid":"","data":{"collectibles":{}}}"#;
        assert_eq!(code(&chain.call((1, "Create", "Collectibles", 0, some))), "applied");
        let after = chain.rows::<User>().remove(0);
        assert_eq!(after.has_collectibles, Some(true));
        assert_eq!((after.updated_at, &after.txhash), (before.updated_at, &before.txhash));
        assert_eq!(code(&chain.call((1, "Update", "Collectibles", 0, none))), "applied");
        assert_eq!(chain.rows::<User>()[0].has_collectibles, Some(false));
        let list = r#"{"cid":"","data":{"collectibles":[]}}"#;
        assert_eq!(
            code(&chain.call((1, "Update", "Collectibles", 0, list))),
            "collectibles_not_object"
        );
    }

    #[test]
    fn the_flag_is_part_of_the_record_of_a_user_changed_in_the_block() {
        let mut chain = Sandbox::new([user(1)]);
        let update = r#"{"cid":"","data":{"handle":"ada","name":""}}"#;
        let some = r#"{"cid":"","data":{"collectibles":{"order":[]}}}"#;
        chain.block(&[(1, "Update", "User", 0, update), (1, "Create", "Collectibles", 0, some)]);
        let after = chain.rows::<User>().remove(0);
        assert_eq!((after.has_collectibles, after.txhash.as_str()), (Some(true), "1/0"));
    }
}
