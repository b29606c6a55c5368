//! Merging sent values into the columns of a row (handlers-a 0.5, handlers-b 6 and 8).

use super::{Handled, HandlerError};
use crate::{
    model::{Json, json::Object},
    rules::Refusal,
};

/// Assigns the values of one call's metadata to the columns of a row.
///
/// A value that only the database refuses counts when the row is put, not before: if the call fails
/// for another reason in between, the reference never stores the row and so never stumbles on it.
#[derive(Debug)]
pub(super) struct Merge<'a> {
    /// The metadata.
    pub(super) data: &'a Object,
    /// The call makes the row: immutable columns may be set too.
    pub(super) is_create: bool,
    refused: Option<HandlerError>,
}

impl<'a> Merge<'a> {
    /// A merge of `data` into a new or an existing row.
    pub(super) fn new(data: &'a Object, is_create: bool) -> Self {
        Self { data, is_create, refused: None }
    }

    /// Assigns the value of `key`, if it was sent, the way `read` reads it.
    ///
    /// # Errors
    /// What `read` refuses, except poison, which waits for [`Merge::finish`].
    pub(super) fn set<T>(
        &mut self,
        key: &str,
        column: &mut T,
        read: impl FnOnce(&Json) -> Result<T, Refusal>,
    ) -> Handled {
        match self.data.get(key).map(read) {
            None => Ok(()),
            Some(Ok(value)) => {
                *column = value;
                Ok(())
            }
            Some(Err(refusal)) => self.refuse(refusal),
        }
    }

    /// Notes a refusal: poison waits for [`Merge::finish`].
    ///
    /// # Errors
    /// Any other refusal.
    pub(super) fn refuse(&mut self, refusal: Refusal) -> Handled {
        match HandlerError::from(refusal) {
            poison @ HandlerError::Poison(_) => {
                self.refused.get_or_insert(poison);
                Ok(())
            }
            error => Err(error),
        }
    }

    /// Ends the merge when the row is about to be put.
    ///
    /// # Errors
    /// The first poison on the way.
    pub(super) fn finish(self) -> Handled {
        self.refused.map_or(Ok(()), Err)
    }
}
