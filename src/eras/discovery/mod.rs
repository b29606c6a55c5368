//! The Python discovery provider, which wrote production until June 2026.
//!
//! The reference fetches what a block's calls name before it runs them, keeps the block's new
//! records apart from the stored rows, and saves the last record of each key at the block's end. So
//! a handler has two views, [`Scope::view`] and [`Scope::stored`], and what triggers derive is
//! derived record by record once the calls are through.
//!
//! A handler first validates, then writes; where the reference interleaves the two, so does the
//! handler, because neither a [`HandlerError::Reject`] nor a [`HandlerError::Skip`] undoes what was
//! written before it (handlers-a 0.8).
//!
//! A new handler goes into the folder of its entity, one file per action, and into
//! [`registry::HANDLERS`] with one line.

pub mod associated_wallet;
pub mod block;
pub mod collectibles;
pub mod comment;
#[cfg(test)]
mod costs;
pub mod dashboard_wallet;
mod derived;
pub mod developer_app;
mod dispatch;
pub mod email;
mod era;
pub mod event;
pub mod grant;
mod merge;
pub mod metadata;
pub mod notification;
mod notification_setting;
pub mod notify;
pub mod playlist;
mod prefetch;
mod preload;
pub mod proof;
mod provenance;
pub mod query;
pub mod registry;
mod release;
mod routes;
#[cfg(test)]
mod sandbox;
mod scope;
mod settings;
pub mod signer;
pub mod social;
pub mod tip;
pub mod track;
pub mod user;

use derived::count_plays;
pub use dispatch::dispatch;
pub use era::Discovery;
pub use metadata::{Call, Metadata};
use preload::preload;
pub use provenance::record;
pub use scope::{BlockContext, Scope};
pub use settings::Environment;

use crate::{
    eras::{Derive, Outcome, Reason},
    rules::Refusal,
    store::Miss,
};

/// What a handler returns.
pub type Handled = Result<(), HandlerError>;

/// A handler: applies one call to the store.
pub type Handler = fn(&Call<'_>, &mut Scope<'_>) -> Handled;

/// Why a call was not, or not wholly, applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HandlerError {
    /// A row was read that isn't in memory; the batch runs again once it is loaded.
    Missing,
    /// A validation error: nothing further is written, the block goes on.
    Reject(Reason),
    /// Any other failure of the reference's handler: as a reject, plus a `skipped_transactions` row.
    Skip(Reason),
    /// Input on which the reference would abort the block for ever. The call is undone entirely.
    Poison(Reason),
}

impl From<Miss> for HandlerError {
    fn from(Miss: Miss) -> Self {
        Self::Missing
    }
}

/// A [`HandlerError::Reject`] with a code.
pub fn reject(code: &'static str) -> HandlerError {
    HandlerError::Reject(Reason::of(code))
}

/// A [`HandlerError::Reject`] with a code and a detail.
pub fn reject_with(code: &'static str, detail: impl Into<Box<str>>) -> HandlerError {
    HandlerError::Reject(Reason { code, detail: detail.into() })
}

/// A [`HandlerError::Skip`] with a code.
pub fn skip(code: &'static str) -> HandlerError {
    HandlerError::Skip(Reason::of(code))
}

/// A [`HandlerError::Poison`] with a code.
pub fn poison(code: &'static str) -> HandlerError {
    HandlerError::Poison(Reason::of(code))
}

/// A [`HandlerError::Poison`] with a code and a detail.
pub fn poison_with(code: &'static str, detail: impl Into<Box<str>>) -> HandlerError {
    HandlerError::Poison(Reason { code, detail: detail.into() })
}

/// Rejects with `code` unless `condition` holds.
pub fn ensure(condition: bool, code: &'static str) -> Handled {
    if condition { Ok(()) } else { Err(reject(code)) }
}

impl From<Refusal> for HandlerError {
    fn from(refusal: Refusal) -> Self {
        let reason = Reason::of(refusal.code());
        match refusal {
            Refusal::Reject(_) => Self::Reject(reason),
            Refusal::Skip(_) => Self::Skip(reason),
            Refusal::Poison(_) => Self::Poison(reason),
        }
    }
}
