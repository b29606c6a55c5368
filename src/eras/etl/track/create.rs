//! (Track, Create) (tracks.md 2).

use super::{authorities, collaborators, contest, fields, gates, price, relations, routes};
use crate::{
    eras::etl::{
        Call, Handled, Metadata, Scope, Wants, ensure, int4, limits, playlist::GivenRoute, reject,
        signer,
    },
    model::tables::Track,
};

/// Ids below are those of tracks from before the chain.
const FIRST_ID: i64 = 2_000_000;

/// What a new track has besides its metadata. Nothing in live traffic: a track is never made deleted,
/// and its route is made from its title.
#[derive(Debug, Default)]
pub struct Carried<'a> {
    /// It is deleted.
    pub is_delete: bool,
    /// The route that it has, in place of one made from its title.
    pub route: Option<GivenRoute<'a>>,
}

impl<'a> Carried<'a> {
    /// What a migrated call carries (tracks.md 11).
    pub fn of(call: &'a Call<'_>) -> Self {
        Self {
            is_delete: call.meta.bool("is_delete").unwrap_or(false),
            route: GivenRoute::of(&call.meta),
        }
    }
}

/// Adds a track.
///
/// # Errors
/// Rejects an id that is too low or taken, metadata that lack title or owner or break a limit, and
/// conditions of access that are malformed; see [`store`].
pub(super) fn create(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let meta = &call.meta;
    ensure(call.tx.entity_id >= FIRST_ID, "track_id_too_low")?;
    ensure(!meta.is_none(), "metadata_missing")?;
    ensure(meta.filled("title").is_some(), "title_missing")?;
    check_owner(call)?;
    check_texts(meta)?;
    gates::check(meta)?;
    signer::authorize(call, call.tx.user_id, scope)?;
    check_new(call, scope)?;
    store(call, &Carried::default(), scope)
}

/// Names what [`create`] reads.
pub(super) fn wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    signer::wants(call, wants);
    store_wants(call, &Carried::default(), wants);
}

/// Checks that the metadata name the acting user as the owner.
///
/// # Errors
/// Rejects metadata that name nobody or another.
pub fn check_owner(call: &Call<'_>) -> Handled {
    let owner = call.meta.int("owner_id").ok_or_else(|| reject("owner_missing"))?;
    ensure(owner == call.tx.user_id, "owner_not_user")
}

/// Checks that no current track has the id.
///
/// # Errors
/// Rejects a taken id; a hard error for one that the column cannot hold.
pub fn check_new(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    ensure(scope.get::<Track>(int4(call.tx.entity_id)?)?.is_none(), "track_exists")
}

/// Checks the lengths of description and genre.
///
/// # Errors
/// Rejects texts that are too long.
pub(super) fn check_texts(meta: &Metadata<'_>) -> Handled {
    limits::check_description(meta.text("description"))?;
    limits::check_genre(meta.text("genre"))
}

/// Writes the track of a call with what belongs to it, in the order of tracks.md 2.2.
///
/// # Errors
/// Rejects a price that is malformed; the track stays, without a route (tracks.md 5.3). A hard error
/// where a column does not take its value, for a slug that is taken, and for a contest that its
/// uploader has unsubscribed from.
pub fn store(call: &Call<'_>, carried: &Carried<'_>, scope: &mut Scope<'_>) -> Handled {
    let track = fields::created(call, carried.is_delete, scope)?;
    scope.insert(track)?;
    relations::add_stem(call, scope)?;
    relations::create_remixes(call, scope)?;
    collaborators::create(call, scope)?;
    contest::subscribe(call, scope)?;
    price::record(call, scope)?;
    authorities::update(call, scope)?;
    routes::create(call, carried.route.as_ref(), scope)
}

/// Names what [`store`] reads.
pub fn store_wants(call: &Call<'_>, carried: &Carried<'_>, wants: &mut Wants<'_>) {
    wants.row::<Track>(call.tx.entity_id);
    fields::wants(call, wants);
    relations::wants(call, wants);
    collaborators::wants(call, wants);
    contest::wants(call, wants);
    price::wants(call, wants);
    routes::create_wants(call, carried.route.as_ref(), wants);
}
