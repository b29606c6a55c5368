//! Who signed an entity call, recovered from its EIP-712 signature.
//!
//! Indexing trusts the signer that the first node wrote down; consensus does not check it again.
//! This check finds calls where a validator wrote another one.

use alloy::primitives::{Address, B256, Signature, U256, address, keccak256};

use crate::model::EntityTx;

/// The EIP-712 domain of an environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Domain {
    /// Chain id inside the domain; not that of any chain in use.
    pub chain_id: u64,
    /// Verifying contract.
    pub contract: Address,
}

impl Domain {
    /// Production.
    pub const PROD: Self =
        Self { chain_id: 31_524, contract: address!("1Cd8a543596D499B9b6E7a6eC15ECd2B7857Fd64") };
    /// Staging.
    pub const STAGE: Self = Self { chain_id: 1_056_801, ..Self::PROD };
    /// Development and sandbox.
    pub const DEV: Self =
        Self { chain_id: 1337, contract: address!("254dffcd3277C0b1660F6d42EFbB754edaBAbC2B") };

    /// The domain of a core chain, by its id; production's for an unknown one.
    pub fn of_chain(chain_id: &str) -> Self {
        if chain_id.starts_with("audius-testnet") {
            Self::STAGE
        } else if matches!(chain_id, "openaudio-devnet" | "audius-devnet") {
            Self::DEV
        } else {
            Self::PROD
        }
    }

    fn separator(self) -> B256 {
        let mut words = [B256::ZERO; 5];
        words[0] = keccak256(
            "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)",
        );
        words[1] = keccak256("Entity Manager");
        words[2] = keccak256("1");
        words[3] = U256::from(self.chain_id).into();
        words[4] = self.contract.into_word();
        keccak256(words.concat())
    }
}

/// What the signature says about the signer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The signature is the signer's.
    Match,
    /// It is somebody else's.
    Mismatch(Address),
    /// No address can be recovered from it.
    Unrecoverable,
}

/// Recovers the signer of `tx` and compares it with the signer it names.
pub fn verify(tx: &EntityTx, domain: Domain) -> Verdict {
    match recover(tx, domain) {
        None => Verdict::Unrecoverable,
        Some(found) if tx.signer.parse() == Ok(found) => Verdict::Match,
        Some(found) => Verdict::Mismatch(found),
    }
}

/// The address that signed `tx`, if its signature has one.
pub fn recover(tx: &EntityTx, domain: Domain) -> Option<Address> {
    let (signature, hash) = signed(tx, domain)?;
    signature.recover_address_from_prehash(&hash).ok()
}

/// The public key that signed `tx`, if its signature has one: 65 bytes, of which the first says that
/// both coordinates follow.
pub fn recover_key(tx: &EntityTx, domain: Domain) -> Option<[u8; 65]> {
    let (signature, hash) = signed(tx, domain)?;
    let key = signature.recover_from_prehash(&hash).ok()?;
    key.to_encoded_point(false).as_bytes().try_into().ok()
}

/// The signature, if it may be one, and the hash that it signs.
fn signed(tx: &EntityTx, domain: Domain) -> Option<(Signature, B256)> {
    let signature: [u8; 65] = go_hex(&tx.signature).try_into().ok()?;
    // 27 is subtracted from v whatever it is. Go's recovery without CGO takes four more values, which
    // say that the key is to be compressed and mean nothing here.
    let odd = match signature[64] {
        27 | 31 => false,
        28 | 32 => true,
        _ => return None,
    };
    let hash = signing_hash(tx, domain)?;
    Some((Signature::from_bytes_and_parity(&signature[..64], odd), hash))
}

/// `None` for a negative id, which the unsigned type does not hold.
fn signing_hash(tx: &EntityTx, domain: Domain) -> Option<B256> {
    let words = [
        // The bare `uint` is verbatim: the type string is hashed as written by the signers.
        keccak256(
            "ManageEntity(uint userId,string entityType,uint entityId,string action,\
             string metadata,bytes32 nonce)",
        ),
        unsigned(tx.user_id)?,
        keccak256(&tx.entity_type),
        unsigned(tx.entity_id)?,
        keccak256(&tx.action),
        keccak256(&tx.metadata),
        nonce(&tx.nonce),
    ];
    let message = keccak256(words.concat());
    let mut bytes = Vec::with_capacity(66);
    bytes.extend_from_slice(b"\x19\x01");
    bytes.extend_from_slice(domain.separator().as_slice());
    bytes.extend_from_slice(message.as_slice());
    Some(keccak256(bytes))
}

/// An id as a 256-bit word.
fn unsigned(id: i64) -> Option<B256> {
    Some(U256::from(u64::try_from(id).ok()?).into())
}

/// Hex, padded with zeros on the right or cut to 32 bytes.
fn nonce(text: &str) -> B256 {
    let bytes = go_hex(text);
    let mut word = [0; 32];
    let length = bytes.len().min(32);
    word[..length].copy_from_slice(&bytes[..length]);
    word.into()
}

/// Hex with or without `0x`: the bytes before the first pair that is none.
fn go_hex(text: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let digits = text.strip_prefix("0x").unwrap_or(text).as_bytes();
    let pairs = digits.chunks_exact(2);
    pairs.map_while(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

#[cfg(test)]
mod tests {
    use super::go_hex;

    #[test]
    fn hex_is_read_up_to_its_fault() {
        for (text, bytes) in [
            ("0x1bFF", &[0x1b, 0xff][..]),
            ("1b", &[0x1b]),
            ("1bf", &[0x1b]),
            ("0x1bzz1b", &[0x1b]),
            ("0X1b", &[]),
            ("", &[]),
        ] {
            assert_eq!(go_hex(text), bytes, "{text}");
        }
    }
}
