//! Which rows a block will probably read, from its text alone.
//!
//! Asked for before the block is applied, while another one is, these rows are in memory when the
//! handlers want them. It is no more than a guess: a row that is left out here costs a second
//! attempt at the batch, one that nobody reads costs a load, and neither changes a result. Which
//! rows were left out shows with `-vvv`, as "rows that were not foreseen and are there".

mod comments;
mod content;
mod social;
mod users;

use std::sync::Arc;

use crate::{
    ledger,
    model::{
        Block, EntityTx, Json, TxBody,
        json::Object,
        key::Key,
        table::{Record, downcast},
        tables::{
            Address, AggregateUser, DeveloperApp, DeveloperAppBy, Grant, GrantBy, User, UserBy,
        },
    },
    store::Store,
};

/// Asks `store` for the rows that the transactions of `block` at `positions` will probably read and
/// that are not in memory. Returns the positions of those that have to be looked at again once the
/// rows are there: they lead to others.
pub(super) fn preload(block: &Block, positions: Vec<usize>, store: &mut Store) -> Vec<usize> {
    let mut wish = Wish { store, leads_on: false };
    let mut again = Vec::new();
    for position in positions {
        wish.leads_on = false;
        match &block.txs[position].body {
            TxBody::ManageEntity(call) => wish.call(call),
            TxBody::Plays(plays) => plays.iter().for_each(|play| wish.play(play)),
            _ => {}
        }
        if wish.leads_on {
            again.push(position);
        }
    }
    again
}

struct Wish<'a> {
    store: &'a mut Store,
    /// A row was looked at that is not in memory.
    leads_on: bool,
}

/// What memory says of a row.
enum Known<R> {
    /// Nothing yet; it was asked for.
    Unknown,
    /// There is none.
    Absent,
    Row(Arc<R>),
}

impl<R> Known<R> {
    fn row(self) -> Option<Arc<R>> {
        match self {
            Self::Row(row) => Some(row),
            Self::Unknown | Self::Absent => None,
        }
    }
}

impl Wish<'_> {
    fn row<R: Record>(&mut self, key: impl Into<Key>) {
        self.store.want(R::TABLE, key.into());
    }

    fn rows<R: Record>(&mut self, by: R::By, key: impl Into<Key>) {
        self.store.want_lookup(R::TABLE, by.into(), key.into());
    }

    /// What is known of a row, which is asked for if that is nothing.
    fn look<R: Record>(&mut self, key: impl Into<Key>) -> Known<R> {
        let key = key.into();
        let known = match self.store.known(R::TABLE, &key) {
            None => {
                self.row::<R>(key);
                Known::Unknown
            }
            Some(row) => row.and_then(downcast).map_or(Known::Absent, Known::Row),
        };
        // The batch before may be about to make an absent one.
        self.leads_on |= !matches!(known, Known::Row(_));
        known
    }

    /// The rows of a lookup that are in memory; they are asked for if that is not all of them.
    fn found<R: Record>(&mut self, by: R::By, key: impl Into<Key>) -> Vec<Arc<R>> {
        let (lookup, key) = (by.into(), key.into());
        let rows = self.store.known_by(R::TABLE, lookup, &key);
        if rows.is_none() {
            self.leads_on = true;
            self.store.want_lookup(R::TABLE, lookup, key);
        }
        rows.into_iter().flatten().filter_map(|row| downcast(&row)).collect()
    }

    fn call(&mut self, tx: &EntityTx) {
        self.user(tx.user_id);
        self.signer(tx);
        let data = data_of(tx);
        match tx.entity_type.as_str() {
            "User" => self.user_call(tx, data),
            "Track" => self.track_call(tx, data),
            "Playlist" => self.playlist_call(tx, data),
            "Event" => self.event_call(tx, data),
            "Comment" => self.comment_call(tx, data),
            _ => self.account_call(tx, data),
        }
        self.tie(tx);
    }

    fn user(&mut self, user_id: i64) {
        self.row::<User>(user_id);
        self.row::<AggregateUser>(user_id);
    }

    fn signer(&mut self, tx: &EntityTx) {
        self.row::<Address>(ledger::clean(&tx.signer).as_ref());
        let signer = tx.signer.to_lowercase();
        self.rows::<Grant>(GrantBy::GranteeLc, (signer.as_str(), tx.user_id));
        self.rows::<DeveloperApp>(DeveloperAppBy::AddressLc, signer.as_str());
        self.rows::<User>(UserBy::WalletLc, signer);
    }
}

/// Whether a call makes, changes or deletes what it names.
fn is_edit(tx: &EntityTx) -> bool {
    matches!(tx.action.as_str(), "Create" | "Update" | "Delete")
}

/// The metadata proper: inside an envelope, or as it is.
fn data_of(tx: &EntityTx) -> Option<&Object> {
    let object = tx.json.as_ref()?.as_ref().ok()?.as_object()?;
    object.get("data").and_then(Json::as_object).or(Some(object))
}

fn text<'a>(data: Option<&'a Object>, key: &str) -> Option<&'a str> {
    data?.get(key)?.as_str()
}

fn id(data: Option<&Object>, key: &str) -> Option<i64> {
    data?.get(key)?.as_int()
}
