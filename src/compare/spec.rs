//! What is compared: the tables that handlers and writer fill, each with its natural key.
//!
//! The tables of the store come from their definitions in [`crate::model::tables`]; here stand only
//! the tables that are written without being kept in memory.

use std::sync::LazyLock;

use crate::model::{table::Versions, tables::TableId};

/// How the rows of a table relate to the heights of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// `blocknumber`: the number in `blocks` of the block that last changed the row.
    Block(&'static str),
    /// A height of the chain.
    Height(&'static str),
    /// A slot of `plays`.
    Slot(&'static str),
    /// None: totals over everything before. Comparable only where both sides stand at one height.
    Total,
    /// None, because the rows come from elsewhere than the core chain.
    Elsewhere,
}

impl Position {
    /// The column that dates rows.
    pub const fn column(self) -> Option<&'static str> {
        match self {
            Self::Block(column) | Self::Height(column) | Self::Slot(column) => Some(column),
            Self::Total | Self::Elsewhere => None,
        }
    }
}

/// A table to compare.
#[derive(Clone, Debug)]
pub struct TableSpec {
    /// Its name.
    pub name: &'static str,
    /// Natural key. Rows that share one are compared as a multiset.
    pub key: Vec<&'static str>,
    /// How its rows are dated.
    pub position: Position,
    /// Only rows with `is_current`, where the table has that column.
    pub current_only: bool,
    /// Columns that say nothing about the entity, such as keys that each database counts itself.
    pub ignored: &'static [&'static str],
    /// Condition on the rows that are compared, of the table aliased `t`.
    pub only: Option<&'static str>,
    /// Databases without the table are common: its absence is no drift.
    pub optional: bool,
    /// Wallets on Ethereum are one whatever their case.
    pub folds_eth_wallets: bool,
}

/// Counters that depend on the order in which plays arrived, and feed only the scores.
const NOT_COMPARED: &[TableId] = &[TableId::DistinctPlayHours, TableId::DistinctPlayTracks];

/// Every table, in the order of reports.
pub fn tables() -> &'static [TableSpec] {
    static TABLES: LazyLock<Vec<TableSpec>> = LazyLock::new(|| {
        let further: Vec<TableSpec> = further().collect();
        let is_stored = |name: &str| further.iter().all(|spec| spec.name != name);
        let defs = TableId::ALL.iter().filter(|id| !NOT_COMPARED.contains(id)).map(|id| id.def());
        let defs = defs.filter(|def| def.is_first && is_stored(def.name));
        let stored = defs.map(|def| {
            let column = |name: &str| def.column(name).is_some();
            TableSpec {
                name: def.name,
                key: def.key.iter().map(|&index| def.columns[index].name).collect(),
                position: match () {
                    () if column("blocknumber") => Position::Block("blocknumber"),
                    () if column("block_height") => Position::Height("block_height"),
                    () => Position::Total,
                },
                current_only: def.versions == Versions::Current,
                ignored: &[],
                only: None,
                optional: def.name.starts_with("etl_"),
                folds_eth_wallets: false,
            }
        });
        stored.collect::<Vec<_>>().into_iter().chain(further).collect()
    });
    &TABLES
}

/// The tables that are only appended to, and the balances of the sweep.
fn further() -> impl Iterator<Item = TableSpec> {
    let raw = |name, key: &[&'static str], ignored| TableSpec {
        name,
        key: key.to_vec(),
        position: Position::Height("block_height"),
        current_only: false,
        ignored,
        only: None,
        optional: true,
        folds_eth_wallets: false,
    };
    let own = |name: &'static str, key: &[&'static str], position, ignored| TableSpec {
        position,
        optional: name.starts_with("eth_"),
        ..raw(name, key, ignored)
    };
    [
        own(
            "plays",
            &["play_item_id", "user_id", "created_at", "signature"],
            Position::Slot("slot"),
            &[],
        ),
        own("blocks", &["blockhash"], Position::Block("number"), &[]),
        own("core_indexed_blocks", &["chain_id", "height"], Position::Height("height"), &[]),
        // When a balance was read differs from sweep to sweep and says nothing about the balance.
        own(
            "eth_wallet_balances",
            &["wallet"],
            Position::Elsewhere,
            &["blocknumber", "created_at", "updated_at"],
        ),
        own("eth_user_balances", &["user_id"], Position::Elsewhere, &["created_at", "updated_at"]),
        raw("etl_blocks", &["block_height"], &[]),
        raw("etl_transactions", &["tx_hash"], &[]),
        raw("etl_manage_entities", &["tx_hash"], &[]),
        raw("etl_plays", &["tx_hash", "track_id", "user_id", "listened_at"], &[]),
        raw("etl_validator_registrations", &["tx_hash", "address"], &[]),
        raw("etl_validator_deregistrations", &["tx_hash", "comet_address"], &[]),
        raw("etl_validator_misbehavior_deregistrations", &["tx_hash", "comet_address"], &[]),
        raw("etl_sla_rollups", &["tx_hash"], &[]),
        raw("etl_sla_node_reports", &["tx_hash", "address"], &["sla_rollup_id"]),
        raw("etl_storage_proof_verifications", &["tx_hash", "height"], &[]),
    ]
    .into_iter()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_table_of_the_store_and_every_raw_table_is_compared_once() {
        let names: Vec<_> = tables().iter().map(|table| table.name).collect();
        let unique: BTreeSet<_> = names.iter().collect();
        assert_eq!(unique.len(), names.len());
        for id in TableId::ALL.iter().filter(|id| !NOT_COMPARED.contains(id)) {
            assert!(unique.contains(&id.def().name));
        }
        assert!(unique.contains(&"plays") && unique.contains(&"blocks"));
        assert!(unique.contains(&"eth_wallet_balances") && unique.contains(&"eth_user_balances"));
    }
}
