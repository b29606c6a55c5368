//! Stage 2, DECODE: what a source read to a [`Block`] with typed transactions. Pure and synchronous.
//!
//! A block that is no block is an error. A transaction of the chain is never one: what this build
//! does not know or can't read is kept as such and counted, because the chain holds it either way.
//! Only bytes of an archive that are no transaction and don't have the hash they are filed under
//! are taken for a corrupt archive.

mod envelope;
mod error;
mod order;
mod pool;
pub mod signer;

use prost::Message;
use prost::bytes::Bytes;

use crate::chain::core_json::{self, JsonBlock, JsonTransaction};
use crate::chain::{Origin, RawBlock, RawBody, core_pb};
use crate::model::{Block, Json, Tx, TxBody};

pub use error::Error;
pub use order::settle;
pub use pool::{Decoded, Pool};

use envelope::Opened;
use order::OrderKey;

/// How blocks are decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeOptions {
    /// Sort the transactions of blocks that came from a node into the fixed order. Blocks of
    /// archives keep the recorded order in any case.
    pub resort: bool,
}

impl Default for DecodeOptions {
    fn default() -> Self {
        Self { resort: true }
    }
}

/// Decodes one block.
///
/// # Errors
/// Bytes that are not a block, or a block without height or hash.
pub fn decode_block(raw: RawBlock, options: &DecodeOptions) -> Result<Block, Error> {
    let size = raw.size();
    let RawBlock { height, body, origin } = raw;
    let resort = options.resort && origin.is_live();
    let mut draft = match body {
        RawBody::Message(message) => Draft::of_message(message),
        RawBody::Proto(bytes) => {
            Draft::of_message(core_pb::Block::decode(bytes).map_err(|source| Error::Proto {
                origin: origin.clone(),
                height,
                source,
            })?)
        }
        RawBody::Json(bytes) => {
            Draft::of_json(core_json::parse::<JsonBlock>(&bytes).map_err(|error| Error::Json {
                origin: origin.clone(),
                height,
                tx: tx_of_path(&error.path),
                field: error.path,
                source: error.error,
            })?)
        }
    };
    draft.check(origin)?;
    if resort {
        draft.txs.sort_by_key(|tx| tx.key);
    }
    Ok(draft.into_block(size))
}

/// Parses metadata that was forgotten ([`Block::forget_parsed`]).
pub fn parse_again(block: &mut Block) {
    for tx in &mut block.txs {
        if let TxBody::ManageEntity(call) | TxBody::ManageEntityMigration(call) = &mut tx.body {
            call.json = (!call.metadata.is_empty()).then(|| Json::parse(&call.metadata));
        }
    }
}

/// A block on its way, its transactions with the keys that order them.
struct Draft {
    block: Block,
    txs: Vec<DraftTx>,
}

struct DraftTx {
    hash: String,
    key: OrderKey,
    body: TxBody,
    /// Bytes that are no transaction and have another hash than the one they are filed under.
    corrupt: bool,
}

impl Draft {
    fn of_message(message: core_pb::Block) -> Self {
        let txs = message.transactions.into_iter().map(DraftTx::of_proto).collect();
        let header = Header {
            chain_id: message.chain_id,
            height: message.height,
            hash: message.hash,
            proposer: message.proposer,
            timestamp: message.timestamp,
        };
        Self { block: header.into_block(), txs }
    }

    fn of_json(json: JsonBlock) -> Self {
        let txs = json.transactions.into_iter().map(DraftTx::of_json).collect();
        let header = Header {
            chain_id: json.chain_id,
            height: json.height,
            hash: json.hash,
            proposer: json.proposer,
            timestamp: json.timestamp,
        };
        Self { block: header.into_block(), txs }
    }

    fn check(&self, origin: Origin) -> Result<(), Error> {
        let height = self.block.height;
        let tx_where = |fault: fn(&DraftTx) -> bool| self.txs.iter().position(fault);
        let (tx, field, problem) = if height < 1 {
            (None, "height", "is missing")
        } else if self.block.hash.is_empty() {
            (None, "hash", "is missing")
        } else if let Some(nameless) = tx_where(DraftTx::lacks_hash) {
            (Some(nameless), "hash", "is missing")
        } else if let Some(corrupt) = tx_where(|tx| tx.corrupt).filter(|_| !origin.is_live()) {
            (Some(corrupt), "transaction", "is corrupt: neither readable nor what its hash says")
        } else {
            return Ok(());
        };
        Err(Error::Field { origin, height, tx, field, problem })
    }

    fn into_block(self, size: usize) -> Block {
        let txs = (0..)
            .zip(self.txs)
            .map(|(index, tx)| Tx { hash: tx.hash, index, body: tx.body })
            .collect();
        Block { txs, size, ..self.block }
    }
}

impl DraftTx {
    fn of_proto(tx: core_pb::Transaction) -> Self {
        match tx.transaction {
            Some(bytes) => Self::of_bytes(tx.hash, &bytes),
            None => Self::of_opened(tx.hash, Opened::nothing()),
        }
    }

    fn of_json(tx: JsonTransaction) -> Self {
        match (tx.raw_transaction, tx.transaction) {
            (Some(bytes), _) => Self::of_bytes(tx.hash, &bytes),
            (None, Some(signed)) => {
                let opened = envelope::open_json(&tx.hash, signed);
                Self::of_opened(tx.hash, opened)
            }
            (None, None) => Self::of_opened(tx.hash, Opened::nothing()),
        }
    }

    fn of_bytes(hash: String, bytes: &Bytes) -> Self {
        let mut tx = Self::of_opened(String::new(), envelope::open_proto(&hash, bytes));
        tx.corrupt = matches!(tx.body, TxBody::Malformed(_))
            && !core_pb::transaction_hash(bytes).eq_ignore_ascii_case(&hash);
        Self { hash, ..tx }
    }

    /// An element without a transaction may lack a hash, too; nothing of it is stored then.
    const fn lacks_hash(&self) -> bool {
        self.hash.is_empty() && !matches!(self.body, TxBody::Malformed(_))
    }

    fn of_opened(hash: String, opened: Opened) -> Self {
        let key = OrderKey::of(&opened.body, &opened.outer_signature);
        Self { hash, key, body: opened.body, corrupt: false }
    }
}

struct Header {
    chain_id: String,
    height: i64,
    hash: String,
    proposer: String,
    timestamp: Option<prost_types::Timestamp>,
}

impl Header {
    fn into_block(mut self) -> Block {
        self.hash.make_ascii_lowercase();
        self.proposer.make_ascii_lowercase();
        Block {
            chain_id: self.chain_id,
            height: self.height,
            hash: self.hash,
            proposer: self.proposer,
            time: envelope::timestamp(self.timestamp),
            txs: Vec::new(),
            size: 0,
        }
    }
}

/// The index in a path like `transactions[3].transaction.plays`.
fn tx_of_path(path: &str) -> Option<usize> {
    path.strip_prefix("transactions[")?.split_once(']')?.0.parse().ok()
}
