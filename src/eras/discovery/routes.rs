//! Free slugs for the routes of tracks and playlists (handlers-b 3.2).

use super::{HandlerError, Scope};
use crate::{
    model::{key::Key, table::Record},
    rules::slug,
};

/// A row that gives a record its URL.
pub(super) trait Route: Record {
    /// The lookup by owner and title slug.
    const OWNER_TITLE_SLUG: Self::By;

    /// The owner's id.
    fn owner_id(&self) -> i64;

    /// The unique part of the URL.
    fn slug(&self) -> &str;

    /// The number at the slug's end, or 0.
    fn collision_id(&self) -> i64;

    /// Whether the row is one that the reference writes without adding it to its list of the
    /// block's routes.
    fn is_unlisted(&self, scope: &Scope<'_>) -> bool;
}

/// Settles the slug of a title among the routes of one owner.
///
/// The reference keeps a list of the routes that the block has made so far. If the list has the
/// title slug, the database is not asked for the highest number.
///
/// # Errors
/// Only [`HandlerError::Missing`].
pub(super) fn free_slug<R: Route>(
    scope: &mut Scope<'_>,
    title: &str,
    record_id: i64,
    owner_id: i64,
) -> Result<slug::UniqueSlug, HandlerError> {
    let title_slug = slug::title_slug(title, record_id);
    let of_title = Key::from((owner_id, &title_slug));
    let stored = scope.stored_last::<R>(R::OWNER_TITLE_SLUG, of_title.clone())?;
    let stored = stored.map(|route| route.collision_id());
    // What the block lists went on from the highest stored number: n equal titles cost n looks.
    let listed = scope
        .pending_by::<R>(R::OWNER_TITLE_SLUG, &of_title)
        .rev()
        .take_while(|route| Some(route.collision_id()) > stored)
        .find(|route| is_listed(route.as_ref(), scope));
    let highest = listed.map(|route| route.collision_id()).or(stored);
    let exists = slug::ends_in_digit(&title_slug) && is_taken::<R>(scope, owner_id, &title_slug)?;
    slug::unique_slug(title_slug, highest, exists, |slug| is_taken::<R>(scope, owner_id, slug))
}

/// Whether the block made the row and put it on its list.
fn is_listed<R: Route>(route: &R, scope: &Scope<'_>) -> bool {
    let key = (route.owner_id(), route.slug());
    scope.at_block_start::<R>(key).is_none() && !route.is_unlisted(scope)
}

fn is_taken<R: Route>(
    scope: &mut Scope<'_>,
    owner_id: i64,
    slug: &str,
) -> Result<bool, HandlerError> {
    match scope.view::<R>((owner_id, slug))? {
        None => Ok(false),
        Some(_) if scope.at_block_start::<R>((owner_id, slug)).is_some() => Ok(true),
        Some(route) => Ok(is_listed(route.as_ref(), scope)),
    }
}
