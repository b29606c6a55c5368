//! STAGE 3 APPLY: one `ManageEntity` call against the store. Pure and synchronous.
//!
//! A handler first validates, then writes; where the reference interleaves the two, so does the
//! handler, because neither a [`HandlerError::Reject`] nor a [`HandlerError::Skip`] undoes what was
//! written before it (handlers-a 0.8).
//!
//! A new handler goes into the folder of its entity, one file per action, and into
//! [`registry::HANDLERS`] with one line.

pub mod associated_wallet;
pub mod block;
mod choice;
#[cfg(test)]
mod choice_tests;
pub mod collectibles;
pub mod comment;
pub mod dashboard_wallet;
mod derived;
pub mod developer_app;
mod dispatch;
pub mod email;
pub mod event;
pub mod grant;
pub mod ledger;
mod merge;
pub mod metadata;
pub mod notification;
mod notification_setting;
pub mod notify;
pub mod playlist;
mod prefetch;
mod preload;
pub mod proof;
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

pub use choice::Rules;
pub use derived::count_plays;
pub use dispatch::{Outcome, dispatch};
pub use metadata::{Call, Metadata};
pub use preload::preload;
pub use scope::{BlockContext, Scope};
pub use settings::{Derive, Environment};

use crate::{
    rules::{self, Refusal},
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

/// A stable code for counting, and a detail for reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Stable, lower-case, for example `signer_unknown_user`.
    pub code: &'static str,
    /// What exactly, for the debug log; may be empty.
    pub detail: Box<str>,
}

impl From<Miss> for HandlerError {
    fn from(Miss: Miss) -> Self {
        Self::Missing
    }
}

/// A [`HandlerError::Reject`] with a code.
pub fn reject(code: &'static str) -> HandlerError {
    HandlerError::Reject(Reason { code, detail: Box::default() })
}

/// A [`HandlerError::Reject`] with a code and a detail.
pub fn reject_with(code: &'static str, detail: impl Into<Box<str>>) -> HandlerError {
    HandlerError::Reject(Reason { code, detail: detail.into() })
}

/// A [`HandlerError::Skip`] with a code.
pub fn skip(code: &'static str) -> HandlerError {
    HandlerError::Skip(Reason { code, detail: Box::default() })
}

/// A [`HandlerError::Poison`] with a code.
pub fn poison(code: &'static str) -> HandlerError {
    HandlerError::Poison(Reason { code, detail: Box::default() })
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
        let reason = Reason { code: refusal.code(), detail: Box::default() };
        match refusal {
            Refusal::Reject(_) => Self::Reject(reason),
            Refusal::Skip(_) => Self::Skip(reason),
            Refusal::Poison(_) => Self::Poison(reason),
        }
    }
}
