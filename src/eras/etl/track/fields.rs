//! The columns of a track and the metadata that set them (tracks.md 2.3, 3.3).

use std::sync::Arc;

use super::routes;
use crate::{
    eras::etl::{Call, Halt, Metadata, Scope, Wants},
    model::{
        Json, Timestamp,
        tables::{Track, User},
    },
    rules::{dates, genre},
};

/// The row of a new track.
///
/// # Errors
/// Only [`Halt::Missing`].
pub(super) fn created(
    call: &Call<'_>,
    is_delete: bool,
    scope: &mut Scope<'_>,
) -> Result<Track, Halt> {
    let meta = &call.meta;
    let title = meta.text("title").to_owned();
    let route_id = routes::route_id(call, &title, scope)?;
    let text = |key: &str| meta.filled(key).map(str::to_owned);
    let is = |key: &str| Some(meta.bool(key).unwrap_or(false));
    Ok(Track {
        blockhash: None,
        track_id: call.tx.entity_id,
        is_current: true,
        is_delete,
        owner_id: call.tx.user_id,
        title: Some(title),
        cover_art: text("cover_art"),
        tags: text("tags"),
        genre: sent_genre(meta),
        mood: text("mood"),
        credits_splits: None,
        create_date: None,
        file_type: None,
        metadata_multihash: None,
        blocknumber: Some(scope.block.number),
        created_at: call.now,
        description: text("description"),
        isrc: text("isrc"),
        iswc: text("iswc"),
        license: text("license"),
        updated_at: call.now,
        cover_art_sizes: text("cover_art_sizes"),
        is_unlisted: is("is_unlisted"),
        field_visibility: meta.json("field_visibility"),
        route_id: Some(route_id),
        stem_of: meta.json("stem_of"),
        remix_of: meta.json("remix_of"),
        txhash: call.tx.hash.clone(),
        slot: None,
        is_available: Some(meta.bool("is_available").unwrap_or(true)),
        stream_conditions: meta.json("stream_conditions"),
        track_cid: text("track_cid"),
        is_playlist_upload: is("is_playlist_upload"),
        duration: Some(sent_duration(meta).unwrap_or(0)),
        ai_attribution_user_id: meta.int("ai_attribution_user_id"),
        preview_cid: text("preview_cid"),
        audio_upload_id: text("audio_upload_id"),
        preview_start_seconds: meta.float("preview_start_seconds"),
        release_date: Some(release_date(meta).unwrap_or(call.now)),
        track_segments: None,
        is_scheduled_release: is("is_scheduled_release"),
        is_downloadable: is("is_downloadable"),
        download_conditions: meta.json("download_conditions"),
        is_original_available: is("is_original_available"),
        orig_file_cid: text("orig_file_cid"),
        orig_filename: text("orig_filename"),
        playlists_containing_track: None,
        placement_hosts: None,
        ddex_app: text("ddex_app"),
        ddex_release_ids: meta.json("ddex_release_ids"),
        artists: meta.json("artists"),
        resource_contributors: meta.json("resource_contributors"),
        indirect_resource_contributors: meta.json("indirect_resource_contributors"),
        rights_controller: meta.json("rights_controller"),
        copyright_line: meta.json("copyright_line"),
        producer_copyright_line: meta.json("producer_copyright_line"),
        parental_warning_type: text("parental_warning_type"),
        playlists_previously_containing_track: None,
        allowed_api_keys: None,
        bpm: sent_bpm(meta),
        musical_key: sent_key(meta),
        audio_analysis_error_count: None,
        is_custom_bpm: is("is_custom_bpm"),
        is_custom_musical_key: is("is_custom_musical_key"),
        comments_disabled: is("comments_disabled"),
        pinned_comment_id: None,
        cover_original_song_title: text("cover_original_song_title"),
        cover_original_artist: text("cover_original_artist"),
        is_owned_by_user: None,
        is_stream_gated: is("is_stream_gated"),
        is_download_gated: is("is_download_gated"),
        no_ai_use: is("no_ai_use"),
        parental_warning: None,
        territory_codes: None,
        access_authorities: None,
    })
}

/// Names what [`created`] reads.
pub(super) fn wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    wants.row::<User>(call.tx.user_id);
}

/// The row of a track after an Update: `old` with what was sent.
pub(super) fn updated(
    call: &Call<'_>,
    meta: &Metadata<'_>,
    old: &Track,
    scope: &Scope<'_>,
) -> Track {
    let mut new = old.clone();
    // Parity: a title that is not there is written back as an empty one.
    let title = meta.filled("title").or(old.title.as_deref()).unwrap_or_default();
    new.title = Some(title.to_owned());
    update_texts(meta, &mut new);
    update_documents(meta, &mut new);
    update_flags(meta, &mut new);
    if meta.has("genre") {
        new.genre = sent_genre(meta);
    }
    new.duration = sent_duration(meta).or(old.duration);
    new.ai_attribution_user_id = meta.int("ai_attribution_user_id").or(old.ai_attribution_user_id);
    let clears = |key: &str| meta.get(key).is_some_and(Json::is_null);
    if clears("preview_start_seconds") {
        new.preview_start_seconds = None;
    }
    if clears("bpm") {
        new.bpm = None;
    }
    if clears("musical_key") {
        new.musical_key = None;
    }
    new.preview_start_seconds = meta.float("preview_start_seconds").or(new.preview_start_seconds);
    new.bpm = sent_bpm(meta).or(new.bpm);
    new.musical_key = sent_key(meta).or(new.musical_key);
    new.release_date = release_date(meta).or(old.release_date);
    new.updated_at = call.now;
    new.txhash.clone_from(&call.tx.hash);
    new.blocknumber = Some(scope.block.number);
    new
}

/// Texts: those that a wrong type clears, and those that nothing clears.
fn update_texts(meta: &Metadata<'_>, new: &mut Track) {
    let cleared = [
        ("mood", &mut new.mood),
        ("tags", &mut new.tags),
        ("description", &mut new.description),
        ("cover_art", &mut new.cover_art),
        ("cover_art_sizes", &mut new.cover_art_sizes),
        ("preview_cid", &mut new.preview_cid),
        ("license", &mut new.license),
        ("isrc", &mut new.isrc),
        ("iswc", &mut new.iswc),
        ("cover_original_song_title", &mut new.cover_original_song_title),
        ("cover_original_artist", &mut new.cover_original_artist),
        ("parental_warning_type", &mut new.parental_warning_type),
    ];
    for (key, column) in cleared {
        if meta.has(key) {
            *column = meta.filled(key).map(str::to_owned);
        }
    }
    let kept = [
        ("track_cid", &mut new.track_cid),
        ("orig_file_cid", &mut new.orig_file_cid),
        ("orig_filename", &mut new.orig_filename),
        ("audio_upload_id", &mut new.audio_upload_id),
    ];
    for (key, column) in kept {
        if let Some(text) = meta.filled(key) {
            *column = Some(text.to_owned());
        }
    }
}

fn update_documents(meta: &Metadata<'_>, new: &mut Track) {
    let documents: [(&str, &mut Option<Arc<Json>>); 11] = [
        ("field_visibility", &mut new.field_visibility),
        ("remix_of", &mut new.remix_of),
        ("stream_conditions", &mut new.stream_conditions),
        ("download_conditions", &mut new.download_conditions),
        ("ddex_release_ids", &mut new.ddex_release_ids),
        ("artists", &mut new.artists),
        ("resource_contributors", &mut new.resource_contributors),
        ("indirect_resource_contributors", &mut new.indirect_resource_contributors),
        ("rights_controller", &mut new.rights_controller),
        ("copyright_line", &mut new.copyright_line),
        ("producer_copyright_line", &mut new.producer_copyright_line),
    ];
    for (key, column) in documents {
        if meta.has(key) {
            *column = meta.json(key);
        }
    }
    if let Some(stem_of) = meta.json("stem_of") {
        new.stem_of = Some(stem_of);
    }
}

fn update_flags(meta: &Metadata<'_>, new: &mut Track) {
    let flags = [
        ("is_unlisted", &mut new.is_unlisted),
        ("is_downloadable", &mut new.is_downloadable),
        ("is_download_gated", &mut new.is_download_gated),
        ("is_stream_gated", &mut new.is_stream_gated),
        ("is_scheduled_release", &mut new.is_scheduled_release),
        ("is_playlist_upload", &mut new.is_playlist_upload),
        ("is_custom_bpm", &mut new.is_custom_bpm),
        ("is_custom_musical_key", &mut new.is_custom_musical_key),
        ("comments_disabled", &mut new.comments_disabled),
        ("no_ai_use", &mut new.no_ai_use),
        ("is_original_available", &mut new.is_original_available),
    ];
    for (key, column) in flags {
        *column = meta.bool(key).or(*column);
    }
}

fn sent_genre(meta: &Metadata<'_>) -> Option<String> {
    genre::go_form(meta.text("genre"))
}

fn sent_duration(meta: &Metadata<'_>) -> Option<i64> {
    meta.int("duration").filter(|duration| *duration > 0)
}

fn sent_bpm(meta: &Metadata<'_>) -> Option<f64> {
    meta.float("bpm").filter(|bpm| *bpm != 0.0)
}

fn sent_key(meta: &Metadata<'_>) -> Option<String> {
    let key = meta.text("musical_key");
    genre::is_musical_key(key).then(|| key.to_owned())
}

fn release_date(meta: &Metadata<'_>) -> Option<Timestamp> {
    dates::go_release_date(meta.text("release_date"))
}
