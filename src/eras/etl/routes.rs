//! Free slugs among the routes of one owner, for tracks and playlists alike (tracks.md 4.2,
//! social.md 2.6).

use super::{Halt, Scope, Wants};
use crate::{
    model::table::Record,
    rules::slug::{self, UniqueSlug},
};

/// A route of a track or playlist, at the key (owner, slug).
pub trait Route: Record {
    /// The lookup of an owner's routes by title slug, ranked by their numbers.
    const OWNER_TITLE_SLUG: Self::By;

    /// Number of the collision.
    fn collision_id(&self) -> i64;
}

/// The slug that `owner_id` has not used yet for a title slug: the number goes on from the highest
/// of the owner's routes of that title slug, past and current, up to one that is free. A number that
/// is passed over is below the highest from then on, so that n equal titles cost n looks.
///
/// # Errors
/// Only [`Halt::Missing`].
pub fn free_slug<R: Route>(
    title_slug: &str,
    owner_id: i64,
    scope: &mut Scope<'_>,
) -> Result<UniqueSlug, Halt> {
    let last = scope.last::<R>(R::OWNER_TITLE_SLUG, (owner_id, title_slug))?;
    let highest = last.map(|route| route.collision_id());
    let mut is_taken = |slug: &str| Ok(scope.get::<R>((owner_id, slug))?.is_some());
    let exists = slug::ends_in_decimal_digit(title_slug) && is_taken(title_slug)?;
    slug::unique_slug(title_slug.to_owned(), highest, exists, is_taken)
}

/// Names what [`free_slug`] reads, and the route that is likely to be made.
pub fn wants<R: Route>(owner_id: i64, title_slug: &str, wants: &mut Wants<'_>) {
    let last = wants.last::<R>(R::OWNER_TITLE_SLUG, (owner_id, title_slug)).row();
    wants.row::<R>((owner_id, title_slug));
    if let Some(highest) = last.map(|route| route.collision_id()) {
        wants.row::<R>((owner_id, format!("{title_slug}-{}", highest.saturating_add(1))));
    }
}
