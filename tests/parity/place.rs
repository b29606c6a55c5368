//! Block numbers and hashes: where a recorded block is fed, and what ours correspond to.

use std::collections::BTreeMap;

use crate::diff::normalise::BlockMap;
use crate::diff::value::Value;
use crate::diff::{Row, Tables};
use crate::recording::{RecordedBlock, Stream};

/// The chain id fed where the recording names none.
pub(crate) const CHAIN_ID: &str = "audius-devnet";

/// Where a case's block is fed: behind everything that its rows before know.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) height: i64,
    pub(crate) chain_id: String,
    /// A hash that no row has; the recorded one often repeats an earlier block's.
    pub(crate) hash: String,
    /// The highest number among the rows before, as seeded.
    last_number: i64,
    /// What is added to the numbers of the rows before when they are seeded.
    shift: i64,
}

impl Place {
    /// The place for `block` behind the rows `before`.
    ///
    /// We number a block by counting on, so it gets another number than the recorded one, which often
    /// repeats an earlier block's. Only number 0 has a meaning of its own (the reference skips user
    /// events there): for it the rows before move down until the count arrives at 0.
    pub(crate) fn behind(before: &Tables, block: &RecordedBlock) -> Self {
        let number = |row: &Row, column: &str| row.get(column).and_then(Value::as_int);
        let rows = |table: &str| before.get(table).map(Vec::as_slice).unwrap_or_default();
        let last = rows("core_indexed_blocks")
            .iter()
            .filter_map(|row| Some((number(row, "height")?, row.get("chain_id")?.as_text()?)))
            .max();
        let (height, chain_id) = last.map_or((1, CHAIN_ID), |(height, id)| (height + 1, id));
        let numbers = rows("blocks").iter().filter_map(|row| number(row, "number"));
        let last_number = numbers.max().unwrap_or(0);
        let shift = if block.number == 0 { -(last_number + 1) } else { 0 };
        Self {
            height,
            chain_id: chain_id.to_owned(),
            hash: format!("0x{:064x}", 0xfeed_0000_0000_i64 + height),
            last_number: last_number + shift,
            shift,
        }
    }

    /// Gives the rows before the numbers they are seeded with.
    pub(crate) fn shift(&self, before: &mut Tables) {
        let numbers = block_rows(before).map(|(number, _)| (number, number + self.shift));
        let map = BlockMap { numbers: numbers.collect(), hashes: BTreeMap::new() };
        map.apply(before);
    }

    /// The rows of `blocks` that indexing added.
    pub(crate) fn added<'a>(&self, ours: &'a Tables) -> Vec<(i64, &'a str)> {
        block_rows(ours).filter(|(number, _)| *number > self.last_number).collect()
    }

    /// Gives our rows the recorded number and hash, and takes out the progress rows that the
    /// recorded call did not write. False if the block has no row.
    pub(crate) fn map_back(&self, ours: &mut Tables, block: &RecordedBlock) -> bool {
        let mut map = BlockMap::default();
        map.numbers = block_rows(ours).map(|(number, _)| (number, number - self.shift)).collect();
        let added = self.added(ours);
        let found = added.len() == 1;
        for (number, hash) in added {
            map.numbers.insert(number, block.number);
            map.hashes.insert(hash.to_owned(), block.hash.clone());
        }
        let last = Value::from(self.last_number);
        for row in ours.get_mut("blocks").into_iter().flatten() {
            // Which row is current belongs to the caller of the recorded call too.
            row.insert("is_current".to_owned(), Value::Any);
        }
        if let Some(rows) = ours.get_mut("blocks") {
            rows.retain(|row| row.get("number").and_then(Value::as_int) <= last.as_int());
        }
        if let Some(rows) = ours.get_mut("core_indexed_blocks") {
            rows.retain(|row| row.get("height").and_then(Value::as_int) != Some(self.height));
        }
        map.apply(ours);
        found
    }
}

/// Number and hash of every row of `blocks`.
pub(crate) fn block_rows(tables: &Tables) -> impl Iterator<Item = (i64, &str)> {
    tables
        .get("blocks")
        .into_iter()
        .flatten()
        .filter_map(|row| Some((row.get("number")?.as_int()?, row.get("blockhash")?.as_text()?)))
}

/// A hash without prefix and case.
pub(crate) fn plain_hash(hash: &str) -> String {
    hash.trim_start_matches("0x").to_ascii_lowercase()
}

/// Our numbers and hashes of a stream's blocks, paired by hash.
pub(crate) fn stream_blocks(ours: &Tables, stream: &Stream) -> BlockMap {
    let recorded: BTreeMap<String, &RecordedBlock> =
        stream.blocks.iter().map(|block| (plain_hash(&block.hash), block)).collect();
    let mut map = BlockMap::default();
    for (number, hash) in block_rows(ours) {
        if let Some(block) = recorded.get(&plain_hash(hash)) {
            map.numbers.insert(number, block.number);
            map.hashes.insert(hash.to_owned(), block.hash.clone());
        }
    }
    map
}
