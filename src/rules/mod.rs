//! Rules of the references as pure functions: no store, no I/O, no clock, and nothing that depends on
//! who calls. Each names the section of the behaviour documents that it follows.

pub mod columns;
pub mod conditions;
pub mod contents;
pub mod dates;
pub mod fqdn;
pub mod genre;
pub mod handles;
pub mod hashid;
pub mod milestones;
pub mod names;
pub mod remix;
pub mod schema;
pub mod signatures;
pub mod slug;
pub mod unicode;
pub mod wallet_proofs;

/// Why a rule refuses an input, with a stable code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A validation error of the reference: the transaction has no further effect.
    Reject(&'static str),
    /// Any other exception of the reference's handler: as a reject, and the transaction is
    /// recorded as skipped.
    Skip(&'static str),
    /// The reference would fail on the whole block, for ever.
    Poison(&'static str),
}

impl Refusal {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Reject(code) | Self::Skip(code) | Self::Poison(code) => code,
        }
    }
}
