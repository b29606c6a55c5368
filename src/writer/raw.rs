//! The raw rows of a run, built from the blocks themselves (core-chain (d), (e)).
//!
//! Where the Go ETL writes an empty `tx_type`, this writes the type: `release`, `reward`,
//! `reward_pool`, `file_upload` for members that are only recorded, `unknown_<tag or name>` for
//! members this build does not know, `unset` and `malformed`. A transaction hash that repeats gets
//! one row in `etl_transactions`, for its first occurrence; plays and entity calls are recorded
//! each time, because the reference applies them each time.

use std::borrow::Cow;

use rustc_hash::FxHashSet;

use super::{Run, WrittenBlock, rows::Rows};
use crate::{
    db::layout::RawTable,
    model::{
        EntityTx, Json, Recorded, Tx, TxBody,
        block::{Member, Play},
        row_json::{image_to_json, key_to_json},
        value::{ColumnType, ValueRef},
    },
};

use ColumnType::{Bool, Bytes, Int4, Int8, Jsonb, Text, Timestamp as Time};

/// What the rows of a run depend on besides its blocks.
#[derive(Clone, Debug, Default)]
pub(super) struct RawContext {
    /// Number and hash of the highest row of `blocks` before the run.
    pub(super) last_block: Option<(i64, String)>,
    /// Hashes that turned out to be in `etl_transactions` already.
    pub(super) known_hashes: FxHashSet<String>,
    /// Look for hashes that repeat within the run, too.
    pub(super) check_repeats: bool,
}

/// How a table gets its rows.
pub(super) type Fill = fn(&Run, &RawContext, &mut Rows<'_>);

/// An append-only table with its columns in the order in which `fill` writes them.
pub(super) struct RawSource {
    pub(super) table: RawTable,
    pub(super) fill: Fill,
}

const fn source(
    name: &'static str,
    columns: &'static [(&'static str, ColumnType)],
    fill: Fill,
) -> RawSource {
    RawSource { table: RawTable { name, columns }, fill }
}

/// Tables that entity rows refer to, and the one that triggers read: written before entity rows.
pub(super) const BEFORE_ENTITIES: &[RawSource] = &[
    source(
        "blocks",
        &[("blockhash", Text), ("parenthash", Text), ("is_current", Bool), ("number", Int4)],
        blocks,
    ),
    source(
        "core_indexed_blocks",
        &[
            ("blockhash", Text),
            ("parenthash", Text),
            ("chain_id", Text),
            ("height", Int4),
            ("plays_slot", Int4),
            ("em_block", Int4),
        ],
        core_indexed_blocks,
    ),
    source("revert_blocks", &[("blocknumber", Int4), ("prev_records", Jsonb)], revert_blocks),
];

/// Tables written after entity rows.
pub(super) const AFTER_ENTITIES: &[RawSource] = &[
    source(
        "skipped_transactions",
        &[
            ("blocknumber", Int4),
            ("blockhash", Text),
            ("txhash", Text),
            ("created_at", Time),
            ("updated_at", Time),
        ],
        skipped_transactions,
    ),
    source(
        ETL_BLOCKS,
        &[("proposer_address", Text), ("block_height", Int8), ("block_time", Time)],
        etl_blocks,
    ),
    source(
        ETL_TRANSACTIONS,
        &[
            ("tx_hash", Text),
            ("block_height", Int8),
            ("tx_index", Int4),
            ("tx_type", Text),
            ("address", Text),
            ("created_at", Time),
        ],
        etl_transactions,
    ),
    source(
        "etl_manage_entities",
        &[
            ("address", Text),
            ("entity_type", Text),
            ("entity_id", Int8),
            ("action", Text),
            ("metadata", Text),
            ("signature", Text),
            ("signer", Text),
            ("nonce", Text),
            ("block_height", Int8),
            ("tx_hash", Text),
            ("created_at", Time),
        ],
        etl_manage_entities,
    ),
    source(
        "etl_plays",
        &[
            ("user_id", Text),
            ("track_id", Text),
            ("city", Text),
            ("region", Text),
            ("country", Text),
            ("played_at", Time),
            ("block_height", Int8),
            ("tx_hash", Text),
            ("listened_at", Time),
            ("recorded_at", Time),
        ],
        etl_plays,
    ),
    source(
        PLAYS,
        &[
            ("user_id", Int4),
            ("source", Text),
            ("play_item_id", Int4),
            ("created_at", Time),
            ("updated_at", Time),
            ("slot", Int4),
            ("signature", Text),
            ("city", Text),
            ("region", Text),
            ("country", Text),
        ],
        plays,
    ),
    source(
        "etl_validator_registrations",
        &[
            ("address", Text),
            ("endpoint", Text),
            ("comet_address", Text),
            ("eth_block", Text),
            ("node_type", Text),
            ("spid", Text),
            ("comet_pubkey", Bytes),
            ("voting_power", Int8),
            ("block_height", Int8),
            ("tx_hash", Text),
        ],
        validator_registrations,
    ),
    source(
        "etl_validator_deregistrations",
        &[
            ("comet_address", Text),
            ("comet_pubkey", Bytes),
            ("block_height", Int8),
            ("tx_hash", Text),
        ],
        validator_deregistrations,
    ),
    source(
        "etl_validator_misbehavior_deregistrations",
        &[
            ("comet_address", Text),
            ("pub_key", Bytes),
            ("block_height", Int8),
            ("tx_hash", Text),
            ("created_at", Time),
        ],
        misbehavior_deregistrations,
    ),
    source(
        "etl_storage_proof_verifications",
        &[
            ("height", Int8),
            ("proof", Bytes),
            ("block_height", Int8),
            ("tx_hash", Text),
            ("created_at", Time),
        ],
        storage_proof_verifications,
    ),
    source(
        "audius_etl_refusals",
        &[
            ("chain", Text),
            ("height", Int8),
            ("tx_index", Int4),
            ("tx_hash", Text),
            ("tx_type", Text),
            ("code", Text),
            ("message", Text),
            ("block_time", Time),
        ],
        refusals,
    ),
    source(
        "audius_etl_history",
        &[("checkpoint_id", Int8), ("table_name", Text), ("row_key", Jsonb), ("previous", Jsonb)],
        history,
    ),
    source(
        "audius_etl_checkpoints",
        &[
            ("id", Int8),
            ("chain", Text),
            ("height", Int8),
            ("block_hash", Text),
            ("block_time", Time),
            ("em_block", Int4),
        ],
        checkpoints,
    ),
];

/// The one raw table with a unique key that the chain itself can violate.
pub(super) const ETL_TRANSACTIONS: &str = "etl_transactions";

/// Production's plays, whose trigger counts them.
pub(super) const ETL_BLOCKS: &str = "etl_blocks";

/// See [`AFTER_ENTITIES`].
pub(super) const PLAYS: &str = "plays";

/// Tables that say how far indexing has come.
pub(super) const PROGRESS: [&str; 2] = ["audius_etl_history", "audius_etl_checkpoints"];

/// `table_name` of the history row that says: everything this checkpoint changed is kept.
pub(super) const COMPLETE_MARK: &str = "";

/// `table_name` of the history row that says: the row in `blocks` was there before.
pub(super) const ADOPTED_MARK: &str = "blocks";

/// A checkpoint's id in the database.
pub(super) fn id(id: u64) -> i64 {
    i64::try_from(id).unwrap_or(i64::MAX)
}

/// The transactions that the tables of their types have.
fn each_tx(run: &Run) -> impl Iterator<Item = (&WrittenBlock, &Tx)> {
    run.blocks.iter().flat_map(|block| block.detailed().map(move |(_, tx)| (block, tx)))
}

fn each_play(run: &Run) -> impl Iterator<Item = (&WrittenBlock, &Tx, &Play)> {
    each_tx(run).flat_map(|(block, tx)| {
        let plays = match &tx.body {
            TxBody::Plays(plays) => plays.as_slice(),
            _ => &[],
        };
        plays.iter().map(move |play| (block, tx, play))
    })
}

/// Number of the block of the run that becomes the current one.
pub(super) fn current_block(run: &Run) -> Option<i64> {
    let mut blocks = run.blocks.iter().rev();
    blocks.find_map(|block| {
        let provenance = &block.provenance;
        let marks = provenance.marks_current && !provenance.is_adopted;
        block.checkpoint.em_block.filter(|_| marks)
    })
}

/// Moves on `last`, number and hash of the highest row of `blocks`, if `block` has a higher one.
pub(super) fn note_block(last: &mut Option<(i64, String)>, block: &WrittenBlock) {
    let Some(number) = block.checkpoint.em_block else { return };
    if last.as_ref().is_none_or(|(highest, _)| number > *highest) {
        *last = Some((number, block.checkpoint.block_hash.clone()));
    }
}

fn blocks(run: &Run, context: &RawContext, rows: &mut Rows<'_>) {
    let current = current_block(run);
    let mut last = context.last_block.clone();
    for block in &run.blocks {
        let Some(number) = block.checkpoint.em_block else { continue };
        if !block.provenance.is_adopted {
            let is_current = match block.provenance.marks_current {
                true => ValueRef::Bool(Some(number) == current),
                false => ValueRef::Null,
            };
            let parent = last.as_ref().map(|(_, hash)| hash.as_str());
            rows.row()
                .text(&block.checkpoint.block_hash)
                .maybe_text(parent)
                .value(is_current)
                .int(number);
        }
        note_block(&mut last, block);
    }
}

fn core_indexed_blocks(run: &Run, _context: &RawContext, rows: &mut Rows<'_>) {
    for block in &run.blocks {
        let at = &block.checkpoint;
        rows.row()
            .text(&at.block_hash)
            .maybe_text(block.provenance.parent_hash.as_deref())
            .text(&at.chain)
            .int(at.height)
            .maybe_int(block.provenance.plays_slot)
            .maybe_int(at.em_block);
    }
}

fn revert_blocks(run: &Run, _context: &RawContext, rows: &mut Rows<'_>) {
    for block in &run.blocks {
        if let (Some(number), Some(revert)) = (block.checkpoint.em_block, &block.provenance.revert)
        {
            rows.row().int(number).json(Some(revert));
        }
    }
}

/// Times are block time: the reference leaves them to the database's clock.
fn skipped_transactions(run: &Run, _context: &RawContext, rows: &mut Rows<'_>) {
    for block in &run.blocks {
        let at = &block.checkpoint;
        for hash in &block.provenance.skipped {
            rows.row()
                .int(at.em_block.unwrap_or(0))
                .text(&at.block_hash)
                .text(hash)
                .time(at.block_time)
                .time(at.block_time);
        }
    }
}

fn etl_blocks(run: &Run, _context: &RawContext, rows: &mut Rows<'_>) {
    for WrittenBlock { block, .. } in &run.blocks {
        rows.row().text(&block.proposer).int(block.height).time(block.time);
    }
}

fn etl_transactions(run: &Run, context: &RawContext, rows: &mut Rows<'_>) {
    let mut seen = FxHashSet::default();
    for block in &run.blocks {
        for (position, tx) in block.block.txs.iter().enumerate() {
            let hash = tx.hash.as_str();
            let recorded = block.provenance.recorded(position);
            if recorded == Recorded::Nothing
                || hash.is_empty()
                || block.duplicates.binary_search(&position).is_ok()
                || context.known_hashes.contains(hash)
                || (context.check_repeats && !seen.insert(hash))
            {
                continue;
            }
            let (tx_type, address) = match recorded {
                Recorded::Blank => (Cow::Borrowed(""), None),
                _ => type_and_address(&tx.body),
            };
            rows.row()
                .text(hash)
                .int(block.block.height)
                .int(tx.index)
                .text(&tx_type)
                .maybe_text(address)
                .time(block.block.time);
        }
    }
}

fn type_and_address(body: &TxBody) -> (Cow<'static, str>, Option<&str>) {
    let address = match body {
        TxBody::Plays(plays) => plays.first().map(|play| play.user_id.as_str()),
        TxBody::ManageEntity(call) | TxBody::ManageEntityMigration(call) => {
            Some(call.signer.as_str())
        }
        TxBody::ValidatorMisbehavior(node) => Some(node.comet_address.as_str()),
        TxBody::StorageProof(proof) => Some(proof.address.as_str()),
        TxBody::ValidatorRegistration(node) => Some(node.delegate_wallet.as_str()),
        TxBody::ValidatorDeregistration(node) => Some(node.comet_address.as_str()),
        TxBody::ValidatorRegistrationLegacy
        | TxBody::SlaRollup(_)
        | TxBody::StorageProofVerification(_)
        | TxBody::Recorded(_)
        | TxBody::Unknown(_)
        | TxBody::Unset
        | TxBody::Refused(_)
        | TxBody::Malformed(_) => None,
    };
    let tx_type = match body {
        TxBody::Unknown(Member::Tag(tag)) => Cow::Owned(format!("unknown_{tag}")),
        TxBody::Unknown(Member::Name(name)) => Cow::Owned(format!("unknown_{name}")),
        other => Cow::Borrowed(other.type_name()),
    };
    (tx_type, address)
}

fn etl_manage_entities(run: &Run, _context: &RawContext, rows: &mut Rows<'_>) {
    for (block, tx) in each_tx(run) {
        let Some(call) = tx.body.call() else { continue };
        let EntityTx { entity_type, entity_id, action, metadata, signature, signer, nonce, .. } =
            call;
        rows.row()
            .text(signer)
            .text(entity_type)
            .int(*entity_id)
            .text(action)
            .maybe_text(Some(metadata.as_str()).filter(|text| !text.is_empty()))
            .text(signature)
            .text(signer)
            .text(nonce)
            .int(block.block.height)
            .text(&tx.hash)
            .time(block.block.time);
    }
}

fn etl_plays(run: &Run, _context: &RawContext, rows: &mut Rows<'_>) {
    for (block, tx, play) in each_play(run) {
        rows.row()
            .text(&play.user_id)
            .text(&play.track_id)
            .text(&play.city)
            .text(&play.region)
            .text(&play.country)
            .time(play.played_at)
            .int(block.block.height)
            .text(&tx.hash)
            .time(play.played_at)
            .time(block.block.time);
    }
}

/// Production's plays: those that are listed, as they are listed.
fn plays(run: &Run, _context: &RawContext, rows: &mut Rows<'_>) {
    for block in &run.blocks {
        for row in &block.provenance.plays {
            let Some(play) = block.block.play(row) else { continue };
            rows.row()
                .maybe_int(row.user)
                .text("relay")
                .int(row.track)
                .time(play.played_at)
                .time(block.block.time)
                .int(row.slot)
                .text(&play.signature)
                .text(&play.city)
                .text(&play.region)
                .text(&play.country);
        }
    }
}

fn validator_registrations(run: &Run, _context: &RawContext, rows: &mut Rows<'_>) {
    for (block, tx) in each_tx(run) {
        let TxBody::ValidatorRegistration(node) = &tx.body else { continue };
        rows.row()
            .text(&node.delegate_wallet)
            .text(&node.endpoint)
            .text(&node.comet_address)
            .text(&node.eth_block.to_string())
            .text(&node.node_type)
            .text(&node.sp_id)
            .bytes(&node.pub_key)
            .int(node.power)
            .int(block.block.height)
            .text(&tx.hash);
    }
}

fn validator_deregistrations(run: &Run, _context: &RawContext, rows: &mut Rows<'_>) {
    for (block, tx) in each_tx(run) {
        let TxBody::ValidatorDeregistration(node) = &tx.body else { continue };
        rows.row()
            .text(&node.comet_address)
            .bytes(&node.pub_key)
            .int(block.block.height)
            .text(&tx.hash);
    }
}

fn misbehavior_deregistrations(run: &Run, _context: &RawContext, rows: &mut Rows<'_>) {
    for (block, tx) in each_tx(run) {
        let TxBody::ValidatorMisbehavior(node) = &tx.body else { continue };
        rows.row()
            .text(&node.comet_address)
            .bytes(&node.pub_key)
            .int(block.block.height)
            .text(&tx.hash)
            .time(block.block.time);
    }
}

fn storage_proof_verifications(run: &Run, _context: &RawContext, rows: &mut Rows<'_>) {
    for (block, tx) in each_tx(run) {
        let TxBody::StorageProofVerification(verification) = &tx.body else { continue };
        rows.row()
            .int(verification.height)
            .bytes(&verification.proof)
            .int(block.block.height)
            .text(&tx.hash)
            .time(block.block.time);
    }
}

/// What the database refused, with its words.
fn refusals(run: &Run, _context: &RawContext, rows: &mut Rows<'_>) {
    for WrittenBlock { block, .. } in &run.blocks {
        for tx in &block.txs {
            let TxBody::Refused(refused) = &tx.body else { continue };
            rows.row()
                .text(&block.chain_id)
                .int(block.height)
                .int(tx.index)
                .text(&tx.hash)
                .text(refused.kind)
                .text(&refused.code)
                .text(&refused.words)
                .time(block.time);
        }
    }
}

/// Before-images per block and row, and marks per block: without the one of completeness a block
/// cannot be rolled back, however many images there are.
fn history(run: &Run, _context: &RawContext, rows: &mut Rows<'_>) {
    if !run.keep_history {
        return;
    }
    let nothing = Json::object::<String>([]);
    for block in &run.blocks {
        let checkpoint = id(block.checkpoint.id);
        rows.row().int(checkpoint).text(COMPLETE_MARK).json(Some(&nothing)).json(None);
        if block.provenance.is_adopted {
            rows.row().int(checkpoint).text(ADOPTED_MARK).json(Some(&nothing)).json(None);
        }
        for change in &block.changes {
            let Some(row) = change.before.as_ref().or(change.after.as_ref()) else { continue };
            let previous = change.before.as_ref().map(image_to_json);
            rows.row()
                .int(checkpoint)
                .text(&change.table.def().image_name())
                .json(Some(&key_to_json(row, &change.key)))
                .json(previous.as_ref());
        }
    }
}

/// Every block while it can be rolled back to, else the last one of each chain.
fn checkpoints(run: &Run, _context: &RawContext, rows: &mut Rows<'_>) {
    for (position, WrittenBlock { checkpoint, .. }) in run.blocks.iter().enumerate() {
        let next = run.blocks.get(position + 1);
        if !run.keep_history && next.is_some_and(|next| next.checkpoint.chain == checkpoint.chain) {
            continue;
        }
        rows.row()
            .int(id(checkpoint.id))
            .text(&checkpoint.chain)
            .int(checkpoint.height)
            .text(&checkpoint.block_hash)
            .time(checkpoint.block_time)
            .maybe_int(checkpoint.em_block);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_transaction_has_an_empty_type() {
        for (body, name) in [
            (TxBody::Recorded("release"), "release"),
            (TxBody::Unknown(Member::Tag(1013)), "unknown_1013"),
            (TxBody::Unknown(Member::Name("somethingNew".into())), "unknown_somethingNew"),
            (TxBody::Unset, "unset"),
            (TxBody::Malformed("x".into()), "malformed"),
            (TxBody::Plays(Vec::new()), "play"),
        ] {
            assert_eq!(type_and_address(&body).0, name);
        }
    }
}
