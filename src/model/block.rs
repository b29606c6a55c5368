//! A decoded block of the core chain: what every later stage works on.

use std::fmt;

use super::{Json, PlayRow, Timestamp, json};

/// One block of the core chain with its transactions in their fixed order.
#[derive(Clone, Debug)]
pub struct Block {
    /// CometBFT chain id, for example `audius-mainnet-alpha-beta`.
    pub chain_id: String,
    /// Height, 1 for the first block.
    pub height: i64,
    /// Block hash, lower-case hex.
    pub hash: String,
    /// Proposer address, lower-case hex.
    pub proposer: String,
    /// Header time, microseconds.
    pub time: Timestamp,
    /// Transactions in the order in which they apply.
    pub txs: Vec<Tx>,
    /// Size of the block as it was read, in bytes; counts toward the byte budget of queues.
    pub size: usize,
}

impl Block {
    /// Drops what was parsed of metadata; its text stays.
    pub fn forget_parsed(&mut self) {
        for tx in &mut self.txs {
            if let TxBody::ManageEntity(call) | TxBody::ManageEntityMigration(call) = &mut tx.body {
                call.json = None;
            }
        }
    }
}

impl Block {
    /// The play behind a row of `plays`.
    pub fn play(&self, row: &PlayRow) -> Option<&Play> {
        match &self.txs.get(row.tx)?.body {
            TxBody::Plays(plays) => plays.get(row.play),
            _ => None,
        }
    }
}

/// One transaction of a block.
#[derive(Clone, Debug)]
pub struct Tx {
    /// Transaction hash as the chain gives it (upper-case hex).
    pub hash: String,
    /// Position in the block, from 0, in the order in which transactions apply.
    pub index: i32,
    /// What it carries.
    pub body: TxBody,
}

/// The payload of a transaction, by the oneof member of `SignedTransaction`.
#[derive(Clone, Debug)]
pub enum TxBody {
    /// `plays` (1000).
    Plays(Vec<Play>),
    /// `validator_registration` (1001), the legacy form.
    ValidatorRegistrationLegacy,
    /// `sla_rollup` (1002).
    SlaRollup(SlaRollup),
    /// `manage_entity` (1003).
    ManageEntity(Box<EntityTx>),
    /// `manage_entity_migration` (1012): a call of the genesis of a new chain.
    ManageEntityMigration(Box<EntityTx>),
    /// `validator_deregistration` (1004): a misbehaviour deregistration.
    ValidatorMisbehavior(ValidatorMisbehavior),
    /// `storage_proof` (1005).
    StorageProof(StorageProof),
    /// `storage_proof_verification` (1006).
    StorageProofVerification(StorageProofVerification),
    /// `attestation` (1007) of a validator registration.
    ValidatorRegistration(ValidatorRegistration),
    /// `attestation` (1007) of a validator deregistration.
    ValidatorDeregistration(ValidatorDeregistration),
    /// A known member the indexer only records: its `tx_type`.
    Recorded(&'static str),
    /// A member this build does not know.
    Unknown(Member),
    /// A signed transaction with no member set.
    Unset,
    /// What the database refused, taken out of a transaction (see [`Refused`]).
    Refused(Box<Refused>),
    /// No transaction, or bytes that are not a `SignedTransaction`: what was wrong. Its hash may be
    /// empty.
    Malformed(String),
}

impl TxBody {
    /// The name of the type, as `etl_transactions.tx_type` has it (core-chain (d)).
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::Plays(_) => "play",
            Self::ValidatorRegistrationLegacy => "validator_registration_legacy",
            Self::SlaRollup(_) => "sla_rollup",
            Self::ManageEntity(_) => "manage_entity",
            Self::ManageEntityMigration(_) => "manage_entity_migration",
            Self::ValidatorMisbehavior(_) => "validator_misbehavior_deregistration",
            Self::StorageProof(_) => "storage_proof",
            Self::StorageProofVerification(_) => "storage_proof_verification",
            Self::ValidatorRegistration(_) => "validator_registration",
            Self::ValidatorDeregistration(_) => "validator_deregistration",
            Self::Recorded(name) => name,
            Self::Unknown(_) => "unknown",
            Self::Unset => "unset",
            Self::Refused(refused) => refused.kind,
            Self::Malformed(_) => "malformed",
        }
    }

    /// Whether it is an entity call that counts toward the number of its block, taken out or not.
    pub fn is_call(&self) -> bool {
        let taken_out = matches!(self, Self::Refused(refused) if refused.is_call);
        taken_out || self.call().is_some()
    }

    /// The entity call, live or migrated.
    pub fn call(&self) -> Option<&EntityTx> {
        match self {
            Self::ManageEntity(call) | Self::ManageEntityMigration(call) => Some(call),
            _ => None,
        }
    }
}

/// What is left of a transaction whose rows the database refused, although every rule let them pass:
/// nothing is applied, and it is recorded by its hash and type alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Its type ([`TxBody::type_name`]).
    pub kind: &'static str,
    /// It was an entity call.
    pub is_call: bool,
    /// SQLSTATE.
    pub code: String,
    /// What the server said.
    pub words: String,
}

/// A oneof member, by what is known of it: protobuf gives its tag, JSON its name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Member {
    /// Protobuf tag.
    Tag(u32),
    /// Name in the JSON mapping.
    Name(String),
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(tag) => write!(f, "tag {tag}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// A signed `ManageEntity` call.
#[derive(Clone, Debug)]
pub struct EntityTx {
    /// Hash of the transaction that carries it.
    pub hash: String,
    /// Acting user.
    pub user_id: i64,
    /// Entity type text, matched case-sensitively.
    pub entity_type: String,
    /// Entity the call is about.
    pub entity_id: i64,
    /// Action text, matched case-sensitively.
    pub action: String,
    /// Metadata text exactly as signed; usually JSON, may be empty or arbitrary.
    pub metadata: String,
    /// `metadata` parsed once, in the decode stage; `None` when it is empty.
    pub json: Option<Result<Json, json::ParseError>>,
    /// Whether `json` lost a lone surrogate escape, which Python keeps and can't encode later.
    pub lone_surrogate: bool,
    /// Signature, `0x` and hex.
    pub signature: String,
    /// Signer as the chain gives it. Opaque text: not necessarily an address.
    pub signer: String,
    /// Nonce, `0x` and hex.
    pub nonce: String,
}

/// One play of a `plays` transaction.
#[derive(Clone, Debug)]
pub struct Play {
    /// Decimal user id, a wallet, a UUID or any other text.
    pub user_id: String,
    /// Track id text, decimal in practice.
    pub track_id: String,
    /// When the listener played it; the epoch when absent.
    pub played_at: Timestamp,
    /// Signature text.
    pub signature: String,
    /// City, region and country as sent, possibly empty.
    pub city: String,
    /// See `city`.
    pub region: String,
    /// See `city`.
    pub country: String,
}

impl Play {
    /// The track, where its id is a number that production's `plays` can hold.
    pub fn track(&self) -> Option<i64> {
        int4(&self.track_id)
    }

    /// The user, where the id is such a number.
    pub fn user(&self) -> Option<i64> {
        int4(&self.user_id)
    }
}

/// Python's `int(text)` where the result fits the `integer` column.
fn int4(text: &str) -> Option<i64> {
    let text = text.trim();
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    // Single underscores between digits are allowed.
    if digits.starts_with('_') || digits.ends_with('_') || digits.contains("__") {
        return None;
    }
    let mut value: i64 = 0;
    let mut any = false;
    for byte in digits.bytes().filter(|byte| *byte != b'_') {
        if !byte.is_ascii_digit() {
            return None;
        }
        any = true;
        value = value.saturating_mul(10).saturating_add(i64::from(byte - b'0'));
    }
    let value = if negative { -value } else { value };
    (any && i32::try_from(value).is_ok()).then_some(value)
}

/// A periodic service-level report by the block's proposer.
#[derive(Clone, Debug)]
pub struct SlaRollup {
    /// Time of the report.
    pub timestamp: Timestamp,
    /// First height covered.
    pub block_start: i64,
    /// Last height covered.
    pub block_end: i64,
    /// One entry per registered validator: comet address and blocks proposed.
    pub reports: Vec<(String, i32)>,
}

/// A misbehaviour deregistration.
#[derive(Clone, Debug)]
pub struct ValidatorMisbehavior {
    /// CometBFT address, upper-case hex.
    pub comet_address: String,
    /// ed25519 public key.
    pub pub_key: Vec<u8>,
}

/// Storage challenges of the nodes that one SLA rollup reports on, counted at its block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RollupCounts {
    /// Position of the rollup in [`Block::txs`].
    pub tx: usize,
    /// Per report, in its order: challenges received and challenges failed.
    pub challenges: Vec<(i32, i32)>,
}

/// A proof that a node stores a file.
#[derive(Clone, Debug)]
pub struct StorageProof {
    /// Challenge height.
    pub height: i64,
    /// Prover's comet address.
    pub address: String,
    /// Comet addresses that should hold the file.
    pub prover_addresses: Vec<String>,
    /// The file.
    pub cid: String,
    /// ed25519 signature; `None` when absent.
    pub proof_signature: Option<Vec<u8>>,
}

/// The verification of the proofs of one challenge height.
#[derive(Clone, Debug)]
pub struct StorageProofVerification {
    /// Challenge height.
    pub height: i64,
    /// The proof.
    pub proof: Vec<u8>,
}

/// An attested validator registration.
#[derive(Clone, Debug)]
pub struct ValidatorRegistration {
    /// Delegate owner wallet.
    pub delegate_wallet: String,
    /// Node endpoint.
    pub endpoint: String,
    /// `content-node` or `discovery-node`.
    pub node_type: String,
    /// Service provider id.
    pub sp_id: String,
    /// Ethereum block of the registration.
    pub eth_block: i64,
    /// CometBFT address, upper-case hex.
    pub comet_address: String,
    /// ed25519 public key.
    pub pub_key: Vec<u8>,
    /// Voting power.
    pub power: i64,
}

/// An attested validator deregistration.
#[derive(Clone, Debug)]
pub struct ValidatorDeregistration {
    /// CometBFT address, upper-case hex.
    pub comet_address: String,
    /// ed25519 public key.
    pub pub_key: Vec<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn play_ids_are_read_as_python_reads_them() {
        for (text, value) in [
            ("12", Some(12)),
            (" 12\n", Some(12)),
            ("+5", Some(5)),
            ("-5", Some(-5)),
            ("1_000", Some(1000)),
            ("0007", Some(7)),
            ("2147483647", Some(2_147_483_647)),
            ("2147483648", None),
            ("99999999999999999999999", None),
            ("1__0", None),
            ("_1", None),
            ("", None),
            ("-", None),
            ("0xabc", None),
            ("1.0", None),
        ] {
            assert_eq!(int4(text), value, "{text:?}");
        }
    }
}
