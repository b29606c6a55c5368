//! `playlist_routes` (handlers-b 3.4).

use crate::{
    eras::discovery::{
        Handled, Scope, poison,
        routes::{Route, free_slug},
        skip,
    },
    model::{
        EntityTx,
        tables::{Playlist, PlaylistRoute, PlaylistRouteBy},
    },
    rules::slug,
};

impl Route for PlaylistRoute {
    const OWNER_TITLE_SLUG: PlaylistRouteBy = PlaylistRouteBy::OwnerTitleSlug;

    fn owner_id(&self) -> i64 {
        self.owner_id
    }

    fn slug(&self) -> &str {
        &self.slug
    }

    fn collision_id(&self) -> i64 {
        self.collision_id
    }

    /// The `<name>-<id>` rows of Create are not on the list; each comes with the row of the name,
    /// and with its number.
    fn is_unlisted(&self, scope: &Scope<'_>) -> bool {
        let Some(name) = self.slug.strip_suffix(&format!("-{}", self.playlist_id)) else {
            return false;
        };
        let slug = slug::numbered(name.to_owned(), self.collision_id);
        let named = scope.pending::<Self>((self.owner_id, slug));
        named.is_some_and(|route| {
            route.playlist_id == self.playlist_id
                && route.title_slug == name
                && route.txhash == self.txhash
        })
    }
}

/// Asks for the rows that [`update`] reads.
pub(super) fn preload(name: Option<&str>, playlist_id: i64, owner_id: i64, scope: &mut Scope<'_>) {
    scope.want_by::<PlaylistRoute>(PlaylistRouteBy::Current, (playlist_id, true));
    let Some(name) = name else { return };
    let title_slug = slug::title_slug(name, playlist_id);
    scope.want_by::<PlaylistRoute>(PlaylistRouteBy::OwnerTitleSlug, (owner_id, &title_slug));
    scope.want::<PlaylistRoute>((owner_id, format!("{title_slug}-{playlist_id}")));
    scope.want::<PlaylistRoute>((owner_id, title_slug));
}

/// Gives `playlist` a route for its name, unless its current route is for that slug. A new
/// playlist gets a second, non-current route that ends in its id.
///
/// # Errors
/// Skips a playlist without a name; poison when a slug is taken after all.
pub(super) fn update(
    tx: &EntityTx,
    playlist: &Playlist,
    is_create: bool,
    scope: &mut Scope<'_>,
) -> Handled {
    let name = playlist.playlist_name.as_deref().ok_or_else(|| skip("playlist_name_missing"))?;
    let playlist_id = playlist.playlist_id;
    let title_slug = slug::title_slug(name, playlist_id);
    let routes = scope.view_by::<PlaylistRoute>(PlaylistRouteBy::Current, (playlist_id, true))?;
    let current = routes.into_iter().next();
    if current.as_ref().is_some_and(|current| current.title_slug == title_slug) {
        return Ok(());
    }
    let owner_id = playlist.playlist_owner_id;
    let unique = free_slug::<PlaylistRoute>(scope, name, playlist_id, owner_id)?;
    let route = PlaylistRoute {
        slug: unique.slug,
        title_slug,
        collision_id: unique.collision_id,
        owner_id,
        playlist_id,
        is_current: true,
        blockhash: scope.block.hash.clone(),
        blocknumber: scope.block.number,
        txhash: tx.hash.clone(),
    };
    if is_create {
        let slug = slug::numbered_slug(name, playlist_id, playlist_id);
        let with_id =
            PlaylistRoute { title_slug: slug.clone(), slug, is_current: false, ..route.clone() };
        add(with_id, scope)?;
    }
    if let Some(current) = current {
        scope.put(PlaylistRoute { is_current: false, ..(*current).clone() })?;
    }
    add(route, scope)
}

/// Parity: the reference never looks for the row that ends in the id, so a slug can turn out taken
/// when the block is stored.
fn add(route: PlaylistRoute, scope: &mut Scope<'_>) -> Handled {
    if scope.view::<PlaylistRoute>((route.owner_id, &route.slug))?.is_some() {
        return Err(poison("playlist_slug_taken"));
    }
    scope.put(route)
}
