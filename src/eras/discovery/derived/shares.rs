//! `handle_share`: counters only.

use super::{
    Handled, Scope,
    counters::{
        add, add_or_count, change_user, difference, is_album_of, playlist, shares_of, track, user,
    },
};
use crate::model::tables::Share;

pub(super) fn inserted(row: &Share, before: Option<&Share>, scope: &mut Scope<'_>) -> Handled {
    let step = difference(before.is_some(), true);
    user(scope, row.user_id)?;
    if row.share_type == "track" {
        change_user(scope, row.user_id, |counters| add(&mut counters.track_share_count, step))?;
        let (mut counters, known) = track(scope, row.share_item_id)?;
        if known {
            add(&mut counters.share_count, step);
        } else {
            counters.share_count = Some(shares_of(scope, &row.share_type, row.share_item_id)?);
        }
        return scope.insert(counters);
    }
    let is_album = is_album_of(scope, row.share_item_id)?;
    let Some(mut counters) = playlist(scope, row.share_item_id, is_album)? else {
        return Ok(());
    };
    add_or_count(&mut counters.share_count, step, || {
        shares_of(scope, &row.share_type, row.share_item_id)
    })?;
    scope.insert(counters)
}
