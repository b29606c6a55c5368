//! The writer and the loader against a real PostgreSQL.

mod drift;
mod faults;
mod in_place;
mod load;
mod raw;
mod rollback;
mod values;

use std::sync::Arc;

use audius_etl::{
    model::{
        Block, EntityTx, PlayRow, Provenance, Timestamp, Tx, TxBody,
        block::Play,
        key::{Key, KeyPart},
        table::{Row, TableDef},
        tables::TableId,
        value::Value,
    },
    store::{Change, Layer, LoadRequest, Store},
    writer::{Checkpoint, Error, PostgresConfig, PostgresSink, Run, Sink, Written, WrittenBlock},
};

use crate::support::db::TestDb;

const CHAIN: &str = "test-chain";

/// A database with a writer on it, and the store whose changes it writes.
struct Desk {
    db: TestDb,
    sink: PostgresSink,
    store: Store,
    next: u64,
}

impl Desk {
    async fn new() -> Self {
        Self::on(TestDb::new().await).await
    }

    /// On a database that is not as the migrations make it.
    async fn on(db: TestDb) -> Self {
        let sink = open(&db).await.unwrap();
        Self { db, sink, store: Store::default(), next: 1 }
    }

    /// Folds rows into the store, as a block would, and returns the block to write.
    fn block(&mut self, rows: &[(TableId, Row)], txs: Vec<Tx>) -> WrittenBlock {
        let rows: Vec<_> = rows.iter().map(|(table, row)| (*table, key(row), Some(row))).collect();
        for (table, key, row) in &rows {
            self.know(*table, key);
            self.store.write(*table, Layer::View, key.clone(), row.cloned()).unwrap();
        }
        self.finish(txs)
    }

    /// Removes rows in a block.
    fn removal(&mut self, rows: &[(TableId, Row)]) -> WrittenBlock {
        for (table, row) in rows {
            self.know(*table, &key(row));
            self.store.write(*table, Layer::View, key(row), None).unwrap();
        }
        self.finish(Vec::new())
    }

    fn finish(&mut self, txs: Vec<Tx>) -> WrittenBlock {
        let id = self.next;
        self.next += 1;
        written(id, txs, self.store.fold(id))
    }

    /// Adds a row beside others of its natural key to the block that is made next.
    fn add(&mut self, (table, row): (TableId, Row)) {
        let number = KeyPart::Int(i64::try_from(self.next).unwrap());
        let key = Key::from_parts(key(&row).parts().iter().cloned().chain([number]));
        self.store.append(table, key, row);
    }

    /// A key that was never seen is absent: these tests load nothing.
    fn know(&mut self, table: TableId, key: &Key) {
        if self.store.get(table, Layer::View, key).is_err() {
            let request = LoadRequest { table, lookup: None, keys: vec![key.clone()] };
            self.store.absorb(&request, Vec::new());
        }
        self.store.take_missing();
    }

    async fn write(&mut self, blocks: Vec<WrittenBlock>) -> Result<Written, Error> {
        self.sink.write(Arc::new(Run { blocks, ..Run::default() })).await
    }

    /// Every table as text, rows in order, without serial ids and bookkeeping.
    async fn dump(&self) -> String {
        dump(&self.db).await
    }
}

async fn open(db: &TestDb) -> Result<PostgresSink, Error> {
    PostgresSink::open(PostgresConfig::new(db.database().clone())).await
}

async fn dump(db: &TestDb) -> String {
    let tables = db
        .texts(
            "SELECT relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
             WHERE nspname = 'public' AND relkind = 'r' AND relname <> 'audius_etl_migrations'
                 AND relname NOT IN ('audius_etl_history', 'audius_etl_chains') ORDER BY 1",
        )
        .await;
    let rows_of = |table: &String| {
        format!("SELECT '{table} ' || (to_jsonb(t) - 'id')::text AS row FROM {table} t")
    };
    let all: Vec<_> = tables.iter().map(rows_of).collect();
    db.texts(&format!("{} ORDER BY row", all.join(" UNION ALL "))).await.join("\n")
}

fn key(row: &Row) -> Key {
    row.table().def().key_of(row.as_ref())
}

fn time(height: i64) -> Timestamp {
    Timestamp::from_micros(1_750_000_000_000_000 + height * 1_000_000 + 123_456)
}

/// A block whose height, number and checkpoint are all `id`.
fn written(id: u64, txs: Vec<Tx>, changes: Vec<Change>) -> WrittenBlock {
    let height = i64::try_from(id).unwrap();
    let hash = format!("{id:064x}");
    WrittenBlock {
        checkpoint: Checkpoint {
            id,
            chain: CHAIN.into(),
            height,
            block_hash: hash.clone(),
            block_time: time(height),
            em_block: Some(height),
        },
        block: Arc::new(Block {
            chain_id: CHAIN.into(),
            height,
            hash,
            proposer: "ab".into(),
            time: time(height),
            txs,
            size: 0,
        }),
        provenance: Provenance {
            em_block: Some(height),
            marks_current: true,
            parent_hash: (id > 1).then(|| format!("{:064x}", id - 1)),
            ..Provenance::default()
        },
        changes,
        statements: None,
        duplicates: Vec::new(),
        rollups: Vec::new(),
    }
}

/// Lists the plays of a block in `plays`; user and track are the ids in their texts, 0 without.
fn list_plays(block: &mut WrittenBlock, slot: i64) {
    let id = |text: &str| text.parse().ok();
    for (tx, body) in block.block.txs.iter().map(|tx| &tx.body).enumerate() {
        let TxBody::Plays(plays) = body else { continue };
        let rows = plays.iter().enumerate().map(|(play, of)| PlayRow {
            tx,
            play,
            user: id(&of.user_id),
            track: id(&of.track_id).unwrap_or(0),
            slot,
        });
        block.provenance.plays.extend(rows);
    }
}

fn tx(hash: &str, index: i32, body: TxBody) -> Tx {
    Tx { hash: hash.into(), index, body }
}

fn call(hash: &str, metadata: &str) -> TxBody {
    TxBody::ManageEntity(Box::new(EntityTx {
        hash: hash.into(),
        user_id: 1,
        entity_type: "Track".into(),
        entity_id: 2,
        action: "Create".into(),
        metadata: metadata.into(),
        json: None,
        lone_surrogate: false,
        signature: "0x1".into(),
        signer: "0xSigner".into(),
        nonce: "0x2".into(),
    }))
}

fn play(user: &str, track: &str) -> Play {
    Play {
        user_id: user.into(),
        track_id: track.into(),
        played_at: time(0),
        signature: "sig".into(),
        city: "Köln".into(),
        region: String::new(),
        country: "DE".into(),
    }
}

/// A row with the given columns. Columns that the database wants are filled in, others are NULL.
fn row(table: TableId, columns: &[(&str, Value)]) -> Row {
    let def: &TableDef = table.def();
    for (name, _) in columns {
        assert!(def.column(name).is_some(), "{}.{name}", def.name);
    }
    let values = def.columns.iter().map(|column| {
        let given = columns.iter().find(|(name, _)| *name == column.name);
        given.map_or(Value::Null, |(_, value)| value.clone())
    });
    (def.decode)(values.collect()).unwrap()
}

/// A row of `users`.
fn user(id: i64, wallet: &str, block: i64) -> (TableId, Row) {
    let row = row(
        TableId::Users,
        &[
            ("user_id", Value::Int(id)),
            ("is_current", Value::Bool(true)),
            ("handle", Value::Text(format!("Handle{id}"))),
            ("handle_lc", Value::Text(format!("handle{id}"))),
            ("wallet", Value::Text(wallet.into())),
            ("created_at", Value::Time(time(block))),
            ("updated_at", Value::Time(time(block))),
            ("txhash", Value::Text(format!("0x{block}"))),
            ("blocknumber", Value::Int(block)),
        ],
    );
    (TableId::Users, row)
}
