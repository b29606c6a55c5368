//! What production's triggers derive from the rows that handlers write: counters, milestones and
//! notifications (handlers-b 11, handlers-c 8).
//!
//! The reference saves a block's records one by one, and a trigger runs after each. The same happens
//! here in memory, record by record in the same order, against the stored view: so the rows do not
//! depend on how many blocks share a database transaction. On a database that has production's
//! triggers, those do the work, and only follower counts are followed here.
//!
//! Recounts become differences: the counter before, minus one if the old row counted, plus one if
//! the new one does. A counter that does not exist yet is counted from the rows.

mod comments;
mod contests;
mod counters;
mod follows;
mod grants;
mod milestones;
mod playlists;
mod plays;
mod reactions;
mod reposts;
mod saves;
mod shares;
mod tracks;

use std::sync::Arc;

use super::{BlockContext, Derive, Environment, Handled, HandlerError, Scope};
use crate::{
    model::{
        Json,
        table::{Record, Row, downcast},
        tables::{
            Comment, Event, Follow, Grant, Notification, Playlist, PlaylistTrack, Reaction, Repost,
            Save, Share, TableId, Track, User,
        },
    },
    store::{Layer, Store},
};

pub(super) use plays::count as count_plays;
pub(super) use reposts::{TYPES, fewer_reposts};

/// Saves the block's records in the reference's order and derives what follows from each.
///
/// # Errors
/// Only [`HandlerError::Missing`]; every record is tried, so that one round loads all of them.
pub(super) fn save_block(store: &mut Store, context: &BlockContext, env: &Environment) -> Handled {
    let mut missing = false;
    for (table, key, row) in store.save_order() {
        let Some(row) = row else {
            missing |= store.write(table, Layer::Stored, key, None).is_err();
            continue;
        };
        let row = row.with_defaults().unwrap_or(row);
        let before = store.get(table, Layer::Stored, &key).ok().flatten();
        missing |= store.write(table, Layer::Stored, key, Some(Arc::clone(&row))).is_err();
        let derived = inserted(&row, before.as_ref(), &mut Scope::new(store, context, env));
        missing |= matches!(derived, Err(HandlerError::Missing));
    }
    if missing { Err(HandlerError::Missing) } else { Ok(()) }
}

/// Derives what follows from the insertion of `row`, which replaced `before`.
///
/// # Errors
/// Only [`HandlerError::Missing`].
pub(super) fn inserted(row: &Row, before: Option<&Row>, scope: &mut Scope<'_>) -> Handled {
    if scope.env.derive != Derive::Here {
        return match row.table() {
            TableId::Follows => on::<Follow>(row, before, scope, |row, _, scope| {
                follows::count(row, scope).map(drop)
            }),
            _ => Ok(()),
        };
    }
    match row.table() {
        TableId::Users => on::<User>(row, before, scope, |user, _, scope| {
            counters::user(scope, user.user_id).map(drop)
        }),
        TableId::Tracks => on::<Track>(row, before, scope, tracks::inserted),
        TableId::Playlists => on::<Playlist>(row, before, scope, playlists::inserted),
        TableId::PlaylistTracks => {
            on::<PlaylistTrack>(row, before, scope, playlists::track_inserted)
        }
        TableId::Follows => on::<Follow>(row, before, scope, follows::inserted),
        TableId::Saves => on::<Save>(row, before, scope, saves::inserted),
        TableId::Reposts => on::<Repost>(row, before, scope, reposts::inserted),
        TableId::Shares => on::<Share>(row, before, scope, shares::inserted),
        TableId::Comments => on::<Comment>(row, before, scope, comments::inserted),
        TableId::Events => on::<Event>(row, before, scope, contests::event_inserted),
        TableId::Grants => on::<Grant>(row, before, scope, grants::inserted),
        TableId::Reactions => on::<Reaction>(row, before, scope, reactions::inserted),
        _ => Ok(()),
    }
}

fn on<R: Record>(
    row: &Row,
    before: Option<&Row>,
    scope: &mut Scope<'_>,
    derive: fn(&R, Option<&R>, &mut Scope<'_>) -> Handled,
) -> Handled {
    let Some(typed) = downcast::<R>(row) else { return Ok(()) };
    let before = before.and_then(downcast::<R>);
    derive(&typed, before.as_deref(), scope)
}

/// A notification that a trigger writes: nothing happens if its group and specifier exist.
struct Note {
    kind: &'static str,
    group_id: String,
    specifier: String,
    user_ids: Vec<i64>,
    data: Json,
}

/// Where the row behind a notification stands.
#[derive(Clone, Copy)]
struct Stamp {
    blocknumber: Option<i64>,
    slot: Option<i64>,
    timestamp: crate::model::Timestamp,
}

impl Note {
    fn write(self, stamp: Stamp, scope: &mut Scope<'_>) -> Handled {
        if scope.stored::<Notification>((&self.group_id, &self.specifier))?.is_some() {
            return Ok(());
        }
        scope.insert(Notification {
            specifier: self.specifier,
            group_id: self.group_id,
            r#type: self.kind.to_owned(),
            slot: stamp.slot,
            blocknumber: stamp.blocknumber,
            timestamp: stamp.timestamp,
            data: Some(Arc::new(self.data)),
            user_ids: Some(self.user_ids),
            type_v2: None,
        })
    }
}

#[cfg(test)]
mod tests;
