//! `track_routes` and `tracks.route_id` (tracks.md 4).

use std::sync::Arc;

use crate::{
    eras::etl::{
        Call, Halt, Handled, Scope, Wants,
        playlist::GivenRoute,
        routes::{self, Route, free_slug},
    },
    model::tables::{Track, TrackRoute, TrackRouteBy, User},
    rules::slug,
};

/// `is_current` of a current route, as part of a lookup.
const CURRENT: i64 = 1;

impl Route for TrackRoute {
    const OWNER_TITLE_SLUG: TrackRouteBy = TrackRouteBy::OwnerTitleSlug;

    fn collision_id(&self) -> i64 {
        self.collision_id
    }
}

/// Gives a new track the route of its title, or the one `given`.
///
/// # Errors
/// A hard error where the slug is taken.
pub(super) fn create(
    call: &Call<'_>,
    given: Option<&GivenRoute<'_>>,
    scope: &mut Scope<'_>,
) -> Handled {
    let route = match given {
        Some(given) => given_route(call, given, scope),
        None => titled_route(call, call.meta.text("title"), scope)?,
    };
    scope.insert(route)
}

/// Gives a track the route and the `route_id` of its new title.
///
/// # Errors
/// A hard error where the slug is taken.
pub(super) fn rename(call: &Call<'_>, title: &str, scope: &mut Scope<'_>) -> Handled {
    let route_id = route_id(call, title, scope)?;
    if let Some(old) = scope.get::<Track>(call.tx.entity_id)? {
        scope.update(&old, Track { route_id: Some(route_id), ..(*old).clone() })?;
    }
    let routes = scope.find::<TrackRoute>(TrackRouteBy::Track, (call.tx.entity_id, CURRENT))?;
    for old in &routes {
        scope.update(old, TrackRoute { is_current: false, ..(**old).clone() })?;
    }
    let route = titled_route(call, title, scope)?;
    scope.insert(route)
}

/// The old form of a track's URL: the owner's handle, or a stand-in for one, and the title.
///
/// # Errors
/// Only [`Halt::Missing`].
pub(super) fn route_id(
    call: &Call<'_>,
    title: &str,
    scope: &mut Scope<'_>,
) -> Result<String, Halt> {
    let owner: Option<Arc<User>> = scope.get(call.tx.user_id)?;
    let handle = owner.as_ref().and_then(|owner| owner.handle.as_deref());
    let handle = handle.filter(|handle| !handle.is_empty());
    Ok(match handle {
        Some(handle) => slug::go_route_id(handle, title),
        None => slug::go_route_id(&format!("user-{}", call.tx.user_id), title),
    })
}

/// Names what [`create`] reads.
pub(super) fn create_wants(call: &Call<'_>, given: Option<&GivenRoute<'_>>, wants: &mut Wants<'_>) {
    match given {
        Some(given) => wants.row::<TrackRoute>((call.tx.user_id, given.slug)),
        None => title_wants(call, call.meta.text("title"), wants),
    }
}

/// Names what [`rename`] reads.
pub(super) fn rename_wants(call: &Call<'_>, title: &str, wants: &mut Wants<'_>) {
    wants.row::<User>(call.tx.user_id);
    wants.rows::<TrackRoute>(TrackRouteBy::Track, (call.tx.entity_id, CURRENT));
    title_wants(call, title, wants);
}

fn title_wants(call: &Call<'_>, title: &str, wants: &mut Wants<'_>) {
    let title_slug = slug::go_title_slug(title, call.tx.entity_id);
    routes::wants::<TrackRoute>(call.tx.user_id, &title_slug, wants);
}

fn titled_route(call: &Call<'_>, title: &str, scope: &mut Scope<'_>) -> Result<TrackRoute, Halt> {
    let title_slug = slug::go_title_slug(title, call.tx.entity_id);
    let free = free_slug::<TrackRoute>(&title_slug, call.tx.user_id, scope)?;
    let (slug, title_slug, collision_id) = (&free.slug, &title_slug, free.collision_id);
    Ok(given_route(call, &GivenRoute { slug, title_slug, collision_id }, scope))
}

fn given_route(call: &Call<'_>, given: &GivenRoute<'_>, scope: &Scope<'_>) -> TrackRoute {
    TrackRoute {
        slug: given.slug.to_owned(),
        title_slug: given.title_slug.to_owned(),
        collision_id: given.collision_id,
        owner_id: call.tx.user_id,
        track_id: call.tx.entity_id,
        is_current: true,
        blockhash: scope.block.hash.clone(),
        blocknumber: scope.block.number,
        txhash: call.tx.hash.clone(),
    }
}
