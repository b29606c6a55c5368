//! `track_routes` (handlers-b 3.3).

use std::sync::Arc;

use crate::{
    eras::discovery::{
        Handled, Scope,
        routes::{Route, free_slug},
        skip,
    },
    model::{
        EntityTx, Json,
        tables::{Track, TrackRoute, TrackRouteBy},
    },
    rules::slug,
};

impl Route for TrackRoute {
    const OWNER_TITLE_SLUG: TrackRouteBy = TrackRouteBy::OwnerTitleSlug;

    fn owner_id(&self) -> i64 {
        self.owner_id
    }

    fn slug(&self) -> &str {
        &self.slug
    }

    fn collision_id(&self) -> i64 {
        self.collision_id
    }

    fn is_unlisted(&self, _scope: &Scope<'_>) -> bool {
        false
    }
}

/// Asks for the rows that [`update`] reads.
pub(super) fn preload(title: Option<&Json>, track_id: i64, owner_id: i64, scope: &mut Scope<'_>) {
    let Some(title) = title.and_then(Json::as_str) else { return };
    let title_slug = slug::title_slug(title, track_id);
    scope.want_by::<TrackRoute>(TrackRouteBy::Track, (track_id, true));
    scope.want_by::<TrackRoute>(TrackRouteBy::OwnerTitleSlug, (owner_id, &title_slug));
    scope.want::<TrackRoute>((owner_id, title_slug));
}

/// Gives `track` a route for the title that was sent, unless its current route is for that slug.
///
/// # Errors
/// Skips a title that is not text.
pub(super) fn update(
    tx: &EntityTx,
    title: Option<&Json>,
    track: &Track,
    scope: &mut Scope<'_>,
) -> Handled {
    let Some(title) = title else { return Ok(()) };
    if title.as_str() == track.title.as_deref() && (title.is_null() || title.as_str().is_some()) {
        return Ok(());
    }
    let title = title.as_str().ok_or_else(|| skip("title_not_text"))?;
    let title_slug = slug::title_slug(title, track.track_id);
    let routes = scope.view_by::<TrackRoute>(TrackRouteBy::Track, (track.track_id, true))?;
    if let Some(current) = routes.into_iter().next() {
        if current.title_slug == title_slug {
            return Ok(());
        }
        retire(&current, scope)?;
    }
    let unique = free_slug::<TrackRoute>(scope, title, track.track_id, track.owner_id)?;
    scope.put(TrackRoute {
        slug: unique.slug,
        title_slug,
        collision_id: unique.collision_id,
        owner_id: track.owner_id,
        track_id: track.track_id,
        is_current: true,
        blockhash: scope.block.hash.clone(),
        blocknumber: scope.block.number,
        txhash: tx.hash.clone(),
    })
}

/// Parity: the reference flips the flag of a stored route at once, so that the block's end no longer
/// finds a current row to archive.
fn retire(current: &Arc<TrackRoute>, scope: &mut Scope<'_>) -> Handled {
    let is_stored = scope.at_block_start::<TrackRoute>((current.owner_id, &current.slug)).is_some();
    let retired = TrackRoute { is_current: false, ..(**current).clone() };
    if is_stored { scope.insert(retired) } else { scope.put(retired) }
}
