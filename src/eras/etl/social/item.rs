//! What is saved, reposted or shared (social.md 3.3, 3.4).

use crate::{
    eras::etl::{Call, Halt, Scope, Wants, int4, playlist},
    model::tables::{Track, TrackVersion, TrackVersionBy},
    rules::unicode::go_lower,
};

/// The type of an item in the rows of saves and reposts. An album is a playlist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A track.
    Track,
    /// A playlist or an album.
    Playlist,
}

impl Kind {
    /// The label in the column.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Track => "track",
            Self::Playlist => "playlist",
        }
    }

    /// The type that a text names, in any case.
    fn of(text: &str) -> Option<Self> {
        match word(text)? {
            "track" => Some(Self::Track),
            _ => Some(Self::Playlist),
        }
    }
}

/// The type of item that a text names, in any case: `track`, `playlist` or `album`.
pub(super) fn word(text: &str) -> Option<&'static str> {
    ["track", "playlist", "album"].into_iter().find(|word| {
        if text.is_ascii() { text.eq_ignore_ascii_case(word) } else { go_lower(text) == **word }
    })
}

/// The type of a call's item: from the metadata, else from the entity type, else by look-up.
///
/// # Errors
/// Only [`Halt::Missing`].
pub(super) fn kind(call: &Call<'_>, scope: &mut Scope<'_>) -> Result<Option<Kind>, Halt> {
    match Kind::of(call.meta.text("type")).or_else(|| Kind::of(&call.tx.entity_type)) {
        None => looked_up(call.tx.entity_id, scope),
        named => Ok(named),
    }
}

/// The same with the entity type before the metadata. Parity: what an Unsave checks, while it writes
/// to the row of the other order.
///
/// # Errors
/// Only [`Halt::Missing`].
pub(super) fn kind_by_entity(call: &Call<'_>, scope: &mut Scope<'_>) -> Result<Option<Kind>, Halt> {
    match Kind::of(&call.tx.entity_type) {
        None => kind(call, scope),
        named => Ok(named),
    }
}

/// Whether the item is there: a current track, or a playlist with any row.
///
/// # Errors
/// A hard error for an id that the column cannot hold.
pub(super) fn exists(kind: Kind, id: i64, scope: &mut Scope<'_>) -> Result<bool, Halt> {
    match kind {
        Kind::Track => Ok(scope.get::<Track>(int4(id)?)?.is_some()),
        Kind::Playlist => playlist::exists(id, scope),
    }
}

/// Names what [`exists`] reads.
pub(super) fn exists_wants(kind: Kind, id: i64, wants: &mut Wants<'_>) {
    match kind {
        Kind::Track => wants.row::<Track>(id),
        Kind::Playlist => playlist::exists_wants(id, wants),
    }
}

/// Names what [`kind`] and [`exists`] read, and returns the types that the rows of the call may have.
pub(super) fn wants(call: &Call<'_>, wants: &mut Wants<'_>) -> [Option<Kind>; 2] {
    let id = call.tx.entity_id;
    let named = [Kind::of(call.meta.text("type")), Kind::of(&call.tx.entity_type)];
    named.into_iter().flatten().for_each(|kind| exists_wants(kind, id, wants));
    if named != [None, None] {
        return named;
    }
    if wants.look::<Track>(id).row().is_some() {
        return [Some(Kind::Track), None];
    }
    wants.rows::<TrackVersion>(TrackVersionBy::Track, id);
    playlist::exists_wants(id, wants);
    [Some(Kind::Track), Some(Kind::Playlist)]
}

/// The type of the item that has the number: a track with any row before a playlist with any. Parity:
/// the reference swallows the error of an id that no column holds.
fn looked_up(id: i64, scope: &mut Scope<'_>) -> Result<Option<Kind>, Halt> {
    if i32::try_from(id).is_err() {
        return Ok(None);
    }
    let is_track = scope.get::<Track>(id)?.is_some()
        || !scope.find::<TrackVersion>(TrackVersionBy::Track, id)?.is_empty();
    if is_track {
        return Ok(Some(Kind::Track));
    }
    Ok(playlist::exists(id, scope)?.then_some(Kind::Playlist))
}
