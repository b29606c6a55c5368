//! `handle_save`: counters, the owner's and the followees' notifications, co-signs.

use super::{
    Handled, HandlerError, Note, Scope, Stamp,
    counters::{
        add, add_or_count, change_user, difference, is_album_of, is_banned, playlist, saves_of,
        track, user,
    },
    milestones::ContentMilestone,
    reposts::{cosign_fails, followees_who_reposted, notify_cosign, owner_of},
};
use crate::model::{
    Json,
    tables::{PlaylistTrack, Save, UsdcPurchase, UsdcPurchaseBy},
    value::NULL_ELEMENT,
};

pub(super) fn inserted(row: &Save, before: Option<&Save>, scope: &mut Scope<'_>) -> Handled {
    let is_track = row.save_type == "track";
    let step = difference(before.is_some_and(|old| !old.is_delete), !row.is_delete);
    user(scope, row.user_id)?;
    let (count, is_album) = if is_track {
        change_user(scope, row.user_id, |counters| add(&mut counters.track_save_count, step))?;
        let (mut counters, known) = track(scope, row.save_item_id)?;
        if known {
            add(&mut counters.save_count, step);
        } else {
            counters.save_count = Some(saves_of(scope, &row.save_type, row.save_item_id)?);
        }
        scope.insert(counters.clone())?;
        (counters.save_count, None)
    } else {
        let is_album = is_album_of(scope, row.save_item_id)?;
        // Where the playlist comes later in the block, there is nothing to count on yet.
        match playlist(scope, row.save_item_id, is_album)? {
            None => (None, Some(false)),
            Some(mut counters) => {
                add_or_count(&mut counters.save_count, step, || {
                    saves_of(scope, &row.save_type, row.save_item_id)
                })?;
                scope.insert(counters.clone())?;
                (counters.save_count, Some(counters.is_album.unwrap_or(false)))
            }
        }
    };
    if row.is_delete || is_banned(scope, row.user_id)? {
        return Ok(());
    }
    let owner = owner_of(scope, is_track, row.save_item_id)?;
    let stamp = Stamp { blocknumber: row.blocknumber, slot: None, timestamp: row.created_at };
    ContentMilestone {
        name: if is_track { "TRACK_SAVE_COUNT" } else { "PLAYLIST_SAVE_COUNT" },
        item: row.save_item_id,
        owner,
        count: count.unwrap_or(0),
        is_album,
    }
    .check(stamp, scope)?;
    if is_track && cosign_fails(scope, row.save_item_id)? {
        return Ok(());
    }
    let bought = purchased(row, is_track, scope)?;
    if !bought.any() {
        Note {
            kind: "save",
            group_id: format!("save:{}:type:{}", row.save_item_id, row.save_type),
            specifier: row.user_id.to_string(),
            user_ids: vec![owner.unwrap_or(NULL_ELEMENT)],
            data: Json::object([
                ("save_item_id", Json::Int(row.save_item_id)),
                ("user_id", Json::Int(row.user_id)),
                ("type", Json::Str(row.save_type.clone())),
            ]),
        }
        .write(stamp, scope)?;
    }
    if row.is_save_of_repost.unwrap_or(false) && !bought.album_of_track {
        notify_followees(row, is_album, stamp, scope)?;
    }
    if is_track {
        notify_cosign(row.user_id, row.save_item_id, owner, stamp, scope)?;
    }
    Ok(())
}

fn notify_followees(
    row: &Save,
    is_album: Option<bool>,
    stamp: Stamp,
    scope: &mut Scope<'_>,
) -> Handled {
    let receivers = followees_who_reposted(
        scope,
        row.user_id,
        (row.save_item_id, &row.save_type),
        false,
        row.created_at,
    )?;
    if receivers.is_empty() {
        return Ok(());
    }
    let kind = if is_album == Some(true) { "album" } else { &row.save_type };
    Note {
        kind: "save_of_repost",
        group_id: format!("save_of_repost:{}:type:{}", row.save_item_id, row.save_type),
        specifier: row.user_id.to_string(),
        user_ids: receivers,
        data: Json::object([
            ("save_of_repost_item_id", Json::Int(row.save_item_id)),
            ("user_id", Json::Int(row.user_id)),
            ("type", Json::Str(kind.to_owned())),
        ]),
    }
    .write(stamp, scope)
}

/// What of the saved item its saver bought before.
struct Purchased {
    item: bool,
    album_of_track: bool,
}

impl Purchased {
    const fn any(&self) -> bool {
        self.item || self.album_of_track
    }
}

fn purchased(row: &Save, is_track: bool, scope: &mut Scope<'_>) -> Result<Purchased, HandlerError> {
    let purchases = scope.stored_by::<UsdcPurchase>(UsdcPurchaseBy::Buyer, row.user_id)?;
    let kind = if is_track { "track" } else { "album" };
    let item = purchases
        .iter()
        .any(|bought| bought.content_type == kind && bought.content_id == row.save_item_id);
    let mut album_of_track = false;
    if is_track {
        // The trigger joins on the id alone, whatever was bought.
        for bought in &purchases {
            let entry = (bought.content_id, row.save_item_id);
            album_of_track |= scope.stored::<PlaylistTrack>(entry)?.is_some();
        }
    }
    Ok(Purchased { item, album_of_track })
}
