//! Types that cross a stage boundary. No I/O, no async, no clock.

pub mod block;
pub mod json;
pub mod key;
mod provenance;
pub mod row_json;
pub mod shape;
pub mod table;
#[expect(missing_docs, reason = "columns keep the names that the production schema documents")]
pub mod tables;
pub mod time;
pub mod value;

pub use block::{Block, EntityTx, Tx, TxBody};
pub use json::{Json, Object};
pub use provenance::{PlayRow, Provenance, Recorded};
pub use shape::Shape;
pub use time::Timestamp;
