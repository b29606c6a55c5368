//! How a call ends early.

use crate::{eras::Reason, ledger::Fault, store::Miss};

/// What a handler returns.
pub type Handled = Result<(), Halt>;

/// Why a call was not, or not wholly, applied (frame.md 1.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Halt {
    /// A row was read that isn't in memory; the batch runs again once it is loaded.
    Missing,
    /// A validation error: what was written before it stays, nothing further is written.
    Reject(Reason),
    /// A hard error, of the database or its driver: the whole call is taken back, its audit rows
    /// included; only its row in `etl_transactions` is written.
    Error(Reason),
    /// An error of the database that the reference swallowed: its transaction is aborted, and nothing
    /// at all of the call is left. `as_reject` says how the reference counts it.
    Vanish {
        /// What went wrong.
        reason: Reason,
        /// The reference's handler went on to a reject; otherwise to an error or to success.
        as_reject: bool,
    },
}

impl From<Miss> for Halt {
    fn from(Miss: Miss) -> Self {
        Self::Missing
    }
}

impl From<Fault> for Halt {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Missing => Self::Missing,
            Fault::Refused(refusal) => error_with("refused_by_schema", refusal.to_string()),
        }
    }
}

/// A [`Halt::Reject`] with a code.
pub fn reject(code: &'static str) -> Halt {
    Halt::Reject(Reason::of(code))
}

/// A [`Halt::Reject`] with a code and a detail.
pub fn reject_with(code: &'static str, detail: impl Into<Box<str>>) -> Halt {
    Halt::Reject(Reason { code, detail: detail.into() })
}

/// A [`Halt::Error`] with a code.
pub fn error(code: &'static str) -> Halt {
    Halt::Error(Reason::of(code))
}

/// A [`Halt::Error`] with a code and a detail.
pub fn error_with(code: &'static str, detail: impl Into<Box<str>>) -> Halt {
    Halt::Error(Reason { code, detail: detail.into() })
}

/// Rejects with `code` unless `condition` holds.
///
/// # Errors
/// The reject.
pub fn ensure(condition: bool, code: &'static str) -> Handled {
    if condition { Ok(()) } else { Err(reject(code)) }
}

/// An id as a parameter for an `integer` column.
///
/// # Errors
/// A hard error outside of the column's range: the driver refuses to send it (frame.md 1.4).
pub fn int4(id: i64) -> Result<i64, Halt> {
    if i32::try_from(id).is_ok() {
        Ok(id)
    } else {
        Err(error_with("integer_out_of_range", id.to_string()))
    }
}

/// A text as a parameter of a query.
///
/// # Errors
/// A hard error where it holds U+0000, which the server refuses (22021).
pub fn sql_text(text: &str) -> Result<&str, Halt> {
    if text.contains('\0') { Err(error("nul_in_text")) } else { Ok(text) }
}

/// What becomes of the rest of a call when the reference swallowed an error of the server: its
/// transaction is aborted, so that a reject leaves nothing at all (corrections, users.md 3).
///
/// # Errors
/// The error of `rest`, a reject as [`Halt::Vanish`].
pub fn after_swallowed_error<T>(rest: Result<T, Halt>) -> Result<T, Halt> {
    rest.map_err(|halt| match halt {
        Halt::Reject(reason) => Halt::Vanish { reason, as_reject: true },
        other => other,
    })
}
