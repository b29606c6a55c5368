//! What production's triggers of autumn 2026 derive from the rows that handlers write
//! (triggers.md 4): counters, milestones, notifications.
//!
//! Triggers fire per statement, with the row before and after; those of comments wait for the
//! block's end. Milestones and notifications are the triggers'. Counters move by the difference that
//! a statement makes, and are what production's job counts every ten minutes (production.md 4.2),
//! after every block: where trigger and job count differently, the job is followed. Only when a
//! trigger makes a row of counters, everything is counted.
//!
//! One file per table that is written; [`wants()`] names what all of them read.

mod collaborators;
mod comment_notices;
mod comments;
mod contests;
mod counters;
mod events;
mod fans;
mod follows;
mod genres;
mod grants;
mod milestones;
mod note;
mod playlist_tracks;
mod playlists;
mod plays;
mod recount;
mod reposters;
mod reposts;
mod saves;
mod shares;
mod subscribers;
mod tally;
#[cfg(test)]
mod tests;
mod tracks;
mod users;
mod wallets;
mod wants;

use std::sync::Arc;

pub(super) use plays::{inserted as plays_inserted, wants as plays_wants};
pub(super) use wants::wants;

use super::{Halt, Handled, Scope};
use crate::{
    eras::Derive,
    model::{
        table::{Record, Row, downcast},
        tables::{Comment, TableId},
    },
};

/// Fires the triggers of a row that was inserted, or changed from `old`.
///
/// # Errors
/// A hard error where a trigger of the reference raises one.
pub(super) fn fired(old: Option<&Row>, new: &Row, scope: &mut Scope<'_>) -> Handled {
    if scope.settings.derive == Derive::Elsewhere {
        return Ok(());
    }
    scope.as_trigger(|scope| run(old, new, scope))
}

fn run(old: Option<&Row>, new: &Row, scope: &mut Scope<'_>) -> Handled {
    match new.table() {
        TableId::Users => on(old, new, scope, users::fired),
        TableId::Tracks => on(old, new, scope, tracks::fired),
        TableId::TrackCollaborators => on(old, new, scope, collaborators::fired),
        TableId::Playlists => on(old, new, scope, playlists::fired),
        TableId::PlaylistTracks => on(old, new, scope, playlist_tracks::fired),
        TableId::CurrentFollows => on(old, new, scope, follows::fired),
        TableId::Saves => on(old, new, scope, saves::fired),
        TableId::Reposts => on(old, new, scope, reposts::fired),
        TableId::ShareVersions => on(old, new, scope, shares::fired),
        TableId::Comments => on(old, new, scope, comments::fired),
        TableId::CommentMentions => on(old, new, scope, comment_notices::mentioned),
        TableId::CommentThreads => on(old, new, scope, comment_notices::answered),
        TableId::CommentReactions => on(old, new, scope, comment_notices::reacted),
        TableId::Events => on(old, new, scope, events::fired),
        TableId::GrantVersions => on(old, new, scope, grants::fired),
        TableId::AssociatedWallets => on(old, new, scope, wallets::fired),
        _ => Ok(()),
    }
}

fn on<R: Record>(
    old: Option<&Row>,
    new: &Row,
    scope: &mut Scope<'_>,
    derive: fn(Option<&R>, &Arc<R>, &mut Scope<'_>) -> Handled,
) -> Handled {
    let Some(new) = downcast::<R>(new) else { return Ok(()) };
    let old = old.and_then(downcast::<R>);
    derive(old.as_deref(), &new, scope)
}

/// Runs the deferred triggers of a comment: at the block's end, over everything as it is then.
///
/// # Errors
/// Only [`Halt::Missing`].
pub(super) fn at_commit(comment: &Arc<Comment>, scope: &mut Scope<'_>) -> Handled {
    scope.as_trigger(|scope| {
        swallowing(scope, |scope| comment_notices::commented(comment, scope))?;
        swallowing(scope, |scope| contests::host_posted(comment, scope))?;
        swallowing(scope, |scope| fans::artist_posted(comment, scope))
    })
}

/// A block of a trigger that catches its errors: one takes back what the block wrote, and the rest
/// of the statement stands.
///
/// # Errors
/// Only [`Halt::Missing`].
fn swallowing(scope: &mut Scope<'_>, block: impl FnOnce(&mut Scope<'_>) -> Handled) -> Handled {
    let savepoint = scope.savepoint();
    match block(scope) {
        Err(Halt::Missing) => Err(Halt::Missing),
        Err(Halt::Error(_) | Halt::Reject(_) | Halt::Vanish { .. }) => {
            scope.roll_back(savepoint);
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}
