//! What Create and Update of a comment check alike: what it is about, its text and its video
//! (social.md 4.1, 4.2).

use crate::{
    eras::etl::{Call, Halt, Handled, Scope, Wants, ensure, event, int4, reject},
    model::tables::{Event, Track},
};

/// Entity type of comments on tracks, and of those that name none.
pub(super) const TRACK: &str = "Track";
/// Entity type of posts to the fans of an artist; the entity is the artist.
pub(super) const FAN_CLUB: &str = "FanClub";
/// Entity type of comments on a contest.
const EVENT: &str = "Event";

/// Code points of a comment.
const BODY_LIMIT: usize = 400;
/// Code points of the address of a video.
const VIDEO_LIMIT: usize = 2000;

/// The checked part of a comment that Create and Update share.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draft<'a> {
    /// [`TRACK`], [`FAN_CLUB`] or [`EVENT`].
    pub(super) entity_type: &'a str,
    /// What the comment is about.
    pub(super) entity_id: i64,
    /// Its text.
    pub(super) body: &'a str,
}

impl<'a> Draft<'a> {
    /// Checks what the comment is about, and its text. The signer and the comment itself come
    /// before.
    ///
    /// Parity: a fan club is not looked up.
    ///
    /// # Errors
    /// Rejects unknown kinds of entities, missing ones, and texts that are empty or too long.
    pub(super) fn check(call: &'a Call<'_>, scope: &mut Scope<'_>) -> Result<Self, Halt> {
        let entity_type = entity_type(call);
        let is_supported = [TRACK, FAN_CLUB, EVENT].contains(&entity_type);
        ensure(is_supported, "entity_type_unsupported")?;
        let entity_id = call.meta.int("entity_id").ok_or_else(|| reject("entity_id_missing"))?;
        match entity_type {
            TRACK => {
                let track = scope.get::<Track>(int4(entity_id)?)?;
                ensure(track.is_some(), "track_not_found")?;
            }
            EVENT => ensure(event::live(entity_id, scope)?.is_some(), "event_not_found")?,
            _ => {}
        }
        let body = call.meta.text("body");
        ensure(!body.is_empty(), "body_empty")?;
        ensure(is_within(body, BODY_LIMIT), "body_too_long")?;
        Ok(Self { entity_type, entity_id, body })
    }
}

/// The kind of entity that a comment names.
fn entity_type<'a>(call: &'a Call<'_>) -> &'a str {
    call.meta.filled("entity_type").unwrap_or(TRACK)
}

/// Names what [`Draft::check`] reads.
pub(super) fn wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    let Some(entity_id) = call.meta.int("entity_id") else { return };
    match entity_type(call) {
        TRACK => wants.row::<Track>(entity_id),
        EVENT => wants.row::<Event>(entity_id),
        _ => {}
    }
}

/// Checks the length of the address of the comment's video.
///
/// # Errors
/// Rejects addresses that are too long.
pub(super) fn check_video(call: &Call<'_>) -> Handled {
    ensure(is_within(call.meta.text("video_url"), VIDEO_LIMIT), "video_url_too_long")
}

/// Whether a text has at most so many code points.
fn is_within(text: &str, limit: usize) -> bool {
    text.len() <= limit || text.chars().count() <= limit
}
