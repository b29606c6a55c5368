//! Comments on tracks (handlers-c 3), with the notifications that go straight into the database.
//!
//! Who mutes whom and whose followers count is asked of the stored rows, so mutes and reports of
//! the same block have no effect yet.

mod create;
mod delete;
mod draft;
mod notice;
mod pin;
mod react;
mod report;
mod silence;
mod update;

pub use create::create;
pub use delete::delete;
pub use pin::{pin, unpin};
pub use react::{react, unreact};
pub use report::report;
pub use update::update;

#[cfg(test)]
mod tests;
