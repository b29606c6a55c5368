//! Tests of grants.

use crate::{
    eras::etl::sandbox::{Sandbox, code, user},
    model::{Recorded, tables::GrantVersion},
};

const GRANT: &str = "Grant";
const TO_2: &str = r#"{"grantee_address":"0xU2"}"#;
const ANSWER: &str = r#"{"grantee_address":"0xu2","grantor_user_id":1}"#;

#[test]
fn a_manager_acts_once_anybody_approved() {
    let mut chain = Sandbox::new([user(1), user(2), user(3)]);
    let mut send =
        |user, action, metadata: &str| code(&chain.call((user, action, GRANT, 0, metadata)));
    assert_eq!(send(1, "Create", r#"{"grantee_address":"0xu9"}"#), "grantee_unknown");
    assert_eq!(send(1, "Create", TO_2), "applied");
    assert_eq!(send(1, "Create", TO_2), "grant_exists");
    assert_eq!(send(2, "Approve", r#"{"grantor_user_id":1}"#), "grantee_missing");
    chain.sign_as(Some("0xu2"));
    assert_eq!(code(&chain.call((1, "Update", "User", 1, ""))), "signer_grant_not_approved");
    chain.sign_as(None);
    assert_eq!(code(&chain.call((3, "Approve", GRANT, 0, ANSWER))), "applied");
    assert_eq!(code(&chain.call((2, "Reject", GRANT, 0, ANSWER))), "grant_approved");
    chain.sign_as(Some("0xu2"));
    assert_eq!(code(&chain.call((1, "Update", "User", 1, ""))), "applied");
    let rows = chain.rows::<GrantVersion>();
    let states: Vec<_> = rows.iter().map(|row| (row.is_current, row.is_approved)).collect();
    assert_eq!(states, [(false, None), (true, Some(true))]);
    assert_eq!(rows[0].created_at, rows[1].created_at);
}

#[test]
fn a_grantee_gives_a_grant_back_while_active() {
    let mut chain = Sandbox::new([user(1), user(2), user(3)]);
    chain.call((1, "Create", GRANT, 0, TO_2));
    for (signer, outcome) in [("0xu3", "signer_not_authorized"), ("0xu2", "applied")] {
        chain.sign_as(Some(signer));
        assert_eq!(code(&chain.call((1, "Delete", GRANT, 0, TO_2))), outcome);
    }
    assert_eq!(code(&chain.call((1, "Delete", GRANT, 0, TO_2))), "grant_not_found");
    chain.sign_as(None);
    chain.call((1, "Create", GRANT, 0, TO_2));
    let current = chain.rows::<GrantVersion>().iter().filter(|row| row.is_current).count();
    assert_eq!(current, 2, "the revoked one stays current");
}

#[test]
fn ids_and_texts_that_no_query_takes_end_differently() {
    let mut chain = Sandbox::new([user(1), user(2)]);
    let big = r#"{"grantee_address":"0xu2","grantor_user_id":3000000000}"#;
    assert_eq!(code(&chain.call((2, "Approve", GRANT, 0, big))), "grant_not_found");
    assert_eq!(chain.recorded(), Recorded::InFull);
    let nul = r#"{"grantee_address":"0x\u0000","grantor_user_id":1}"#;
    assert_eq!(code(&chain.call((2, "Approve", GRANT, 0, nul))), "grant_not_found");
    assert_eq!(chain.recorded(), Recorded::Nothing);
    assert_eq!(code(&chain.call((1, "Create", GRANT, 0, nul))), "nul_in_text");
    assert_eq!(chain.recorded(), Recorded::WithoutDetails);
}
