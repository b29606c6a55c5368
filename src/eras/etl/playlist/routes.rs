//! `playlist_routes` (social.md 2.6).

use super::GivenRoute;
use crate::{
    eras::etl::{
        Call, Handled, Scope, Wants,
        routes::{self, Route, free_slug},
    },
    model::tables::{PlaylistRoute, PlaylistRouteBy},
    rules::slug,
};

impl Route for PlaylistRoute {
    const OWNER_TITLE_SLUG: PlaylistRouteBy = PlaylistRouteBy::OwnerTitleSlug;

    fn collision_id(&self) -> i64 {
        self.collision_id
    }
}

/// Gives a new playlist the route of its name, or the one `given`, and a past one that ends in its
/// id: the form of all routes before collisions were told apart by a number. A playlist without a
/// name gets none.
///
/// # Errors
/// A hard error where the slug is taken.
pub(super) fn create(
    call: &Call<'_>,
    given: Option<&GivenRoute<'_>>,
    scope: &mut Scope<'_>,
) -> Handled {
    let Some(name) = call.meta.filled("playlist_name") else { return Ok(()) };
    let route = match given {
        Some(given) => given_route(call, given, scope),
        None => named_route(call, name, scope)?,
    };
    let slug = slug::go_numbered_slug(name, call.tx.entity_id, call.tx.entity_id);
    let with_id = (slug != route.slug).then(|| PlaylistRoute {
        title_slug: slug.clone(),
        slug,
        is_current: false,
        ..route.clone()
    });
    scope.insert(route)?;
    if let Some(with_id) = with_id {
        scope.insert_new(with_id)?;
    }
    Ok(())
}

/// Gives a playlist the route of its new name.
///
/// # Errors
/// A hard error where the slug is taken.
pub(super) fn rename(call: &Call<'_>, name: &str, scope: &mut Scope<'_>) -> Handled {
    let current = (call.tx.entity_id, true);
    for old in &scope.find::<PlaylistRoute>(PlaylistRouteBy::Current, current)? {
        scope.update(old, PlaylistRoute { is_current: false, ..(**old).clone() })?;
    }
    let route = named_route(call, name, scope)?;
    scope.insert(route)
}

/// Names what [`create`] reads.
pub(super) fn create_wants(call: &Call<'_>, given: Option<&GivenRoute<'_>>, wants: &mut Wants<'_>) {
    let Some(name) = call.meta.filled("playlist_name") else { return };
    let (owner_id, id) = (call.tx.user_id, call.tx.entity_id);
    match given {
        Some(given) => wants.row::<PlaylistRoute>((owner_id, given.slug)),
        None => routes::wants::<PlaylistRoute>(owner_id, &slug::go_title_slug(name, id), wants),
    }
    wants.row::<PlaylistRoute>((owner_id, slug::go_numbered_slug(name, id, id)));
}

/// Names what [`rename`] reads.
pub(super) fn rename_wants(call: &Call<'_>, name: &str, wants: &mut Wants<'_>) {
    wants.rows::<PlaylistRoute>(PlaylistRouteBy::Current, (call.tx.entity_id, true));
    let title_slug = slug::go_title_slug(name, call.tx.entity_id);
    routes::wants::<PlaylistRoute>(call.tx.user_id, &title_slug, wants);
}

fn named_route(
    call: &Call<'_>,
    name: &str,
    scope: &mut Scope<'_>,
) -> Result<PlaylistRoute, crate::eras::etl::Halt> {
    let title_slug = slug::go_title_slug(name, call.tx.entity_id);
    let free = free_slug::<PlaylistRoute>(&title_slug, call.tx.user_id, scope)?;
    let (slug, title_slug, collision_id) = (&free.slug, &title_slug, free.collision_id);
    Ok(given_route(call, &GivenRoute { slug, title_slug, collision_id }, scope))
}

fn given_route(call: &Call<'_>, given: &GivenRoute<'_>, scope: &Scope<'_>) -> PlaylistRoute {
    PlaylistRoute {
        slug: given.slug.to_owned(),
        title_slug: given.title_slug.to_owned(),
        collision_id: given.collision_id,
        owner_id: call.tx.user_id,
        playlist_id: call.tx.entity_id,
        is_current: true,
        blockhash: scope.block.hash.clone(),
        blocknumber: scope.block.number,
        txhash: call.tx.hash.clone(),
    }
}
