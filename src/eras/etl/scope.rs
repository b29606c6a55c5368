//! A handler's window on the store: reads, and the three verbs of the reference's SQL.
//!
//! There is one view. Every read sees everything that happened earlier in the block, what rejected
//! calls left behind included (frame.md 1.4). Each verb knows the row before and after, checks what
//! the database in use would refuse, and fires what the triggers of the table do, right there.

use std::sync::Arc;

use super::{Halt, Handled, Settings, derived, error_with};
use crate::{
    decode::signer::Domain,
    eras::SerialIds,
    model::{
        Timestamp,
        key::{Key, KeyPart},
        table::{Record, Row, downcast},
        tables::{Comment, Notification},
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
    /// Block hash as the chain gives it.
    pub hash: String,
    /// Block time to the microsecond.
    pub time: Timestamp,
    /// What its calls are signed for.
    pub domain: Domain,
}

/// What the open block remembers besides rows.
#[derive(Debug, Default)]
pub(super) struct BlockState {
    /// Comments inserted so far, whose deferred triggers run at the block's end, as inserted.
    deferred: Vec<Arc<Comment>>,
    /// Users whose balance on Ethereum has to be added up again.
    balances: Vec<i64>,
    /// Rows appended so far; tells equal ones apart.
    appended: i64,
    /// Numbers of new notifications. What a call drew stays drawn when it is taken back.
    pub(super) notification_ids: SerialIds,
}

/// A place to go back to: rows, and what was noted for later.
#[derive(Clone, Copy, Debug)]
pub(super) struct Savepoint {
    rows: Mark,
    deferred: usize,
    balances: usize,
}

/// The store as one call of one block sees it.
#[derive(Debug)]
pub struct Scope<'a> {
    store: &'a mut Store,
    state: &'a mut BlockState,
    /// The block at hand.
    pub block: &'a BlockContext,
    /// Settings of the run.
    pub settings: &'a Settings,
}

impl<'a> Scope<'a> {
    pub(super) fn new(
        store: &'a mut Store,
        state: &'a mut BlockState,
        block: &'a BlockContext,
        settings: &'a Settings,
    ) -> Self {
        Self { store, state, block, settings }
    }

    /// The row at `key`.
    ///
    /// # Errors
    /// [`Halt::Missing`] when it isn't in memory; so for all reads and writes.
    pub fn get<R: Record>(&mut self, key: impl Into<Key>) -> Result<Option<Arc<R>>, Halt> {
        let row = self.store.get(R::TABLE, Layer::Stored, &key.into())?;
        Ok(row.as_ref().and_then(downcast))
    }

    /// The rows of a lookup, in key order.
    ///
    /// # Errors
    /// See [`Scope::get`].
    pub fn find<R: Record>(&mut self, by: R::By, key: impl Into<Key>) -> Result<Vec<Arc<R>>, Halt> {
        let rows = self.store.find(R::TABLE, Layer::Stored, by.into(), &key.into())?;
        Ok(rows.iter().filter_map(downcast).collect())
    }

    /// The last row of a lookup: the one that the lookup's rank puts last. The cost does not grow with
    /// the number of its rows.
    ///
    /// # Errors
    /// See [`Scope::get`].
    pub fn last<R: Record>(
        &mut self,
        by: R::By,
        key: impl Into<Key>,
    ) -> Result<Option<Arc<R>>, Halt> {
        let row = self.store.last(R::TABLE, Layer::Stored, by.into(), &key.into())?;
        Ok(row.as_ref().and_then(downcast))
    }

    /// `INSERT`: a row with a key that no row has.
    ///
    /// # Errors
    /// A hard error where one has it (23505), or where a column does not take its value.
    pub fn insert<R: Record>(&mut self, row: R) -> Handled {
        if self.insert_new(row)? {
            Ok(())
        } else {
            Err(error_with("duplicate_key", R::TABLE.def().name))
        }
    }

    /// `INSERT … ON CONFLICT DO NOTHING`: whether the row is in.
    ///
    /// # Errors
    /// A hard error where a column does not take its value.
    pub fn insert_new<R: Record>(&mut self, row: R) -> Result<bool, Halt> {
        let key = row.key();
        self.check(&row, None)?;
        if self.store.get(R::TABLE, Layer::Stored, &key)?.is_some() {
            return Ok(false);
        }
        self.write(key, None, row)?;
        Ok(true)
    }

    /// `INSERT` of a notification, whose number a row may have already; so [`Scope::insert_new`] else.
    ///
    /// # Errors
    /// A hard error where a column does not take its value.
    pub fn insert_notification(&mut self, row: Notification) -> Result<bool, Halt> {
        if self.state.notification_ids.draw() {
            return Ok(false);
        }
        self.insert_new(row)
    }

    /// `INSERT` into a table whose rows have serial ids: equal rows may stand beside each other.
    ///
    /// # Errors
    /// A hard error where a column does not take its value.
    pub fn append<R: Record>(&mut self, row: R) -> Handled {
        self.check(&row, None)?;
        let (key, row) = self.beside(row);
        self.store.append(R::TABLE, key, Arc::clone(&row));
        derived::fired(None, &row, self)
    }

    /// `UPDATE` of one row: `old`, as it is stored, becomes `new` with the same key.
    ///
    /// # Errors
    /// A hard error where a column does not take its new value.
    pub fn update<R: Record>(&mut self, old: &Arc<R>, new: R) -> Handled {
        self.check(&new, Some(&**old))?;
        let before: Row = Arc::<R>::clone(old);
        self.write(old.key(), Some(&before), new)
    }

    /// `UPDATE` that makes a row current no longer: `old`, as it is stored, becomes `new`, which is
    /// kept among the past rows of the table. Its key is free for another current row.
    ///
    /// # Errors
    /// A hard error where a column does not take its new value.
    pub fn retire<R: Record, Past: Record + From<R>>(&mut self, old: &Arc<R>, new: R) -> Handled {
        self.check(&new, Some(&**old))?;
        let (key, past) = self.beside(Past::from(new.clone()));
        self.store.relocate((R::TABLE, old.key()), (Past::TABLE, key, past))?;
        let old: Row = Arc::<R>::clone(old);
        derived::fired(Some(&old), &row_of(new), self)
    }

    /// `INSERT … ON CONFLICT DO UPDATE`: `row` where there is none with its key, else what `merge`
    /// makes of the stored row and it.
    ///
    /// # Errors
    /// A hard error where a column does not take its value.
    pub fn upsert<R: Record>(&mut self, row: R, merge: impl FnOnce(&R, R) -> R) -> Handled {
        match self.get::<R>(row.key())? {
            None => self.insert(row),
            Some(old) => {
                // The values to insert are sent whether or not they are used.
                self.check(&row, None)?;
                let new = merge(&old, row);
                self.update(&old, new)
            }
        }
    }

    /// `DELETE` of one row. No table that rows are deleted from has a trigger for it.
    ///
    /// # Errors
    /// See [`Scope::get`].
    pub fn delete<R: Record>(&mut self, key: impl Into<Key>) -> Handled {
        Ok(self.store.write(R::TABLE, Layer::Stored, key.into(), None)?)
    }

    /// `DELETE` of the rows of a lookup.
    ///
    /// # Errors
    /// See [`Scope::get`].
    pub fn delete_found<R: Record>(&mut self, by: R::By, key: impl Into<Key>) -> Handled {
        let rows = self.store.find_keyed(R::TABLE, Layer::Stored, by.into(), &key.into())?;
        for (key, _) in rows {
            self.store.write(R::TABLE, Layer::Stored, key, None)?;
        }
        Ok(())
    }

    /// Keeps a comment for the triggers that run at the block's end.
    pub(super) fn defer(&mut self, comment: Arc<Comment>) {
        self.state.deferred.push(comment);
    }

    /// Whether the database has a column.
    pub fn has_column<R: Record>(&self, column: &str) -> bool {
        let shape = self.settings.shape.table(R::TABLE);
        R::TABLE.def().column(column).is_some_and(|index| shape.columns[index].is_present)
    }

    /// The comments whose deferred triggers are due, in order of insertion.
    pub(super) fn take_deferred(&mut self) -> Vec<Arc<Comment>> {
        std::mem::take(&mut self.state.deferred)
    }

    /// Keeps a user whose wallets on Ethereum changed.
    pub(super) fn note_balance(&mut self, user_id: i64) {
        self.state.balances.push(user_id);
    }

    /// The users whose wallets on Ethereum changed.
    pub(super) fn take_balances(&mut self) -> Vec<i64> {
        std::mem::take(&mut self.state.balances)
    }

    /// Writes a row that only triggers write: nothing fires for it, and no column refuses what they
    /// put there.
    ///
    /// # Errors
    /// See [`Scope::get`].
    pub(super) fn derive<R: Record>(&mut self, row: R) -> Handled {
        let key = row.key();
        Ok(self.store.write(R::TABLE, Layer::Stored, key, Some(row_of(row)))?)
    }

    /// Runs what a trigger does: what it writes is no statement of ours.
    ///
    /// # Errors
    /// Those of `work`.
    pub(super) fn as_trigger(&mut self, work: impl FnOnce(&mut Self) -> Handled) -> Handled {
        let before = self.store.derive(true);
        let done = work(self);
        self.store.derive(before);
        done
    }

    pub(super) fn store(&mut self) -> &mut Store {
        self.store
    }

    pub(super) fn savepoint(&self) -> Savepoint {
        Savepoint {
            rows: self.store.mark(),
            deferred: self.state.deferred.len(),
            balances: self.state.balances.len(),
        }
    }

    pub(super) fn roll_back(&mut self, to: Savepoint) {
        self.store.rollback(to.rows);
        self.state.deferred.truncate(to.deferred);
        self.state.balances.truncate(to.balances);
    }

    /// A row with a key of its own: the natural one, the block and a number.
    fn beside<R: Record>(&mut self, row: R) -> (Key, Row) {
        self.state.appended += 1;
        let own = [self.block.number, self.state.appended].map(KeyPart::Int);
        let key = Key::from_parts(row.key().parts().iter().cloned().chain(own));
        let row = row_of(row);
        let row = row.with_defaults().unwrap_or(row);
        (key, row)
    }

    fn check<R: Record>(&self, row: &R, before: Option<&R>) -> Handled {
        let before = before.map(|row| row as &dyn crate::model::table::AnyRow);
        match self.settings.shape.misfit(row, before) {
            None => Ok(()),
            Some(misfit) => Err(error_with("refused_by_schema", misfit.to_string())),
        }
    }

    fn write<R: Record>(&mut self, key: Key, old: Option<&Row>, new: R) -> Handled {
        let row = row_of(new);
        let row = match old {
            // A column's default is for rows that lack it, not for values that an UPDATE leaves NULL.
            Some(_) => row,
            None => row.with_defaults().unwrap_or(row),
        };
        self.store.write(R::TABLE, Layer::Stored, key, Some(Arc::clone(&row)))?;
        derived::fired(old, &row, self)
    }
}
