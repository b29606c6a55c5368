//! A chain in memory to test handlers on: users sign with the wallet `0xu<id>`.

use std::sync::Arc;

use super::{BlockContext, Derive, Environment, Outcome, block};
use crate::{
    eras::BlockResult,
    model::{
        Block, EntityTx, Json, Provenance, Timestamp, Tx, TxBody,
        table::{Record, Row, downcast},
        tables::{TableId, User},
        value::Value,
    },
    store::{Store, memory::MemoryDatabase},
};

/// Time of block 0.
const START: Timestamp = Timestamp::from_seconds(1_700_000_000);

/// A store over a database in memory, and the number of the last block.
pub(super) struct Sandbox {
    store: Store,
    database: MemoryDatabase,
    number: i64,
    /// Signs the calls in place of the acting users' wallets.
    signer: Option<String>,
    derive: Derive,
    lowers_eth_wallets: bool,
}

/// A call: `(user, action, entity type, entity id, metadata)`.
pub(super) type Sent<'a> = (i64, &'a str, &'a str, i64, &'a str);

impl Sandbox {
    /// A database with these rows.
    pub(super) fn new(rows: impl IntoIterator<Item = Row>) -> Self {
        let mut database = MemoryDatabase::default();
        rows.into_iter().for_each(|row| database.insert(row));
        Self {
            store: Store::default(),
            database,
            number: 0,
            signer: None,
            derive: Derive::Elsewhere,
            lowers_eth_wallets: false,
        }
    }

    /// The same on a database that keeps Ethereum's wallets in lower case.
    pub(super) fn lowering(self) -> Self {
        Self { lowers_eth_wallets: true, ..self }
    }

    /// The same with counters, milestones and notifications derived.
    pub(super) fn deriving(self) -> Self {
        Self { derive: Derive::Here, ..self }
    }

    /// Applies a block of calls; the hash of a call is `<block number>/<position>`.
    pub(super) fn block(&mut self, calls: &[Sent<'_>]) -> Vec<Outcome> {
        self.number += 1;
        let calls = calls.iter().enumerate();
        let bodies =
            calls.map(|(index, call)| TxBody::ManageEntity(Box::new(self.tx(index, *call))));
        let result = self.apply(bodies.collect());
        result.outcomes.into_iter().map(|(_, outcome)| outcome).collect()
    }

    /// Applies a block of transactions of any type.
    pub(super) fn transactions(&mut self, bodies: Vec<TxBody>) -> BlockResult {
        self.number += 1;
        self.apply(bodies)
    }

    /// Applies the block at the current number.
    fn apply(&mut self, bodies: Vec<TxBody>) -> BlockResult {
        let time = Timestamp::from_seconds(START.seconds() + self.number);
        let txs = bodies.into_iter().enumerate().map(|(index, body)| Tx {
            hash: format!("{}/{index}", self.number),
            index: i32::try_from(index).unwrap(),
            body,
        });
        let block = Block {
            chain_id: "test".into(),
            height: self.number,
            hash: format!("block {}", self.number),
            proposer: String::new(),
            time,
            size: 0,
            txs: txs.collect(),
        };
        let context = BlockContext {
            number: self.number,
            height: self.number,
            hash: block.hash.clone(),
            time,
            clock: time,
        };
        let env = Environment {
            verifier_address: "0xverifier".into(),
            comment_karma_threshold: 100,
            database_now: START,
            clock: None,
            accepted_wallet_signatures: vec!["accepted".to_owned()],
            lowers_eth_wallets: self.lowers_eth_wallets,
            derive: self.derive,
        };
        loop {
            let result =
                block::apply(&mut self.store, &block, &context, &env, Provenance::default(), 1);
            if !result.incomplete {
                self.database.apply(&result.changes);
                return result;
            }
            self.store.undo(&result.changes);
            self.database.answer(&mut self.store);
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

    /// A call as the body of a transaction.
    pub(super) fn tx_of(&self, call: Sent<'_>) -> TxBody {
        TxBody::ManageEntity(Box::new(self.tx(0, call)))
    }

    /// The stored rows of a table.
    pub(super) fn rows<R: Record>(&self) -> Vec<R> {
        self.database
            .table(R::TABLE)
            .filter_map(|row| downcast::<R>(row).map(|row| (*row).clone()))
            .collect()
    }

    fn tx(
        &self,
        index: usize,
        (user_id, action, entity, entity_id, metadata): Sent<'_>,
    ) -> EntityTx {
        EntityTx {
            hash: format!("{}/{index}", self.number),
            user_id,
            entity_type: entity.into(),
            entity_id,
            action: action.into(),
            metadata: metadata.into(),
            json: (!metadata.is_empty()).then(|| Json::parse(metadata)),
            lone_surrogate: false,
            signature: String::new(),
            signer: self.signer.clone().unwrap_or_else(|| format!("0xU{user_id}")),
            nonce: String::new(),
        }
    }
}

/// A row of a table with the given columns; the others are NULL.
pub(super) fn row(table: TableId, columns: &[(&str, Value)]) -> Row {
    let def = table.def();
    let values = def.columns.iter().map(|column| {
        let given = columns.iter().find(|(name, _)| *name == column.name);
        given.map_or(Value::Null, |(_, value)| value.clone())
    });
    (def.decode)(values.collect()).unwrap()
}

/// A stored user.
pub(super) fn user(id: i64) -> Row {
    row(
        TableId::Users,
        &[
            ("user_id", Value::Int(id)),
            ("wallet", Value::Text(format!("0xu{id}"))),
            ("is_current", Value::Bool(true)),
            ("created_at", Value::Time(START)),
            ("updated_at", Value::Time(START)),
            ("txhash", Value::Text(String::new())),
        ],
    )
}

/// A stored user with a handle.
pub(super) fn artist(id: i64) -> Row {
    let user = downcast::<User>(&user(id)).expect("it is a user");
    Arc::new(User { handle: Some(format!("User{id}")), ..(*user).clone() })
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
            ("created_at", Value::Time(START)),
            ("updated_at", Value::Time(START)),
            ("txhash", Value::Text(String::new())),
        ],
    )
}

/// The code of a reject, a skip or a poison.
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
