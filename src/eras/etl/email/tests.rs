//! Tests of encrypted e-mail addresses.

use std::fmt::Write as _;

use crate::{
    eras::etl::sandbox::{Sandbox, code},
    model::tables::{EmailAccess, EncryptedEmail},
};

/// Metadata with keys for pairs of receiver and grantor.
fn metadata(owner: i64, grants: impl IntoIterator<Item = (i64, i64)>) -> String {
    let mut text =
        format!(r#"{{"email_owner_user_id":{owner},"encrypted_email":"e","access_grants":["#);
    for (index, (receiver, grantor)) in grants.into_iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        let _ = write!(
            text,
            r#"{comma}{{"receiving_user_id":{receiver},"grantor_user_id":{grantor},
                "encrypted_key":"k","is_initial":"true"}}"#
        );
    }
    text + "]}"
}

fn keys(chain: &Sandbox) -> Vec<(i64, i64)> {
    let rows = chain.rows::<EmailAccess>();
    rows.iter().map(|row| (row.receiving_user_id, row.grantor_user_id)).collect()
}

#[test]
fn keys_before_a_refused_one_stay_unless_the_error_is_hard() {
    let mut chain = Sandbox::new([]);
    let add = ("AddEmail", "EncryptedEmail");
    let mut send =
        |(action, entity), metadata: &str| code(&chain.call((0, action, entity, 0, metadata)));
    assert_eq!(
        send(add, r#"{"email_owner_user_id":1,"encrypted_email":"e"}"#),
        "access_grants_missing"
    );
    assert_eq!(send(add, &metadata(1, [(3_000_000_000, 1)])), "refused_by_schema");
    assert_eq!(send(add, &metadata(1, [(1, 1), (1, 1)])), "applied");
    assert_eq!(send(add, &metadata(1, [(7, 1)])), "applied", "once and for all");
    let share = ("Update", "EmailAccess");
    assert_eq!(
        send(share, &metadata(1, [(2, 1), (3, 2), (4, 9), (5, 1)])),
        "grantor_without_access"
    );
    assert_eq!(send(share, &metadata(1, [(6, 1), (4, 3_000_000_000)])), "integer_out_of_range");
    assert_eq!(keys(&chain), [(1, 1), (2, 1), (3, 2)]);
    assert!(chain.rows::<EmailAccess>().iter().all(|row| row.is_initial == Some(false)));
    assert_eq!(chain.rows::<EncryptedEmail>().len(), 1);
}

#[test]
fn tens_of_thousands_of_keys_are_no_trouble() {
    const KEYS: i64 = 24_000;
    let mut chain = Sandbox::new([]);
    let one_receiver = metadata(1, (0..KEYS).map(|grantor| (1, grantor)));
    assert_eq!(code(&chain.call((0, "AddEmail", "EncryptedEmail", 0, &one_receiver))), "applied");
    let one_grantor = metadata(1, (0..KEYS).map(|receiver| (receiver, 1)));
    assert_eq!(code(&chain.call((0, "Update", "EmailAccess", 0, &one_grantor))), "applied");
    assert_eq!(keys(&chain).len(), 47_999);
}
