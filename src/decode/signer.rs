//! Who signed an entity call, recovered from its EIP-712 signature.
//!
//! Indexing trusts the signer that the first node wrote down; consensus does not check it again.
//! This check finds calls where a validator wrote another one.

use alloy::hex;
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
    let signature: [u8; 65] = hex::decode(&tx.signature).ok()?.try_into().ok()?;
    // The node subtracts 27 from v whatever it is, so only 27 and 28 are ever accepted.
    let odd = match signature[64] {
        27 => false,
        28 => true,
        _ => return None,
    };
    let signature = Signature::from_bytes_and_parity(&signature[..64], odd);
    signature.recover_address_from_prehash(&signing_hash(tx, domain)).ok()
}

fn signing_hash(tx: &EntityTx, domain: Domain) -> B256 {
    let words = [
        // The bare `uint` is verbatim: the type string is hashed as written by the signers.
        keccak256(
            "ManageEntity(uint userId,string entityType,uint entityId,string action,\
             string metadata,bytes32 nonce)",
        ),
        unsigned(tx.user_id),
        keccak256(&tx.entity_type),
        unsigned(tx.entity_id),
        keccak256(&tx.action),
        keccak256(&tx.metadata),
        nonce(&tx.nonce),
    ];
    let message = keccak256(words.concat());
    let mut bytes = Vec::with_capacity(66);
    bytes.extend_from_slice(b"\x19\x01");
    bytes.extend_from_slice(domain.separator().as_slice());
    bytes.extend_from_slice(message.as_slice());
    keccak256(bytes)
}

/// An id as a 256-bit word; a negative one in two's complement.
fn unsigned(id: i64) -> B256 {
    let fill = if id < 0 { 0xff } else { 0 };
    let mut word = [fill; 32];
    word[24..].copy_from_slice(&id.to_be_bytes());
    word.into()
}

/// Hex, padded with zeros on the right or cut to 32 bytes; zeros when it is not hex.
fn nonce(text: &str) -> B256 {
    let bytes = hex::decode(text).unwrap_or_default();
    let mut word = [0; 32];
    let length = bytes.len().min(32);
    word[..length].copy_from_slice(&bytes[..length]);
    word.into()
}
