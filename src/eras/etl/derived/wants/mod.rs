//! The rows that the triggers of a call will read, by pair. What handlers name themselves is left
//! out, and so is what only few calls read: a row that is missing in the end costs a load, one that
//! is there as well a second attempt at the batch.

mod comments;
mod content;
mod social;

use crate::{
    eras::etl::{Call, Wants},
    model::tables::{
        AggregateUser, CurrentFollow, CurrentFollowBy, Milestone, Notification, Playlist,
        PlaylistBy, Repost, RepostBy, Save, SaveBy, Track, TrackBy, User, UserBy,
    },
    rules::unicode::go_lower,
};

use super::milestones;

/// How far a counter may be from a milestone for the batch to reach it.
const NEAR: i64 = 16;

/// Names the rows that the triggers of a call read.
pub(in crate::eras::etl) fn wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    match (call.tx.entity_type.as_str(), call.tx.action.as_str()) {
        ("User", "Create") => new_user(call.tx.user_id, wants),
        ("Track", "Create") => content::track_created(call, wants),
        ("Track", "Update" | "Delete") => content::track_changed(call, wants),
        ("TrackCollaborator", "Approve") => content::collaborator_accepted(call, wants),
        ("Playlist", "Create") => content::playlist_created(call, wants),
        ("Playlist", "Update" | "Delete") => content::playlist_changed(call, wants),
        ("Comment", "Create") => comments::created(call, wants),
        ("Comment", "Update") => comments::mentioned(call, wants),
        ("Comment", "Delete") => comments::deleted(call, wants),
        ("Comment", "React") => comments::reacted(call, wants),
        ("Event", "Create") => content::event_created(call, wants),
        ("Grant", "Create" | "Approve") => granted(call, wants),
        (_, "Follow" | "Unfollow") => social::followed(call, wants),
        (_, "Save" | "Unsave") => social::saved(call, wants),
        (_, "Repost" | "Unrepost") => social::reposted(call, wants),
        (_, "Share") => social::shared(call, wants),
        _ => {}
    }
}

/// The counters of a new user, and what they may count already.
fn new_user(user_id: i64, wants: &mut Wants<'_>) {
    wants.row::<AggregateUser>(user_id);
    wants.rows::<Track>(TrackBy::Owner, user_id);
    wants.rows::<Playlist>(PlaylistBy::Owner, user_id);
    wants.rows::<CurrentFollow>(CurrentFollowBy::Followee, user_id);
    wants.rows::<CurrentFollow>(CurrentFollowBy::Follower, user_id);
    wants.rows::<Repost>(RepostBy::User, user_id);
    wants.rows::<Save>(SaveBy::User, user_id);
}

/// The manager whom a grant may be about.
fn granted(call: &Call<'_>, wants: &mut Wants<'_>) {
    let address = call.meta.text("grantee_address");
    if !address.is_empty() {
        wants.rows::<User>(UserBy::WalletLc, go_lower(address));
    }
}

/// The notification of a group to or about a user.
fn note(group_id: &str, user: i64, wants: &mut Wants<'_>) {
    wants.row::<Notification>((group_id, user.to_string()));
}

/// The milestones near a count, of an item and its owner.
fn near_milestones(
    thresholds: &[i64],
    name: &str,
    (item, owner): (i64, i64),
    count: Option<i64>,
    wants: &mut Wants<'_>,
) {
    let count = count.unwrap_or(0);
    for threshold in thresholds.iter().filter(|threshold| (*threshold - count).abs() <= NEAR) {
        wants.row::<Milestone>((item, name, *threshold));
        note(&milestones::group(name, item, *threshold), owner, wants);
    }
}
