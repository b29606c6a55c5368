//! Tests of dashboard wallets.

use k256::ecdsa::SigningKey;

use crate::{
    eras::etl::sandbox::{START, Sandbox, code, user},
    model::{Recorded, Timestamp, tables::DashboardWalletUser},
};

const LINK: &str = "DashboardWalletUser";

/// A wallet, and the metadata with which it agrees.
fn signed() -> (String, String) {
    let key = SigningKey::from_slice(&[7; 32]).unwrap();
    let wallet = format!("{:#x}", alloy::primitives::Address::from_public_key(key.verifying_key()));
    let hash = alloy::primitives::eip191_hash_message("anything");
    let (signature, id) = key.sign_prehash_recoverable(hash.as_slice()).unwrap();
    let signature = alloy::primitives::hex::encode(signature.to_bytes());
    let metadata = format!(
        r#"{{"wallet":"{}","wallet_signature":{{"message":"anything",
            "signature":"0x{signature}{:02x}"}}}}"#,
        wallet.to_uppercase().replacen("0X", "0x", 1),
        id.to_byte() + 27
    );
    (wallet, metadata)
}

#[test]
fn a_wallet_moves_from_one_user_to_another_with_its_first_time() {
    let mut chain = Sandbox::new([user(1), user(2)]);
    let (wallet, link) = signed();
    let mut send = |user, action| code(&chain.call((user, action, LINK, 0, &link)));
    assert_eq!(send(1, "Delete"), "wallet_not_found");
    assert_eq!(send(1, "Create"), "applied");
    assert_eq!(send(2, "Create"), "wallet_assigned");
    assert_eq!(send(2, "Delete"), "wallet_of_other");
    assert_eq!(send(1, "Delete"), "applied");
    assert_eq!(send(1, "Delete"), "wallet_deleted");
    assert_eq!(send(2, "Create"), "applied");
    let rows = chain.rows::<DashboardWalletUser>();
    let row = &rows[0];
    let after = |blocks: i64| Timestamp::from_seconds(START.seconds() + blocks);
    assert_eq!((rows.len(), row.user_id, row.wallet.as_str()), (1, 2, wallet.as_str()));
    assert_eq!((row.created_at, row.updated_at), (after(2), after(7)));
}

#[test]
fn a_wallet_that_is_no_text_for_the_server_leaves_nothing_of_a_refused_call() {
    let mut chain = Sandbox::new([user(1)]);
    let wallet = r#"{"wallet":"0x\u0000"}"#;
    for (action, reason) in [("Create", "signature_missing"), ("Delete", "wallet_not_found")] {
        let outcome = chain.call((1, action, LINK, 0, wallet));
        assert_eq!((code(&outcome), chain.recorded()), (reason, Recorded::Nothing));
        assert!(matches!(outcome, crate::eras::Outcome::Rejected(_)));
    }
}
