//! Chain-level rows that need more than an append.

use crate::model::{
    Timestamp,
    table::{ColumnDefault, LookupPart, record},
    tables::ENUM_ETL_PROOF_STATUS,
    value::ColumnType,
};

record! {
    /// A validator and its state.
    Validator in "etl_validators", id Validators, key [endpoint],
    current_only false, archived false,
    by ValidatorBy {
        /// Validators by CometBFT address.
        CometAddress [LookupPart::Column("comet_address")],
    }
    {
        address: String => ColumnType::Text;
        endpoint: String => ColumnType::Text;
        comet_address: String => ColumnType::Text;
        node_type: String => ColumnType::Text;
        spid: String => ColumnType::Text;
        voting_power: i64 => ColumnType::Int8;
        status: String => ColumnType::Text;
        registered_at: i64 => ColumnType::Int8;
        deregistered_at: Option<i64> => ColumnType::Int8;
        created_at: Timestamp => ColumnType::Timestamp;
        updated_at: Timestamp => ColumnType::Timestamp;
    }
}

record! {
    /// A proof of storage and its outcome.
    StorageProofRow in "etl_storage_proofs", id StorageProofs, key [height, address],
    current_only false, archived false,
    by StorageProofRowBy {
        /// Proofs of one challenge height.
        Height [LookupPart::Column("height")],
    }
    {
        height: i64 => ColumnType::Int8;
        address: String => ColumnType::Text;
        prover_addresses: Vec<String> => ColumnType::TextArray;
        cid: String => ColumnType::Text;
        proof_signature: Option<Vec<u8>> => ColumnType::Bytes;
        proof: Option<Vec<u8>> => ColumnType::Bytes;
        status: Option<String> => ENUM_ETL_PROOF_STATUS, default ColumnDefault::Label("unresolved");
        block_height: i64 => ColumnType::Int8;
        tx_hash: String => ColumnType::Text;
        created_at: Timestamp => ColumnType::Timestamp;
    }
}

record! {
    /// An address and where it was first seen.
    Address in "etl_addresses", id Addresses, key [address],
    current_only false, archived false,
    by AddressBy {
    }
    {
        address: String => ColumnType::Text;
        pub_key: Option<Vec<u8>> => ColumnType::Bytes;
        first_seen_block_height: Option<i64> => ColumnType::Int8;
        created_at: Timestamp => ColumnType::Timestamp;
    }
}

record! {
    /// A block of the sequence that entity rows are numbered by; read by its hash, never written
    /// from here.
    ChainBlock in "blocks", id ChainBlocks, key [blockhash],
    current_only false, archived false,
    by ChainBlockBy {
    }
    {
        blockhash: String => ColumnType::Text;
        number: Option<i64> => ColumnType::Int4;
    }
}
