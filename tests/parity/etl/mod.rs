//! Recordings of the Go indexer: archives as `index --source` reads them, with every row that its
//! code left behind and what became of every call.

mod leeway;
mod recording;
mod replay;
mod rules;
mod settle;

pub(crate) use recording::{find, is_relaxed};
pub(crate) use replay::{Ground, prepare, replay};
