//! Tests of associated wallets.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signer as _, SigningKey};

use crate::{
    eras::{
        Derive,
        etl::sandbox::{Sandbox, code, user},
    },
    model::{
        Shape,
        shape::UniqueKey,
        tables::{AssociatedWallet, PastAssociatedWallet, TableId},
    },
};

const WALLET: &str = "AssociatedWallet";

/// A Solana wallet with its proof.
fn claim() -> String {
    let key = SigningKey::from_bytes(&[7; 32]);
    let wallet = bs58::encode(key.verifying_key().as_bytes()).into_string();
    let signature = STANDARD.encode(key.sign(b"whatever").to_bytes());
    format!(
        r#"{{"wallet":"{wallet}","chain":"sol",
            "wallet_signature":{{"message":"whatever","signature":"{signature}"}}}}"#
    )
}

fn owners(chain: &Sandbox) -> (Vec<i64>, Vec<(i64, bool)>) {
    let current = chain.rows::<AssociatedWallet>().iter().map(|row| row.user_id).collect();
    let past = chain.rows::<PastAssociatedWallet>();
    (current, past.iter().map(|row| (row.user_id, row.is_delete)).collect())
}

#[test]
fn a_wallet_has_one_current_claim_and_past_ones_beside_it() {
    let mut chain = Sandbox::new([user(1), user(2)]);
    let claim = claim();
    let calls = [(1, "Create"), (1, "Create"), (2, "Create"), (2, "Delete"), (1, "Create")];
    let calls = calls.map(|(user, action)| (user, action, WALLET, 0, claim.as_str()));
    let outcomes = chain.block(&calls);
    assert_eq!(outcomes.iter().map(code).collect::<Vec<_>>(), ["applied"; 5]);
    assert_eq!(owners(&chain), (vec![1], vec![(1, false), (1, true), (2, true)]));
    assert_eq!(code(&chain.call((2, "Delete", WALLET, 0, &claim))), "wallet_not_found");
    assert_eq!(
        code(&chain.call((1, "Delete", WALLET, 0, r#"{"wallet":"0\u0000"}"#))),
        "nul_in_text"
    );
    assert_eq!(code(&chain.call((1, "Delete", WALLET, 0, &claim))), "applied");
    assert!(chain.rows::<AssociatedWallet>().is_empty());
}

#[test]
fn a_key_over_all_rows_takes_a_wallet_of_a_user_once() {
    let mut shape = Shape::default();
    let name = "unique_user_wallet_chain".to_owned();
    let key = UniqueKey { name, columns: vec![0, 1, 6], current_only: false };
    shape.table_mut(TableId::AssociatedWallets).unique.push(key);
    let mut chain = Sandbox::with([user(1), user(2)], Derive::Elsewhere, shape);
    let claim = claim();
    let mut send = |user, action| code(&chain.call((user, action, WALLET, 0, &claim)));
    assert_eq!(send(1, "Create"), "applied");
    assert_eq!(send(1, "Create"), "duplicate_key");
    assert_eq!(send(2, "Create"), "applied");
    assert_eq!(send(1, "Create"), "duplicate_key");
    assert_eq!(owners(&chain), (vec![2], vec![(1, true)]));
}
