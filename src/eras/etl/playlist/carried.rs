//! What a playlist of the genesis brings with it (frame.md 7.2, 7.3).

use super::Removed;
use crate::eras::etl::{Call, Metadata};

/// What a new playlist has besides its metadata. Nothing in live traffic: a playlist is never made
/// deleted, its route is made from its name, and no track has left it.
#[derive(Debug, Default)]
pub struct Carried<'a> {
    /// It is deleted.
    pub is_delete: bool,
    /// The route that it has, in place of one made from its name.
    pub route: Option<GivenRoute<'a>>,
    /// Tracks that have left it, in the order sent.
    pub removed: Vec<Removed>,
}

/// A route as it was elsewhere, to be kept as it is.
#[derive(Clone, Copy, Debug)]
pub struct GivenRoute<'a> {
    /// The unique part of the URL.
    pub slug: &'a str,
    /// The slug before collisions were settled.
    pub title_slug: &'a str,
    /// Number of the collision.
    pub collision_id: i64,
}

impl<'a> Carried<'a> {
    /// What a migrated call carries.
    pub fn of(call: &'a Call<'_>) -> Self {
        Self {
            is_delete: call.meta.bool("is_delete").unwrap_or(false),
            route: GivenRoute::of(&call.meta),
            removed: call.meta.get("removed_tracks").map(Removed::listed).unwrap_or_default(),
        }
    }
}

impl<'a> GivenRoute<'a> {
    /// The route under `route_slug`, if there is one.
    pub fn of(meta: &'a Metadata<'_>) -> Option<Self> {
        let slug = meta.filled("route_slug")?;
        let title_slug = meta.filled("route_title_slug").unwrap_or(slug);
        let collision_id = meta.int("route_collision_id").unwrap_or_default();
        Some(Self { slug, title_slug, collision_id })
    }
}
