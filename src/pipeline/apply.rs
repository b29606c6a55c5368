//! Applies batches of blocks to the store, as an era does, and counts what became of them.
//! Synchronous; runs on the apply thread.
//!
//! A batch is applied for real at once. Rows that are not in memory are taken to be absent, which is
//! what most keys are that a chain names for the first time, and the list of them is returned. If
//! they turn out to be absent indeed, that was it. Otherwise everything the batch did is undone, and
//! it is applied again with the loaded rows in memory: the attempt that guesses nothing wrong is the
//! one that counts.

use std::{collections::VecDeque, sync::Arc};

use super::{
    event::{self, Summary},
    input::Turn,
    rejects::RejectedCall,
};
use crate::{
    eras::{BlockResult, Era, Numbering, Outcome, Reason},
    model::{Block, TxBody, table::Row},
    store::{LoadRequest, Store},
    writer::{Batch, Checkpoint, CheckpointIds, WrittenBlock},
};

/// What became of a refused transaction.
const REFUSED: &str = "refused_by_database";

/// Where the next block goes on: everything that is numbered across blocks.
#[derive(Clone, Debug, Default)]
pub struct Cursor {
    /// Where checkpoint ids come from.
    pub ids: CheckpointIds,
    /// What blocks and plays are numbered by.
    pub numbering: Numbering,
}

/// Applies blocks to the store.
#[derive(Debug)]
pub struct Applier {
    store: Store,
    cursor: Cursor,
    era: Box<dyn Era>,
    tentative: Option<Tentative>,
    /// Checkpoint ids of an attempt that was undone, for the next one at the same blocks.
    reserved: VecDeque<u64>,
}

/// An attempt that rests on guesses.
#[derive(Debug)]
struct Tentative {
    /// The cursor before it.
    start: Cursor,
    written: Vec<WrittenBlock>,
    outcomes: Vec<Vec<(usize, Outcome)>>,
    /// What each block was numbered after.
    before: Vec<Numbering>,
}

/// Transactions to be looked at again: positions of blocks, and positions in them.
pub(super) type Unsettled = Vec<(usize, Vec<usize>)>;

/// The outcome of [`Applier::preload`].
#[derive(Debug)]
pub(super) struct Foreseen {
    /// What has to be loaded.
    pub(super) requests: Vec<LoadRequest>,
    /// What to look at again then.
    pub(super) unsettled: Unsettled,
}

/// The outcome of [`Applier::attempt`].
#[derive(Debug)]
pub enum Attempt {
    /// Rows have to be loaded first; [`Applier::answer`] takes them.
    Missing(Vec<LoadRequest>),
    /// The batch is applied.
    Done(Box<Applied>),
}

/// An applied batch.
#[derive(Debug)]
pub struct Applied {
    /// What the writer has to make durable.
    pub batch: Batch,
    /// What it adds to the sums of the run.
    pub summary: Summary,
    /// Calls that were not applied.
    pub rejects: Vec<RejectedCall>,
    /// What each block was numbered after.
    pub before: Vec<Numbering>,
}

impl Applier {
    /// An applier that goes on at `cursor` with an empty store.
    pub fn new(cursor: Cursor, era: Box<dyn Era>) -> Self {
        let mut store = Store::default();
        store.guess_absent();
        Self { store, cursor, era, tentative: None, reserved: VecDeque::new() }
    }

    /// Forgets every row and goes on at `numbering`, as a new process would.
    pub(super) fn start_over(&mut self, numbering: Numbering) {
        self.store = Store::default();
        self.store.guess_absent();
        self.cursor.numbering = numbering;
        self.tentative = None;
        self.reserved.clear();
    }

    /// Goes on behind a [`Turn`] as a new process would, once everything before is durable: what one
    /// era keeps in memory means nothing to the next.
    pub(super) fn turn(&mut self, turn: Turn) {
        let mut numbering = self.cursor.numbering.clone();
        if turn == Turn::Chain {
            numbering.last = None;
        }
        self.start_over(numbering);
    }

    /// Forgets every row, once everything is durable: somebody else has changed some.
    pub(super) fn forget(&mut self) {
        self.start_over(self.cursor.numbering.clone());
    }

    /// Where the next block goes on.
    pub const fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    /// The rows in memory.
    pub fn store_mut(&mut self) -> &mut Store {
        &mut self.store
    }

    /// Says which of the rows that a batch will probably read are not in memory. `again` is what the
    /// call before said has to be looked at again once they are; without, all is looked at.
    pub(super) fn preload(&mut self, blocks: &[Arc<Block>], again: Option<Unsettled>) -> Foreseen {
        let mut unsettled = Vec::new();
        let all = || (0..blocks.len()).map(|at| (at, (0..blocks[at].txs.len()).collect()));
        for (at, positions) in again.unwrap_or_else(|| all().collect()) {
            let left = self.era.wants(&blocks[at], positions, &mut self.store);
            if !left.is_empty() {
                unsettled.push((at, left));
            }
        }
        Foreseen { requests: self.store.take_missing(), unsettled }
    }

    /// Takes in rows that [`Applier::preload`] asked for.
    pub(super) fn absorb(&mut self, answers: Vec<(LoadRequest, Vec<Row>)>) {
        for (request, rows) in answers {
            self.store.absorb(&request, rows);
        }
    }

    /// Applies a batch, or says which rows it needs.
    pub fn attempt(&mut self, blocks: &[Arc<Block>]) -> Attempt {
        let start = self.cursor.clone();
        let mut written: Vec<WrittenBlock> = Vec::with_capacity(blocks.len());
        let mut outcomes = Vec::with_capacity(blocks.len());
        let mut before = Vec::with_capacity(blocks.len());
        for block in blocks {
            before.push(self.cursor.numbering.clone());
            let (applied, result) = self.apply(block);
            written.push(applied);
            outcomes.push(result);
        }
        let tentative = Tentative { start, written, outcomes, before };
        if self.store.has_missing() {
            self.tentative = Some(tentative);
            return Attempt::Missing(self.store.take_missing());
        }
        Attempt::Done(Box::new(self.finish(blocks, tentative)))
    }

    /// Takes in the rows that an attempt at the same `blocks` missed. If it was right to take them
    /// to be absent it counts, otherwise this is the next attempt.
    pub fn answer(
        &mut self,
        blocks: &[Arc<Block>],
        answers: Vec<(LoadRequest, Vec<Row>)>,
    ) -> Attempt {
        let tentative = self.tentative.take();
        let right = answers.iter().all(|(request, rows)| self.store.confirms(request, rows));
        if !right {
            self.trace_unforeseen(&answers);
        }
        match tentative {
            Some(tentative) if right => {
                self.absorb(answers);
                Attempt::Done(Box::new(self.finish(blocks, tentative)))
            }
            tentative => {
                if let Some(tentative) = tentative {
                    for block in tentative.written.iter().rev() {
                        self.store.undo(&block.changes);
                    }
                    self.cursor = tentative.start;
                    let ids = tentative.written.iter().map(|block| block.checkpoint.id);
                    self.reserved = ids.collect();
                }
                for (request, _) in &answers {
                    self.store.forget_guesses(request);
                }
                self.absorb(answers);
                self.attempt(blocks)
            }
        }
    }

    /// Names what preloading could learn to foresee.
    fn trace_unforeseen(&self, answers: &[(LoadRequest, Vec<Row>)]) {
        if !tracing::enabled!(tracing::Level::TRACE) {
            return;
        }
        for (request, rows) in answers {
            if !self.store.confirms(request, rows) {
                let def = request.table.def();
                let lookup = request.lookup.map(|lookup| def.lookups[lookup].name);
                let keys: Vec<String> =
                    rows.iter().take(5).map(|row| def.key_of(row.as_ref()).to_string()).collect();
                tracing::trace!(
                    table = def.name,
                    lookup,
                    rows = rows.len(),
                    ?keys,
                    "rows that were not foreseen and are there"
                );
            }
        }
    }

    fn finish(&self, blocks: &[Arc<Block>], tentative: Tentative) -> Applied {
        let Tentative { mut written, outcomes, before, .. } = tentative;
        for written in &mut written {
            written.changes.retain(|change| self.era.writes(&written.block, change.table));
        }
        let mut summary = Summary::default();
        let mut rejects = Vec::new();
        for (block, outcomes) in blocks.iter().zip(&outcomes) {
            count_block(&mut summary, block);
            count_outcomes(&mut summary, &mut rejects, block, outcomes);
        }
        let batch = Batch { blocks: written, ..Batch::default() };
        Applied { batch, summary, rejects, before }
    }

    fn apply(&mut self, block: &Arc<Block>) -> (WrittenBlock, Vec<(usize, Outcome)>) {
        let reserved = self.reserved.pop_front();
        let id = reserved.unwrap_or_else(|| self.cursor.ids.next());
        let applied = self.era.apply(block, &mut self.cursor.numbering, &mut self.store, id);
        let BlockResult { mut outcomes, provenance, rollups, changes, statements, incomplete } =
            applied;
        add_refused(&mut outcomes, block);
        debug_assert!(!incomplete, "nothing is missing while absence is guessed");
        let written = WrittenBlock {
            checkpoint: Checkpoint {
                id,
                chain: block.chain_id.clone(),
                height: block.height,
                block_hash: block.hash.clone(),
                block_time: block.time,
                em_block: provenance.em_block,
            },
            block: Arc::clone(block),
            provenance,
            changes,
            statements,
            duplicates: Vec::new(),
            rollups,
        };
        (written, outcomes)
    }
}

/// Adds what became of refused transactions to the outcomes of a block.
pub(super) fn add_refused(outcomes: &mut Vec<(usize, Outcome)>, block: &Block) {
    let before = outcomes.len();
    for (position, tx) in block.txs.iter().enumerate() {
        if let TxBody::Refused(refused) = &tx.body {
            let detail = format!("{}: {}", refused.code, refused.words).into();
            outcomes.push((position, Outcome::Failed(Reason { code: REFUSED, detail })));
        }
    }
    if outcomes.len() > before {
        outcomes.sort_by_key(|(position, _)| *position);
    }
}

fn count_block(summary: &mut Summary, block: &Block) {
    summary.chain_id.get_or_insert_with(|| block.chain_id.clone());
    summary.first_height = Some(summary.first_height.map_or(block.height, |h| h.min(block.height)));
    summary.last_height = summary.last_height.max(Some(block.height));
    summary.last_block_time = summary.last_block_time.max(Some(block.time));
    summary.blocks += 1;
    for tx in &block.txs {
        *summary.transactions.entry(tx.body.type_name()).or_default() += 1;
        match &tx.body {
            TxBody::Plays(plays) => summary.plays += plays.len() as u64,
            TxBody::Unknown(member) => {
                *summary.unknown_members.entry(member.to_string()).or_default() += 1;
            }
            _ => {}
        }
    }
}

fn count_outcomes(
    summary: &mut Summary,
    rejects: &mut Vec<RejectedCall>,
    block: &Block,
    outcomes: &[(usize, Outcome)],
) {
    for (index, outcome) in outcomes {
        let tx = &block.txs[*index];
        let (counted, reason) = match outcome {
            Outcome::Applied | Outcome::Missing => (event::Outcome::Applied, None),
            Outcome::Rejected(reason) => (event::Outcome::Rejected, Some(reason)),
            Outcome::Skipped(reason) => (event::Outcome::Skipped, Some(reason)),
            Outcome::Poisoned(reason) => (event::Outcome::Poison, Some(reason)),
            Outcome::Failed(reason) => (event::Outcome::Error, Some(reason)),
            Outcome::Unrouted => (event::Outcome::Unrouted, None),
        };
        let code = reason.map(|reason| reason.code);
        let (entity, action) = match tx.body.call() {
            Some(call) => (call.entity_type.as_str(), call.action.as_str()),
            None => (tx.body.type_name(), ""),
        };
        summary.entities.record(entity, action, counted, code);
        if counted != event::Outcome::Applied {
            rejects.push(RejectedCall {
                height: block.height,
                tx_hash: tx.hash.clone(),
                index: tx.index,
                entity: entity.to_owned(),
                action: action.to_owned(),
                outcome: counted,
                code: code.unwrap_or("no_handler"),
                detail: reason.map(|reason| reason.detail.clone()).unwrap_or_default(),
            });
        }
    }
}
