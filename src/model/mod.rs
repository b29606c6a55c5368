//! Types that cross a stage boundary. No I/O, no async, no clock.

pub mod block;
pub mod json;
pub mod time;

pub use block::{Block, EntityTx, Tx, TxBody};
pub use json::{Json, Object};
pub use time::Timestamp;
