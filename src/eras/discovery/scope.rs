//! A handler's window on the store: typed reads and writes within one block.

use std::sync::Arc;

use super::{Environment, HandlerError, derived, poison_with, prefetch::Unfetched};
use crate::{
    model::{
        Timestamp,
        key::Key,
        table::{Record, downcast},
        tables::TableId,
    },
    store::{Layer, Mark, Store, row_of},
};

/// The block at hand, as entity rows refer to it.
#[derive(Clone, Debug)]
pub struct BlockContext {
    /// Number in the `blocks` sequence, the `blocknumber` of entity rows.
    pub number: i64,
    /// Height on the core chain.
    pub height: i64,
    /// Block hash, lower-case hex.
    pub hash: String,
    /// Block time in whole seconds.
    pub time: Timestamp,
    /// What the reference's wall clock stands for: block time, or the injected clock.
    pub clock: Timestamp,
}

/// The store as one call of one block sees it.
#[derive(Debug)]
pub struct Scope<'a> {
    store: &'a mut Store,
    /// The block at hand.
    pub block: &'a BlockContext,
    /// Settings of the run.
    pub env: &'a Environment,
    /// What the reference's pre-fetch left out for the call at hand.
    pub(super) unfetched: Unfetched,
}

impl<'a> Scope<'a> {
    /// A scope over `store` for the calls of `block`.
    pub fn new(store: &'a mut Store, block: &'a BlockContext, env: &'a Environment) -> Self {
        Self { store, block, env, unfetched: Unfetched::default() }
    }

    /// The row at `key` in the block view: block-start rows overlaid by earlier calls of the block.
    ///
    /// # Errors
    /// [`HandlerError::Missing`] when the row isn't in memory; so for all reads and writes.
    pub fn view<R: Record>(&mut self, key: impl Into<Key>) -> Result<Option<Arc<R>>, HandlerError> {
        self.read(Layer::View, &key.into())
    }

    /// The row at `key` as a query of the reference sees it: block-start rows plus what was written
    /// at once ([`Scope::insert`], [`Scope::remove`]).
    pub fn stored<R: Record>(
        &mut self,
        key: impl Into<Key>,
    ) -> Result<Option<Arc<R>>, HandlerError> {
        self.read(Layer::Stored, &key.into())
    }

    /// The rows of a lookup in the block view, in key order.
    pub fn view_by<R: Record>(
        &mut self,
        by: R::By,
        key: impl Into<Key>,
    ) -> Result<Vec<Arc<R>>, HandlerError> {
        self.search(Layer::View, by, &key.into())
    }

    /// The rows of a lookup as a query of the reference sees them, in key order.
    pub fn stored_by<R: Record>(
        &mut self,
        by: R::By,
        key: impl Into<Key>,
    ) -> Result<Vec<Arc<R>>, HandlerError> {
        self.search(Layer::Stored, by, &key.into())
    }

    /// Puts a record into the block view, replacing the one with its key: the reference's "add
    /// record". Stored at block end; only the last record of a key is.
    pub fn put<R: Record>(&mut self, record: R) -> Result<(), HandlerError> {
        self.write(Layer::View, record)
    }

    /// Puts `record` in place of `old`, which may have another key.
    pub fn replace<R: Record>(&mut self, old: Option<&R>, record: R) -> Result<(), HandlerError> {
        if let Some(old) = old {
            let key = old.key();
            if key != record.key() {
                if self.store.before_block(R::TABLE, &key).is_some() {
                    self.store.write(R::TABLE, Layer::View, key, None)?;
                } else {
                    self.store.discard(R::TABLE, Layer::View, &key);
                }
            }
        }
        self.put(record)
    }

    /// Writes a row at once: visible to later queries of the block as well, never archived.
    pub fn insert<R: Record>(&mut self, record: R) -> Result<(), HandlerError> {
        // The only table whose immediate rows have a trigger that writes.
        if R::TABLE != TableId::PlaylistTracks {
            return self.write(Layer::Stored, record);
        }
        let before = self.store.get(R::TABLE, Layer::Stored, &record.key())?;
        let row = row_of(record.clone());
        self.write(Layer::Stored, record)?;
        derived::inserted(&row, before.as_ref(), self)
    }

    /// Deletes a row at once.
    pub fn remove<R: Record>(&mut self, key: impl Into<Key>) -> Result<(), HandlerError> {
        Ok(self.store.write(R::TABLE, Layer::Stored, key.into(), None)?)
    }

    /// Takes note that the reference looked into the block's new records of this type.
    ///
    /// Parity: looking is enough for the type to take its place in the order in which records are
    /// saved, also when nothing is added then.
    pub fn touch<R: Record>(&mut self) {
        self.store.touch(R::TABLE);
    }

    /// The last row of a lookup, by its rank, as a query of the reference sees it.
    pub fn stored_last<R: Record>(
        &mut self,
        by: R::By,
        key: impl Into<Key>,
    ) -> Result<Option<Arc<R>>, HandlerError> {
        let row = self.store.last(R::TABLE, Layer::Stored, by.into(), &key.into())?;
        Ok(row.as_ref().and_then(downcast))
    }

    /// The record that earlier calls of this block put at `key`.
    pub fn pending<R: Record>(&self, key: impl Into<Key>) -> Option<Arc<R>> {
        self.store.pending_at(R::TABLE, &key.into()).flatten().and_then(downcast)
    }

    /// Records of a lookup that earlier calls of this block put, in the order of their ranks.
    pub fn pending_by<R: Record>(
        &self,
        by: R::By,
        key: &Key,
    ) -> impl DoubleEndedIterator<Item = Arc<R>> {
        self.store.pending_by(R::TABLE, by.into(), key).filter_map(downcast)
    }

    /// Forgets what earlier calls of this block put at `key`.
    pub fn discard<R: Record>(&mut self, key: impl Into<Key>) {
        self.store.discard(R::TABLE, Layer::View, &key.into());
    }

    /// The row at `key` as it was at block start, if it is in memory.
    pub fn at_block_start<R: Record>(&self, key: impl Into<Key>) -> Option<Arc<R>> {
        self.store.before_block(R::TABLE, &key.into()).and_then(downcast)
    }

    /// The rows of a lookup as they were at block start, in key order.
    ///
    /// # Errors
    /// [`HandlerError::Missing`], as for [`Scope::view`].
    pub fn before_block_by<R: Record>(
        &mut self,
        by: R::By,
        key: impl Into<Key>,
    ) -> Result<Vec<Arc<R>>, HandlerError> {
        let rows = self.store.find_before_block(R::TABLE, by.into(), &key.into())?;
        Ok(rows.iter().filter_map(downcast).collect())
    }

    /// Asks for a row to be loaded with the next round, so that one round loads many.
    pub fn want<R: Record>(&mut self, key: impl Into<Key>) {
        self.store.want(R::TABLE, key.into());
    }

    /// Asks for the rows of a lookup to be loaded with the next round.
    pub fn want_by<R: Record>(&mut self, by: R::By, key: impl Into<Key>) {
        self.store.want_lookup(R::TABLE, by.into(), key.into());
    }

    pub(super) fn mark(&self) -> Mark {
        self.store.mark()
    }

    pub(super) fn rollback(&mut self, mark: Mark) {
        self.store.rollback(mark);
    }

    fn read<R: Record>(&mut self, layer: Layer, key: &Key) -> Result<Option<Arc<R>>, HandlerError> {
        Ok(self.store.get(R::TABLE, layer, key)?.as_ref().and_then(downcast))
    }

    fn search<R: Record>(
        &mut self,
        layer: Layer,
        by: R::By,
        key: &Key,
    ) -> Result<Vec<Arc<R>>, HandlerError> {
        let rows = self.store.find(R::TABLE, layer, by.into(), key)?;
        Ok(rows.iter().filter_map(downcast).collect())
    }

    fn write<R: Record>(&mut self, layer: Layer, record: R) -> Result<(), HandlerError> {
        let key = record.key();
        if R::TABLE.def().refusal(&record, None).is_some() {
            let before = self.store.get(R::TABLE, layer, &key)?;
            if let Some(refusal) = R::TABLE.def().refusal(&record, before.as_deref()) {
                return Err(poison_with("refused_by_schema", refusal.to_string()));
            }
        }
        Ok(self.store.write(R::TABLE, layer, key, Some(row_of(record)))?)
    }
}
