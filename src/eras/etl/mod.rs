//! The Go ETL, `pkg/etl` 1.7.1 of September 2026 inside the api process, which writes production
//! since June 2026.
//!
//! The frame is statements: a handler reads one view of the rows and writes through
//! [`Scope::insert`], [`Scope::update`] and [`Scope::upsert`], as the reference's SQL does. A reject
//! keeps what was written before it; a hard error takes the whole call back (`spec/go/frame.md` 1.4).
//! Sections are of the behaviour documents under that folder.
//!
//! A new handler goes into the folder of its entity, one file per action, with the list of the rows
//! that it reads beside it, and into the folder's `HANDLERS` with one line.

pub mod associated_wallet;
mod block;
mod call;
pub mod collaborator;
pub mod comment;
#[cfg(test)]
mod costs;
pub mod dashboard_wallet;
mod derived;
pub mod developer_app;
mod dispatch;
pub mod email;
pub mod entry;
pub mod event;
pub mod grant;
mod halt;
mod hooks;
pub mod limits;
pub mod migration;
pub mod notification;
pub mod play_count;
pub mod playlist;
pub mod proof;
pub mod registry;
pub mod routes;
#[cfg(test)]
mod sandbox;
mod scope;
pub mod signer;
pub mod social;
pub mod track;
pub mod user;
mod wants;

use std::sync::Arc;

pub use call::{Call, Metadata, go_int, go_int_of};
pub use halt::{
    Halt, Handled, after_swallowed_error, ensure, error, error_with, int4, reject, reject_with,
    sql_text,
};
pub use hooks::record;
pub use scope::{BlockContext, Scope};
pub use wants::{Known, Wants};

use super::{BlockResult, Derive, Era, Numbering};
use crate::{
    model::{Block, Shape, tables::TableId},
    store::Store,
};

/// Settings of an index run that change what this wing writes.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Address that may verify users, compared without case.
    pub verifier_address: String,
    /// Who keeps the aggregates, milestones and trigger-made notifications in step.
    pub derive: Derive,
    /// Fill production's `plays`.
    pub plays: bool,
    /// What the columns of the database take.
    pub shape: Arc<Shape>,
}

/// This wing.
#[derive(Debug)]
pub struct Etl {
    settings: Settings,
}

impl Etl {
    /// The wing with its settings.
    pub const fn new(settings: Settings) -> Self {
        Self { settings }
    }
}

impl Era for Etl {
    fn wants(&self, block: &Block, positions: Vec<usize>, store: &mut Store) -> Vec<usize> {
        block::wants(block, positions, store, &self.settings)
    }

    fn apply(
        &self,
        block: &Block,
        numbering: &mut Numbering,
        store: &mut Store,
        checkpoint: u64,
    ) -> BlockResult {
        block::apply(block, numbering, store, &self.settings, checkpoint)
    }

    /// That a track was played is known from the rows of `plays`, which are written as they come.
    fn writes(&self, _block: &Block, table: TableId) -> bool {
        table != TableId::PlayedTracks
    }
}
