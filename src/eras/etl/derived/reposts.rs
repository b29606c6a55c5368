//! `handle_repost` (triggers.md 4.3).

use std::sync::Arc;

use super::{
    Handled, Scope,
    counters::{add_to_playlist, add_to_track, add_to_user, difference, is_banned},
    milestones::Counted,
    note::{Note, Stamp},
    reposters::{Item, OfRepost, followees_who_reposted, tell_of_cosign},
    swallowing,
};
use crate::model::{Json, tables::Repost, value::NULL_ELEMENT};

/// Moves the counters, and tells the owner and others; an error takes all of it back.
pub(super) fn fired(old: Option<&Repost>, new: &Arc<Repost>, scope: &mut Scope<'_>) -> Handled {
    swallowing(scope, |scope| count_and_tell(old, new, scope))
}

fn count_and_tell(old: Option<&Repost>, new: &Repost, scope: &mut Scope<'_>) -> Handled {
    let item = Item { id: new.repost_item_id, kind: &new.repost_type };
    let step = difference(old.is_some_and(|old| !old.is_delete), !new.is_delete);
    add_to_user(new.user_id, |row| &mut row.repost_count, step, scope)?;
    let counted = if item.is_track() {
        let count = add_to_track(item.id, |row| &mut row.repost_count, step, scope)?;
        Counted { name: "TRACK_REPOST_COUNT", item: item.id, count, is_album: None }
    } else {
        let (count, is_album) = add_to_playlist(item.id, |row| &mut row.repost_count, step, scope)?;
        let is_album = Some(is_album);
        Counted { name: "PLAYLIST_REPOST_COUNT", item: item.id, count, is_album }
    };
    if new.is_delete || is_banned(new.user_id, scope)? {
        return Ok(());
    }
    let owner = item.owner(scope)?;
    if let (Some(threshold), Some(owner)) = (counted.threshold(), owner) {
        counted.reach(threshold, owner, Stamp::of(new.blocknumber, new.created_at), scope)?;
    }
    let is_album = counted.is_album.flatten() == Some(true);
    swallowing(scope, |scope| tell(new, item, owner, is_album, scope))
}

fn tell(
    new: &Repost,
    item: Item<'_>,
    owner: Option<i64>,
    is_album: bool,
    scope: &mut Scope<'_>,
) -> Handled {
    let stamp = Stamp::of(new.blocknumber, new.created_at);
    Note {
        kind: "repost",
        group_id: group(item),
        specifier: new.user_id.to_string(),
        // Parity: an item without a current row has no owner, and NULL is told.
        user_ids: vec![owner.unwrap_or(NULL_ELEMENT)],
        data: Json::object([
            ("repost_item_id", Json::Int(item.id)),
            ("user_id", Json::Int(new.user_id)),
            ("type", Json::Str(item.kind.to_owned())),
        ]),
    }
    .write(stamp, scope)?;
    if new.is_repost_of_repost == Some(true) {
        // Parity: unlike a save, a repost does not compare the type.
        let receivers = followees_who_reposted(new.user_id, item, true, new.created_at, scope)?;
        let (kind, item_key) = ("repost_of_repost", "repost_of_repost_item_id");
        OfRepost { kind, item_key, actor: new.user_id, item, is_album }
            .tell(receivers, stamp, scope)?;
    }
    if item.is_track() { tell_of_cosign(new.user_id, item.id, stamp, scope) } else { Ok(()) }
}

/// The group of the notifications of reposts of an item.
pub(super) fn group(item: Item<'_>) -> String {
    format!("repost:{}:type:{}", item.id, item.kind)
}
