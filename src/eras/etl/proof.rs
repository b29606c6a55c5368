//! Signatures inside metadata (users.md 0.6). Nobody looks at what the signed message says.

use super::Metadata;
use crate::{
    model::Json,
    rules::wallet_proofs::{recover_eth, verify_sol},
};

/// A message and its signature, neither empty.
#[derive(Clone, Copy, Debug)]
pub struct Proof<'a> {
    message: &'a str,
    signature: &'a str,
}

impl<'a> Proof<'a> {
    /// The proof under a key; `None` where it is anything else.
    pub fn of(meta: &'a Metadata<'_>, key: &str) -> Option<Self> {
        let object = meta.get(key)?;
        let text = |key| object.get(key).and_then(Json::as_str).filter(|text| !text.is_empty());
        Some(Self { message: text("message")?, signature: text("signature")? })
    }

    /// Whether an Ethereum wallet, `0x` and lower-case hex, signed.
    pub fn is_of_eth(self, wallet: &str) -> bool {
        recover_eth(self.message, self.signature).is_some_and(|signer| signer == wallet)
    }

    /// Whether a Solana wallet signed.
    pub fn is_of_sol(self, wallet: &str) -> bool {
        verify_sol(wallet, self.message.as_bytes(), self.signature)
    }
}
