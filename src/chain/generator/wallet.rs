//! Keys of the people on a generated chain, and the messages they sign.

use alloy::hex;
use alloy::primitives::{Address, B256, Signature, eip191_hash_message, keccak256};
use ed25519_dalek::Signer as _;
use k256::ecdsa::SigningKey;

/// An Ethereum key, known by its seed and number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key {
    seed: u64,
    number: u64,
    address: Address,
}

impl Key {
    /// The key `number` of the chain with `seed`.
    pub(super) fn new(seed: u64, number: u64) -> Self {
        let address = Address::from_public_key(secret(seed, number).verifying_key());
        Self { seed, number, address }
    }

    /// Which key of the chain it is.
    pub(super) const fn number(self) -> u64 {
        self.number
    }

    /// The address as clients write it, in mixed case.
    pub(super) fn text(self) -> String {
        self.address.to_checksum(None)
    }

    /// The address in lower case.
    pub(super) fn lower(self) -> String {
        format!("{:#x}", self.address)
    }

    /// The personal-sign signature of `message`, `0x` and hex.
    pub(super) fn sign_text(self, message: &str) -> String {
        self.sign_hash(eip191_hash_message(message))
    }

    /// The signature of a hash, `0x` and hex, with v 27 or 28.
    pub(super) fn sign_hash(self, hash: B256) -> String {
        let signed = secret(self.seed, self.number)
            .sign_prehash_recoverable(hash.as_slice())
            .expect("any 32 bytes can be signed");
        hex::encode_prefixed(Signature::from(signed).as_bytes())
    }
}

fn secret(seed: u64, number: u64) -> SigningKey {
    let mut input = [0; 16];
    input[..8].copy_from_slice(&seed.to_le_bytes());
    input[8..].copy_from_slice(&number.to_le_bytes());
    let bytes = keccak256(input);
    SigningKey::from_slice(bytes.as_slice()).expect("a hash is never outside the field by chance")
}

/// A Solana wallet and its proof of belonging to `user_id`: address and signature in hex.
pub(super) fn solana_wallet(secret: &[u8; 32], user_id: i64) -> (String, String) {
    let key = ed25519_dalek::SigningKey::from_bytes(secret);
    let signature = key.sign(ownership_message(user_id).as_bytes());
    let address = bs58::encode(key.verifying_key().as_bytes()).into_string();
    (address, hex::encode(signature.to_bytes()))
}

/// What the owner of a wallet signs to link it to a user.
pub(super) fn ownership_message(user_id: i64) -> String {
    format!("AudiusUserID:{user_id}")
}

#[cfg(test)]
mod tests {
    use alloy::hex;
    use alloy::primitives::Signature;

    use super::{Key, solana_wallet};

    #[test]
    fn a_signature_leads_back_to_the_key() {
        let key = Key::new(7, 3);
        let bytes = hex::decode(key.sign_text("hello")).unwrap();
        let signature = Signature::from_raw(&bytes).unwrap();
        assert_eq!(signature.recover_address_from_msg("hello").unwrap(), key.address);
        assert!(matches!(bytes[64], 27 | 28));
    }

    #[test]
    fn a_solana_wallet_signs_as_the_reference_checks() {
        let (address, signature) = solana_wallet(&[7; 32], 1);
        assert_eq!(address, "GmaDrppBC7P5ARKV8g3djiwP89vz1jLK23V2GBjuAEGB");
        assert_eq!(
            signature,
            "0784777f345eda184a1f6fea90ee340268d628995aa60368d7b271b529c3195e\
             6ced123a3a5b457f7ba277b18484edda21ddfae84f09353558ea968e1c4bdd01"
        );
    }
}
