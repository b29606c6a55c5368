//! The wire messages of `core.v1`: what a node answers and what archives hold.
//!
//! Written by hand from the field numbers of the protocol, so that no protobuf compiler is needed.
//! The signed transactions of a block stay raw bytes here: the decode stage parses them, because
//! only a scan of the bytes finds oneof members that this build does not know. The JSON names and
//! forms of the same messages are in [`super::core_json`].

use prost::bytes::Bytes;
use prost_types::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::core_json::{bytes_form, int_form, or_default, time_form};

/// `core.v1.Block`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Block {
    /// Height; -1 where a node has no such block yet.
    #[prost(int64, tag = "1")]
    pub height: i64,
    /// Block hash, hex; lower case or upper case depending on where the node found the block.
    #[prost(string, tag = "2")]
    pub hash: String,
    /// CometBFT chain id.
    #[prost(string, tag = "3")]
    pub chain_id: String,
    /// Proposer address, hex in either case.
    #[prost(string, tag = "4")]
    pub proposer: String,
    /// Header time.
    #[prost(message, optional, tag = "5")]
    pub timestamp: Option<Timestamp>,
    /// Transactions in served order.
    #[prost(message, repeated, tag = "6")]
    pub transactions: Vec<Transaction>,
}

/// `core.v1.Transaction`, with its two payloads left as bytes.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Transaction {
    /// Upper-case SHA-256 of the transaction as included in the block.
    #[prost(string, tag = "1")]
    pub hash: String,
    /// An encoded [`SignedTransaction`].
    #[prost(bytes = "bytes", optional, tag = "2")]
    pub transaction: Option<Bytes>,
    /// Only set on streams.
    #[prost(string, tag = "3")]
    pub chain_id: String,
    /// Only set on streams.
    #[prost(int64, tag = "4")]
    pub height: i64,
    /// Only set on streams.
    #[prost(string, tag = "5")]
    pub block_hash: String,
    /// Block time; only set on streams.
    #[prost(message, optional, tag = "6")]
    pub timestamp: Option<Timestamp>,
    /// An encoded `core.v1beta1.Transaction`; main net has none.
    #[prost(bytes = "bytes", optional, tag = "7")]
    pub transactionv2: Option<Bytes>,
}

/// `core.v1.SignedTransaction`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct SignedTransaction {
    /// Outer signature; for `ManageEntity` equal to the inner one. Orders transactions of a block.
    #[prost(string, tag = "1")]
    pub signature: String,
    /// UUID or empty.
    #[prost(string, tag = "2")]
    pub request_id: String,
    /// The payload; `None` when unset or unknown to this build.
    #[prost(
        oneof = "Payload",
        tags = "1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008, 1009, 1010, 1011, 1012"
    )]
    pub payload: Option<Payload>,
}

/// The oneof of [`SignedTransaction`]. Members that are only recorded stay bytes.
#[derive(Clone, PartialEq, prost::Oneof)]
pub enum Payload {
    /// Plays.
    #[prost(message, tag = "1000")]
    Plays(TrackPlays),
    /// Legacy validator registration.
    #[prost(message, tag = "1001")]
    ValidatorRegistration(ValidatorRegistrationLegacy),
    /// Service-level report.
    #[prost(message, tag = "1002")]
    SlaRollup(SlaRollup),
    /// Entity call.
    #[prost(message, tag = "1003")]
    ManageEntity(ManageEntityLegacy),
    /// Misbehaviour deregistration.
    #[prost(message, tag = "1004")]
    ValidatorDeregistration(ValidatorMisbehaviorDeregistration),
    /// Storage proof.
    #[prost(message, tag = "1005")]
    StorageProof(StorageProof),
    /// Storage proof verification.
    #[prost(message, tag = "1006")]
    StorageProofVerification(StorageProofVerification),
    /// Attested validator registration or deregistration.
    #[prost(message, tag = "1007")]
    Attestation(Attestation),
    /// DDEX release, opaque.
    #[prost(bytes = "bytes", tag = "1008")]
    Release(Bytes),
    /// Reward message, opaque: two incompatible shapes share the tag.
    #[prost(bytes = "bytes", tag = "1009")]
    Reward(Bytes),
    /// File upload, opaque.
    #[prost(bytes = "bytes", tag = "1010")]
    FileUpload(Bytes),
    /// Reward pool message, opaque.
    #[prost(bytes = "bytes", tag = "1011")]
    RewardPool(Bytes),
    /// Entity call of the genesis of a new chain, with the fields of a live one.
    #[prost(message, tag = "1012")]
    ManageEntityMigration(ManageEntityLegacy),
}

/// `core.v1.TrackPlays`.
#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
#[serde(default)]
pub struct TrackPlays {
    /// The plays.
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "or_default")]
    pub plays: Vec<TrackPlay>,
}

/// `core.v1.TrackPlay`.
#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TrackPlay {
    /// Decimal user id, wallet, UUID or any text.
    #[prost(string, tag = "1")]
    #[serde(alias = "user_id", deserialize_with = "or_default")]
    pub user_id: String,
    /// Track id text.
    #[prost(string, tag = "2")]
    #[serde(alias = "track_id", deserialize_with = "or_default")]
    pub track_id: String,
    /// Time of the play.
    #[prost(message, optional, tag = "3")]
    #[serde(with = "time_form")]
    pub timestamp: Option<Timestamp>,
    /// Signature; plays of one batch share it.
    #[prost(string, tag = "4")]
    #[serde(deserialize_with = "or_default")]
    pub signature: String,
    /// City, possibly empty.
    #[prost(string, tag = "5")]
    #[serde(deserialize_with = "or_default")]
    pub city: String,
    /// Region, possibly empty.
    #[prost(string, tag = "6")]
    #[serde(deserialize_with = "or_default")]
    pub region: String,
    /// Country, possibly empty.
    #[prost(string, tag = "7")]
    #[serde(deserialize_with = "or_default")]
    pub country: String,
}

/// `core.v1.ManageEntityLegacy`, and `core.v1.ManageEntityLegacyMigration`, which has the same fields.
#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ManageEntityLegacy {
    /// Acting user.
    #[prost(int64, tag = "1")]
    #[serde(alias = "user_id", with = "int_form")]
    pub user_id: i64,
    /// Entity type.
    #[prost(string, tag = "2")]
    #[serde(alias = "entity_type", deserialize_with = "or_default")]
    pub entity_type: String,
    /// Entity id.
    #[prost(int64, tag = "3")]
    #[serde(alias = "entity_id", with = "int_form")]
    pub entity_id: i64,
    /// Action.
    #[prost(string, tag = "4")]
    #[serde(deserialize_with = "or_default")]
    pub action: String,
    /// Metadata text, usually JSON.
    #[prost(string, tag = "5")]
    #[serde(deserialize_with = "or_default")]
    pub metadata: String,
    /// EIP-712 signature, `0x` and 65 bytes in hex.
    #[prost(string, tag = "6")]
    #[serde(deserialize_with = "or_default")]
    pub signature: String,
    /// Signer as the first node recovered it.
    #[prost(string, tag = "7")]
    #[serde(deserialize_with = "or_default")]
    pub signer: String,
    /// Nonce, `0x` and 32 bytes in hex.
    #[prost(string, tag = "8")]
    #[serde(deserialize_with = "or_default")]
    pub nonce: String,
}

/// `core.v1.ValidatorRegistrationLegacy`.
#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ValidatorRegistrationLegacy {
    /// Node endpoint.
    #[prost(string, tag = "1")]
    #[serde(deserialize_with = "or_default")]
    pub endpoint: String,
    /// Comet address.
    #[prost(string, tag = "2")]
    #[serde(alias = "comet_address", deserialize_with = "or_default")]
    pub comet_address: String,
    /// Ethereum block as text.
    #[prost(string, tag = "3")]
    #[serde(alias = "eth_block", deserialize_with = "or_default")]
    pub eth_block: String,
    /// Node type.
    #[prost(string, tag = "4")]
    #[serde(alias = "node_type", deserialize_with = "or_default")]
    pub node_type: String,
    /// Service provider id.
    #[prost(string, tag = "5")]
    #[serde(alias = "sp_id", deserialize_with = "or_default")]
    pub sp_id: String,
    /// Public key.
    #[prost(bytes = "vec", tag = "6")]
    #[serde(alias = "pub_key", with = "bytes_form")]
    pub pub_key: Vec<u8>,
    /// Voting power.
    #[prost(int64, tag = "7")]
    #[serde(with = "int_form")]
    pub power: i64,
}

/// `core.v1.SlaRollup`.
#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SlaRollup {
    /// Time of the report.
    #[prost(message, optional, tag = "1")]
    #[serde(with = "time_form")]
    pub timestamp: Option<Timestamp>,
    /// First height.
    #[prost(int64, tag = "2")]
    #[serde(alias = "block_start", with = "int_form")]
    pub block_start: i64,
    /// Last height.
    #[prost(int64, tag = "3")]
    #[serde(alias = "block_end", with = "int_form")]
    pub block_end: i64,
    /// One per validator.
    #[prost(message, repeated, tag = "4")]
    #[serde(deserialize_with = "or_default")]
    pub reports: Vec<SlaNodeReport>,
}

/// `core.v1.SlaNodeReport`.
#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SlaNodeReport {
    /// Comet address, upper-case hex.
    #[prost(string, tag = "1")]
    #[serde(deserialize_with = "or_default")]
    pub address: String,
    /// Blocks proposed in the range.
    #[prost(int32, tag = "2")]
    #[serde(alias = "num_blocks_proposed", with = "int_form")]
    pub num_blocks_proposed: i32,
}

/// `core.v1.ValidatorMisbehaviorDeregistration`.
#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ValidatorMisbehaviorDeregistration {
    /// Comet address.
    #[prost(string, tag = "1")]
    #[serde(alias = "comet_address", deserialize_with = "or_default")]
    pub comet_address: String,
    /// Public key.
    #[prost(bytes = "vec", tag = "2")]
    #[serde(alias = "pub_key", with = "bytes_form")]
    pub pub_key: Vec<u8>,
}

/// `core.v1.StorageProof`.
#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct StorageProof {
    /// Challenge height.
    #[prost(int64, tag = "1")]
    #[serde(with = "int_form")]
    pub height: i64,
    /// Prover's comet address.
    #[prost(string, tag = "2")]
    #[serde(deserialize_with = "or_default")]
    pub address: String,
    /// Expected provers.
    #[prost(string, repeated, tag = "3")]
    #[serde(alias = "prover_addresses", deserialize_with = "or_default")]
    pub prover_addresses: Vec<String>,
    /// The file.
    #[prost(string, tag = "4")]
    #[serde(deserialize_with = "or_default")]
    pub cid: String,
    /// ed25519 signature.
    #[prost(bytes = "vec", tag = "5")]
    #[serde(alias = "proof_signature", with = "bytes_form")]
    pub proof_signature: Vec<u8>,
}

/// `core.v1.StorageProofVerification`.
#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
#[serde(default)]
pub struct StorageProofVerification {
    /// Challenge height.
    #[prost(int64, tag = "1")]
    #[serde(with = "int_form")]
    pub height: i64,
    /// The proof.
    #[prost(bytes = "vec", tag = "2")]
    #[serde(with = "bytes_form")]
    pub proof: Vec<u8>,
}

/// `core.v1.Attestation`.
#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
#[serde(default)]
pub struct Attestation {
    /// Signatures of the attesting validators.
    #[prost(string, repeated, tag = "1")]
    #[serde(deserialize_with = "or_default")]
    pub signatures: Vec<String>,
    /// What is attested.
    #[prost(oneof = "AttestationBody", tags = "1000, 1001")]
    #[serde(flatten)]
    pub body: Option<AttestationBody>,
}

/// The oneof of [`Attestation`].
#[derive(Clone, PartialEq, prost::Oneof, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AttestationBody {
    /// Registration.
    #[prost(message, tag = "1000")]
    #[serde(alias = "validator_registration")]
    ValidatorRegistration(ValidatorRegistration),
    /// Deregistration.
    #[prost(message, tag = "1001")]
    #[serde(alias = "validator_deregistration")]
    ValidatorDeregistration(ValidatorDeregistration),
}

/// `core.v1.ValidatorRegistration`.
#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ValidatorRegistration {
    /// Delegate owner wallet.
    #[prost(string, tag = "1")]
    #[serde(alias = "delegate_wallet", deserialize_with = "or_default")]
    pub delegate_wallet: String,
    /// Node endpoint.
    #[prost(string, tag = "2")]
    #[serde(deserialize_with = "or_default")]
    pub endpoint: String,
    /// Node type.
    #[prost(string, tag = "3")]
    #[serde(alias = "node_type", deserialize_with = "or_default")]
    pub node_type: String,
    /// Service provider id.
    #[prost(string, tag = "4")]
    #[serde(alias = "sp_id", deserialize_with = "or_default")]
    pub sp_id: String,
    /// Ethereum block.
    #[prost(int64, tag = "5")]
    #[serde(alias = "eth_block", with = "int_form")]
    pub eth_block: i64,
    /// Comet address.
    #[prost(string, tag = "6")]
    #[serde(alias = "comet_address", deserialize_with = "or_default")]
    pub comet_address: String,
    /// ed25519 public key.
    #[prost(bytes = "vec", tag = "7")]
    #[serde(alias = "pub_key", with = "bytes_form")]
    pub pub_key: Vec<u8>,
    /// Voting power.
    #[prost(int64, tag = "8")]
    #[serde(with = "int_form")]
    pub power: i64,
    /// Height until which it may be included.
    #[prost(int64, tag = "9")]
    #[serde(with = "int_form")]
    pub deadline: i64,
}

/// `core.v1.ValidatorDeregistration`.
#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ValidatorDeregistration {
    /// Comet address.
    #[prost(string, tag = "1")]
    #[serde(alias = "comet_address", deserialize_with = "or_default")]
    pub comet_address: String,
    /// ed25519 public key.
    #[prost(bytes = "vec", tag = "2")]
    #[serde(alias = "pub_key", with = "bytes_form")]
    pub pub_key: Vec<u8>,
    /// Height until which it may be included.
    #[prost(int64, tag = "3")]
    #[serde(with = "int_form")]
    pub deadline: i64,
    /// True deletes the validator, false jails it.
    #[prost(bool, tag = "4")]
    #[serde(deserialize_with = "or_default")]
    pub remove: bool,
}

/// An empty request.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct Empty {}

/// Answer of `GetNodeInfo`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct NodeInfo {
    /// Chain id.
    #[prost(string, tag = "1")]
    pub chain_id: String,
    /// Whether the node has caught up.
    #[prost(bool, tag = "2")]
    pub synced: bool,
    /// Head; 0 until the node knows it.
    #[prost(int64, tag = "5")]
    pub current_height: i64,
}

/// Request of `GetBlock`.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct GetBlockRequest {
    /// Wanted height.
    #[prost(int64, tag = "1")]
    pub height: i64,
}

/// Answer of `GetBlock`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct GetBlockResponse {
    /// The block; height -1 where there is none yet.
    #[prost(message, optional, tag = "1")]
    pub block: Option<Block>,
    /// Head; 0 means unknown.
    #[prost(int64, tag = "2")]
    pub current_height: i64,
}

/// Request of `GetBlocks`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct GetBlocksRequest {
    /// Wanted heights, at most 500.
    #[prost(int64, repeated, tag = "1")]
    pub height: Vec<i64>,
}

/// Answer of `GetBlocks`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct GetBlocksResponse {
    /// The blocks the node has.
    #[prost(hash_map = "int64, message", tag = "1")]
    pub blocks: std::collections::HashMap<i64, Block>,
    /// Head; 0 means unknown.
    #[prost(int64, tag = "2")]
    pub current_height: i64,
}

/// Request of `StreamBlocks`.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct StreamBlocksRequest {
    /// True asks for the order of the chain instead of the sorted one.
    #[prost(bool, tag = "1")]
    pub canon: bool,
    /// First height wanted. Older servers ignore it and send the live tail.
    #[prost(int64, tag = "2")]
    pub start_height: i64,
}

/// Element of `StreamBlocks`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct StreamBlocksResponse {
    /// The block.
    #[prost(message, optional, tag = "1")]
    pub block: Option<Block>,
}

impl SignedTransaction {
    /// A transaction that carries `payload`; its outer signature is the inner one of an entity call.
    pub fn carrying(payload: Payload) -> Self {
        let signature = match &payload {
            Payload::ManageEntity(call) => call.signature.clone(),
            _ => String::new(),
        };
        Self { signature, request_id: String::new(), payload: Some(payload) }
    }
}

impl Transaction {
    /// The transaction that includes `encoded` (a [`SignedTransaction`]), under its real hash.
    pub fn including(encoded: Bytes) -> Self {
        Self { hash: transaction_hash(&encoded), transaction: Some(encoded), ..Self::default() }
    }
}

/// The hash of a transaction: SHA-256 of its bytes as included in the block, upper-case hex.
pub fn transaction_hash(encoded: &[u8]) -> String {
    alloy::hex::encode_upper(Sha256::digest(encoded))
}
