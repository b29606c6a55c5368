//! Tracks (handlers-b 7): one file per action, and what the actions share.

mod clause;

pub use clause::remix_of_is_clause;
