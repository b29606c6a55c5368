//! The rows that a call will probably read, named before it is applied.
//!
//! Each handler has a list beside it in the registry, so that one load brings the rows of a whole
//! batch while the batch before is applied. A row that no list names is found missing by the handler
//! and costs a second attempt at the batch; `-vvv` names such rows.

use std::sync::Arc;

use crate::{
    model::{
        key::Key,
        table::{Record, downcast},
    },
    store::Store,
};

/// Asks the store for rows.
#[derive(Debug)]
pub struct Wants<'a> {
    store: &'a mut Store,
    leads_on: bool,
}

/// What memory says of a row.
#[derive(Debug)]
pub enum Known<R> {
    /// Nothing yet; it was asked for, and the call is looked at again once it is there.
    Unknown,
    /// There is none.
    Absent,
    /// The row.
    Row(Arc<R>),
}

impl<R> Known<R> {
    /// The row, if there is one.
    pub fn row(self) -> Option<Arc<R>> {
        match self {
            Self::Row(row) => Some(row),
            Self::Unknown | Self::Absent => None,
        }
    }
}

impl<'a> Wants<'a> {
    pub(super) const fn new(store: &'a mut Store) -> Self {
        Self { store, leads_on: false }
    }

    /// Whether the call looked at a row that is not in memory yet.
    pub(super) const fn leads_on(&self) -> bool {
        self.leads_on
    }

    /// A row will be read.
    pub fn row<R: Record>(&mut self, key: impl Into<Key>) {
        self.store.want(R::TABLE, key.into());
    }

    /// The rows of a lookup will be read.
    pub fn rows<R: Record>(&mut self, by: R::By, key: impl Into<Key>) {
        self.store.want_lookup(R::TABLE, by.into(), key.into());
    }

    /// A row will be read, and which others will be depends on it.
    pub fn look<R: Record>(&mut self, key: impl Into<Key>) -> Known<R> {
        let key = key.into();
        let known = match self.store.known(R::TABLE, &key) {
            None => {
                self.store.want(R::TABLE, key);
                Known::Unknown
            }
            Some(row) => row.and_then(downcast).map_or(Known::Absent, Known::Row),
        };
        // The batch before may be about to make an absent one.
        self.leads_on |= !matches!(known, Known::Row(_));
        known
    }

    /// The last row of a lookup will be read, and which others will be depends on it.
    pub fn last<R: Record>(&mut self, by: R::By, key: impl Into<Key>) -> Known<R> {
        let (lookup, key) = (by.into(), key.into());
        let known = match self.store.known_last(R::TABLE, lookup, &key) {
            None => {
                self.store.want_lookup(R::TABLE, lookup, key);
                Known::Unknown
            }
            Some(row) => row.and_then(downcast).map_or(Known::Absent, Known::Row),
        };
        self.leads_on |= matches!(known, Known::Unknown);
        known
    }

    /// The rows of a lookup will be read, and which others will be depends on them: those that are in
    /// memory, if all are.
    pub fn found<R: Record>(&mut self, by: R::By, key: impl Into<Key>) -> Vec<Arc<R>> {
        let (lookup, key) = (by.into(), key.into());
        let rows = self.store.known_by(R::TABLE, lookup, &key);
        if rows.is_none() {
            self.leads_on = true;
            self.store.want_lookup(R::TABLE, lookup, key);
        }
        rows.into_iter().flatten().filter_map(|row| downcast(&row)).collect()
    }
}
