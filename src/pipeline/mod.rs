//! Wires the stages together: reading, decoding, applying, keeping, writing. The only place that
//! starts tasks and owns the loop. Which program's behaviour is followed it does not know.
//!
//! Reading and decoding run ahead into a bounded queue; the handlers run on a thread of their own
//! with a large stack; the rows that a batch will probably read are loaded while the one before is
//! applied, and what was not foreseen between two attempts; the writer works behind.
//!
//! **Order of effects:** apply a batch → hand it to the writer → one transaction → committed event.

mod ahead;
mod apply;
mod backfill;
mod error;
pub mod event;
mod indexes;
mod input;
mod pulse;
mod refusal;
mod rejects;
mod releases;
mod run;
mod state;
mod thread;

pub use apply::{Applied, Applier, Attempt, Cursor};
pub use backfill::{BlockBackfill, Filled};
pub use error::Error;
pub use indexes::MissingIndexes;
pub use pulse::{Doing, Pulse};
pub use rejects::{RejectLog, RejectedCall};
pub use releases::Releases;
pub use run::{End, Pipeline};
pub use state::Limits;
