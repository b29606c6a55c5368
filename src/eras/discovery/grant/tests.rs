//! Grants: who may be given one, and who may answer it.

use std::sync::Arc;

use crate::{
    eras::discovery::sandbox::{Sandbox, code, user},
    model::{
        Timestamp,
        table::Row,
        tables::{DeveloperApp, Grant, User},
    },
};

const TO_MANAGER: &str = r#"{"grantee_address":"0xU2"}"#;
const TO_APP: &str = r#"{"grantee_address":"0xApp"}"#;
const BY_1: &str = r#"{"grantor_user_id":1}"#;
const NEW_NAME: &str = r#"{"cid":"","data":{"handle":"ada","name":"","bio":"new"}}"#;

fn app() -> Row {
    Arc::new(DeveloperApp {
        address: "0xapp".into(),
        blockhash: None,
        blocknumber: None,
        user_id: Some(3),
        name: "app".into(),
        is_personal_access: Some(false),
        is_delete: Some(false),
        created_at: Timestamp::from_seconds(0),
        txhash: String::new(),
        is_current: true,
        updated_at: Timestamp::from_seconds(0),
        description: None,
        image_url: None,
    })
}

fn chain() -> Sandbox {
    Sandbox::new([user(1), user(2), user(3), app()])
}

/// What becomes of an update of user 1 that `signer` signs.
fn acts_for_1(chain: &mut Sandbox, signer: &str) -> &'static str {
    chain.sign_as(Some(signer));
    let outcome = code(&chain.call((1, "Update", "User", 0, NEW_NAME)));
    chain.sign_as(None);
    outcome
}

#[test]
fn a_manager_acts_once_they_agreed_and_until_they_are_dropped() {
    let mut chain = chain();
    assert_eq!(acts_for_1(&mut chain, "0xU2"), "signer_not_granted");
    assert_eq!(code(&chain.call((1, "Create", "Grant", 0, TO_MANAGER))), "applied");
    assert_eq!(chain.rows::<Grant>()[0].is_approved, None);
    assert_eq!(acts_for_1(&mut chain, "0xU2"), "signer_grant_not_approved");
    assert_eq!(code(&chain.call((3, "Approve", "Grant", 0, BY_1))), "grant_not_found");
    assert_eq!(code(&chain.call((2, "Approve", "Grant", 0, BY_1))), "applied");
    assert_eq!(code(&chain.call((2, "Reject", "Grant", 0, BY_1))), "grant_already_approved");
    assert_eq!(acts_for_1(&mut chain, "0xu2"), "applied");
    assert_eq!(code(&chain.call((1, "Create", "Grant", 0, TO_MANAGER))), "grant_exists");
    // The grantee revokes, in the name of the grantor.
    chain.sign_as(Some("0xU2"));
    assert_eq!(code(&chain.call((1, "Delete", "Grant", 0, TO_MANAGER))), "applied");
    assert_eq!(acts_for_1(&mut chain, "0xU2"), "signer_grant_revoked");
    assert_eq!(code(&chain.call((1, "Delete", "Grant", 0, TO_MANAGER))), "grant_already_revoked");
    assert_eq!(code(&chain.call((1, "Create", "Grant", 0, TO_MANAGER))), "applied");
    assert_eq!(code(&chain.call((2, "Reject", "Grant", 0, BY_1))), "applied");
    let grant = chain.rows::<Grant>().remove(0);
    assert_eq!((grant.is_approved, grant.is_revoked), (Some(false), Some(true)));
}

#[test]
fn an_app_acts_at_once_until_it_is_deleted() {
    let mut chain = chain();
    let mut acted = chain.block(&[(1, "Create", "Grant", 0, TO_APP)]);
    acted.extend([chain.call((1, "Create", "Grant", 0, r#"{"grantee_address":"0xnobody"}"#))]);
    assert_eq!(acted.iter().map(code).collect::<Vec<_>>(), ["applied", "grantee_unknown"]);
    assert_eq!(acts_for_1(&mut chain, "0xAPP"), "applied");
    assert_eq!(chain.rows::<User>()[0].bio.as_deref(), Some("new"));
    let address = r#"{"address":"0xAPP"}"#;
    let delete = (3, "Delete", "DeveloperApp", 0, address);
    assert_eq!(code(&chain.call((1, "Delete", "DeveloperApp", 0, address))), "app_of_another_user");
    assert_eq!(code(&chain.call(delete)), "applied");
    assert_eq!(acts_for_1(&mut chain, "0xApp"), "signer_grantee_gone");
    assert_eq!(code(&chain.call((2, "Create", "Grant", 0, TO_APP))), "grantee_app_deleted");
}

#[test]
fn an_update_replaces_all_that_describes_an_app() {
    let mut chain = chain();
    let mut update = |metadata: &str| {
        let outcome = code(&chain.call((3, "Update", "DeveloperApp", 0, metadata)));
        (outcome, chain.rows::<DeveloperApp>().remove(0))
    };
    let (outcome, app) = update(
        r#"{"address":"0xApp","name":"n\u0000","description":"d","image_url":"https://a.b/c"}"#,
    );
    assert_eq!((outcome, app.name.as_str()), ("applied", "n"));
    assert_eq!(app.image_url.as_deref(), Some("https://a.b/c"));
    let (outcome, app) = update(r#"{"address":"0xApp","name":"n","image_url":"http://a"}"#);
    assert_eq!((outcome, app.description, app.image_url), ("applied", None, None));
    assert_eq!(update(r#"{"address":"0xApp"}"#).0, "app_name_missing");
    assert_eq!(
        update(r#"{"address":"0xApp","name":"n","description":false}"#).0,
        "app_description_invalid"
    );
    assert_eq!(update(r#"{"address":5,"name":"n"}"#).0, "prefetch_text");
    assert_eq!(update("").0, "app_address_missing");
}
