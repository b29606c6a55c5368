//! A chain in memory to test this wing on: users sign with the wallet `0xu<id>`.

use std::sync::Arc;

use super::{Etl, Settings};
use crate::{
    eras::{BlockResult, Derive, Era as _, Numbering, Outcome},
    model::{
        Block, EntityTx, Json, Recorded, Shape, Timestamp, Tx, TxBody,
        table::{Record, Row, downcast},
        tables::TableId,
        value::Value,
    },
    store::{Store, memory::MemoryDatabase},
};

/// Time of block 0.
pub(super) const START: Timestamp = Timestamp::from_seconds(1_780_000_000);

/// A store over a database in memory, and the number of the last block.
pub(super) struct Sandbox {
    store: Store,
    database: MemoryDatabase,
    numbering: Numbering,
    era: Etl,
    height: i64,
    recorded: Recorded,
    /// Signs the calls in place of the acting users' wallets.
    signer: Option<String>,
}

/// A call: `(user, action, entity type, entity id, metadata)`.
pub(super) type Sent<'a> = (i64, &'a str, &'a str, i64, &'a str);

impl Sandbox {
    /// A database with these rows; nothing is derived.
    pub(super) fn new(rows: impl IntoIterator<Item = Row>) -> Self {
        Self::with(rows, Derive::Elsewhere, Shape::default())
    }

    /// A database with these rows, and counters, milestones and notifications derived.
    pub(super) fn deriving(rows: impl IntoIterator<Item = Row>) -> Self {
        Self::with(rows, Derive::Here, Shape::default())
    }

    /// A database with these rows and columns of this shape.
    pub(super) fn with(rows: impl IntoIterator<Item = Row>, derive: Derive, shape: Shape) -> Self {
        let mut database = MemoryDatabase::default();
        rows.into_iter().for_each(|row| database.insert(row));
        let settings = Settings {
            verifier_address: "0xverifier".into(),
            derive,
            plays: true,
            shape: Arc::new(shape),
        };
        Self {
            store: Store::default(),
            database,
            numbering: Numbering::default(),
            era: Etl::new(settings),
            height: 0,
            recorded: Recorded::InFull,
            signer: None,
        }
    }

    /// Takes it that the database has no rows of these tables but those that the chain writes, so that
    /// no block runs again for a row that is not there.
    pub(super) fn begin_empty(&mut self, tables: &[TableId]) {
        self.store.begin_empty(tables);
    }

    /// Has the calls from now on signed by `signer`, or by their users' wallets again.
    pub(super) fn sign_as(&mut self, signer: Option<&str>) {
        self.signer = signer.map(str::to_owned);
    }

    /// Applies one call as a block.
    pub(super) fn call(&mut self, call: Sent<'_>) -> Outcome {
        self.block(&[call]).remove(0)
    }

    /// Applies a block of calls; the hash of a call is `<height>/<position>`.
    pub(super) fn block(&mut self, calls: &[Sent<'_>]) -> Vec<Outcome> {
        self.height += 1;
        let bodies = calls
            .iter()
            .enumerate()
            .map(|(index, call)| TxBody::ManageEntity(Box::new(self.tx(index, *call))))
            .collect();
        self.apply(bodies).outcomes.into_iter().map(|(_, outcome)| outcome).collect()
    }

    /// How much is recorded of the last call of the last block.
    pub(super) const fn recorded(&self) -> Recorded {
        self.recorded
    }

    /// Applies a block of transactions of any type.
    pub(super) fn transactions(&mut self, bodies: Vec<TxBody>) -> BlockResult {
        self.height += 1;
        self.apply(bodies)
    }

    /// A call as the transaction at `index` of the block at hand.
    pub(super) fn tx(
        &self,
        index: usize,
        (user_id, action, entity, entity_id, metadata): Sent<'_>,
    ) -> EntityTx {
        let parsed = (!metadata.is_empty()).then(|| Json::parse_flagged(metadata));
        let lone_surrogate = matches!(parsed, Some(Ok((_, true))));
        EntityTx {
            hash: format!("{}/{index}", self.height),
            user_id,
            entity_type: entity.into(),
            entity_id,
            action: action.into(),
            metadata: metadata.into(),
            json: parsed.map(|parsed| parsed.map(|(json, _)| json)),
            lone_surrogate,
            signature: String::new(),
            signer: self.signer.clone().unwrap_or_else(|| format!("0xU{user_id}")),
            nonce: String::new(),
        }
    }

    /// The stored rows of a table.
    pub(super) fn rows<R: Record>(&self) -> Vec<R> {
        self.database
            .table(R::TABLE)
            .filter_map(|row| downcast::<R>(row).map(|row| (*row).clone()))
            .collect()
    }

    fn apply(&mut self, bodies: Vec<TxBody>) -> BlockResult {
        let txs = bodies.into_iter().enumerate().map(|(index, body)| Tx {
            hash: format!("{}/{index}", self.height),
            index: i32::try_from(index).unwrap(),
            body,
        });
        let block = Block {
            chain_id: "test".into(),
            height: self.height,
            hash: format!("block {}", self.height),
            proposer: String::new(),
            time: Timestamp::from_seconds(START.seconds() + self.height),
            size: 0,
            txs: txs.collect(),
        };
        // What is named beforehand is loaded together, also what it leads to.
        let mut positions: Vec<_> = (0..block.txs.len()).collect();
        for _ in 0..2 {
            positions = self.era.wants(&block, positions, &mut self.store);
            self.database.answer(&mut self.store);
        }
        loop {
            let mut numbering = self.numbering.clone();
            let result = self.era.apply(&block, &mut numbering, &mut self.store, 1);
            if !result.incomplete {
                self.database.apply(&result.changes);
                self.numbering = numbering;
                let exceptions = &result.provenance.exceptions;
                let last = exceptions.iter().find(|(position, _)| position + 1 == block.txs.len());
                self.recorded = last.map_or(Recorded::InFull, |(_, how)| *how);
                return result;
            }
            self.store.undo(&result.changes);
            self.database.answer(&mut self.store);
        }
    }
}

/// A row of a table with the given columns; the others have their defaults.
pub(super) fn row(table: TableId, columns: &[(&str, Value)]) -> Row {
    let def = table.def();
    let values = def.columns.iter().map(|column| {
        let given = columns.iter().find(|(name, _)| *name == column.name);
        given.map_or(Value::Null, |(_, value)| value.clone())
    });
    let row = (def.decode)(values.collect()).unwrap();
    row.with_defaults().unwrap_or(row)
}

/// A stored user.
pub(super) fn user(id: i64) -> Row {
    row(
        TableId::Users,
        &[
            ("user_id", Value::Int(id)),
            ("wallet", Value::Text(format!("0xu{id}"))),
            ("handle", Value::Text(format!("User{id}"))),
            ("handle_lc", Value::Text(format!("user{id}"))),
            ("is_current", Value::Bool(true)),
            ("is_deactivated", Value::Bool(false)),
            ("created_at", Value::Time(START)),
            ("updated_at", Value::Time(START)),
            ("txhash", Value::Text(String::new())),
        ],
    )
}

/// A stored public track.
pub(super) fn track(id: i64, owner: i64) -> Row {
    row(
        TableId::Tracks,
        &[
            ("track_id", Value::Int(id)),
            ("owner_id", Value::Int(owner)),
            ("is_current", Value::Bool(true)),
            ("is_delete", Value::Bool(false)),
            ("is_unlisted", Value::Bool(false)),
            ("is_available", Value::Bool(true)),
            ("created_at", Value::Time(START)),
            ("updated_at", Value::Time(START)),
            ("txhash", Value::Text(String::new())),
        ],
    )
}

/// The code of a call that was not applied.
pub(super) fn code(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Rejected(reason)
        | Outcome::Skipped(reason)
        | Outcome::Poisoned(reason)
        | Outcome::Failed(reason) => reason.code,
        Outcome::Applied => "applied",
        Outcome::Unrouted => "unrouted",
        Outcome::Missing => "missing",
    }
}
