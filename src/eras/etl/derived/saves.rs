//! `handle_save` (triggers.md 4.2).

use std::sync::Arc;

use super::{
    Halt, Handled, Scope,
    counters::{self, add_to_playlist, add_to_track, add_to_user, difference, is_banned},
    milestones::Counted,
    note::{Note, Stamp},
    reposters::{Item, OfRepost, followees_who_reposted, tell_of_cosign},
    swallowing,
};
use crate::{
    eras::etl::error,
    model::{
        Json,
        tables::{PlaylistTrack, Save, UsdcPurchase, UsdcPurchaseBy},
        value::NULL_ELEMENT,
    },
};

/// Moves the counters, and tells the owner and others.
///
/// # Errors
/// Where the counter stands on a milestone and nobody owns the item: the statement fails.
pub(super) fn fired(old: Option<&Save>, new: &Arc<Save>, scope: &mut Scope<'_>) -> Handled {
    let item = Item { id: new.save_item_id, kind: &new.save_type };
    let step = difference(old.is_some_and(|old| !old.is_delete), !new.is_delete);
    let counted = if item.is_track() {
        add_to_user(new.user_id, |row| &mut row.track_save_count, step, scope)?;
        let count = add_to_track(item.id, |row| &mut row.save_count, step, scope)?;
        Counted { name: "TRACK_SAVE_COUNT", item: item.id, count, is_album: None }
    } else {
        counters::user(new.user_id, scope)?;
        let (count, is_album) = add_to_playlist(item.id, |row| &mut row.save_count, step, scope)?;
        let is_album = Some(is_album);
        Counted { name: "PLAYLIST_SAVE_COUNT", item: item.id, count, is_album }
    };
    if new.is_delete || is_banned(new.user_id, scope)? {
        return Ok(());
    }
    let owner = item.owner(scope)?;
    let stamp = Stamp::of(new.blocknumber, new.created_at);
    if let Some(threshold) = counted.threshold() {
        // Parity: the owner is the specifier, which takes no NULL.
        let owner = owner.ok_or_else(|| error("milestone_without_owner"))?;
        counted.reach(threshold, owner, stamp, scope)?;
    }
    let is_album = counted.is_album.flatten() == Some(true);
    swallowing(scope, |scope| tell(new, item, owner, is_album, scope))
}

fn tell(
    new: &Save,
    item: Item<'_>,
    owner: Option<i64>,
    is_album: bool,
    scope: &mut Scope<'_>,
) -> Handled {
    let stamp = Stamp::of(new.blocknumber, new.created_at);
    let bought = Purchased::of(new.user_id, item, scope)?;
    if !bought.item && !bought.album_of_track {
        Note {
            kind: "save",
            group_id: group(item),
            specifier: new.user_id.to_string(),
            user_ids: vec![owner.unwrap_or(NULL_ELEMENT)],
            data: Json::object([
                ("save_item_id", Json::Int(item.id)),
                ("user_id", Json::Int(new.user_id)),
                ("type", Json::Str(item.kind.to_owned())),
            ]),
        }
        .write(stamp, scope)?;
    }
    if new.is_save_of_repost == Some(true) && !bought.album_of_track {
        let receivers = followees_who_reposted(new.user_id, item, false, new.created_at, scope)?;
        let (kind, item_key) = ("save_of_repost", "save_of_repost_item_id");
        OfRepost { kind, item_key, actor: new.user_id, item, is_album }
            .tell(receivers, stamp, scope)?;
    }
    if item.is_track() { tell_of_cosign(new.user_id, item.id, stamp, scope) } else { Ok(()) }
}

/// The group of the notifications of saves of an item.
pub(super) fn group(item: Item<'_>) -> String {
    format!("save:{}:type:{}", item.id, item.kind)
}

/// What of the saved item its saver bought before.
#[derive(Clone, Copy, Debug)]
struct Purchased {
    item: bool,
    album_of_track: bool,
}

impl Purchased {
    fn of(user: i64, item: Item<'_>, scope: &mut Scope<'_>) -> Result<Self, Halt> {
        let purchases = scope.find::<UsdcPurchase>(UsdcPurchaseBy::Buyer, user)?;
        let kind = if item.is_track() { "track" } else { "album" };
        let is_item =
            |bought: &UsdcPurchase| bought.content_type == kind && bought.content_id == item.id;
        let mut album_of_track = false;
        if item.is_track() {
            // Parity: the join is on the number alone, whatever was bought, and sees removed tracks.
            for bought in &purchases {
                let entry = (bought.content_id, item.id);
                album_of_track |= scope.get::<PlaylistTrack>(entry)?.is_some();
            }
        }
        Ok(Self { item: purchases.iter().any(|bought| is_item(bought)), album_of_track })
    }
}
