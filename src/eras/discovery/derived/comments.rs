//! `handle_comment`: the comment counter of a track.

use super::{
    Handled, Scope,
    counters::{add, difference, track},
};
use crate::model::tables::{Comment, CommentBy};

pub(super) fn inserted(row: &Comment, before: Option<&Comment>, scope: &mut Scope<'_>) -> Handled {
    if row.entity_type != "Track" {
        return Ok(());
    }
    let (mut counters, known) = track(scope, row.entity_id)?;
    if known {
        add(&mut counters.comment_count, difference(before.is_some_and(counts), counts(row)));
    } else {
        let rows = scope.stored_by::<Comment>(CommentBy::Entity, ("Track", row.entity_id))?;
        let count = rows.iter().filter(|comment| counts(comment)).count();
        counters.comment_count = i64::try_from(count).ok();
    }
    scope.insert(counters)
}

fn counts(comment: &Comment) -> bool {
    !comment.is_delete.unwrap_or(false) && comment.is_visible.unwrap_or(true)
}
