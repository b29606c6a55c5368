//! The columns of a track and the metadata that sets them (handlers-b 6).

use std::sync::Arc;

use super::{access, clause::null_clause, price, relations, routes, validate};
use crate::{
    eras::discovery::{BlockContext, Call, HandlerError, Scope, merge::Merge, release::Release},
    model::{
        EntityTx, Json,
        json::Object,
        tables::{Track, User},
    },
    rules::{Refusal, columns, conditions, genre, schema, slug},
};

/// Asks for the rows that Create and Update read, so that one round loads them.
pub(super) fn preload(call: &Call<'_>, owner_id: i64, scope: &mut Scope<'_>) {
    let Some(data) = call.data() else { return };
    let track_id = call.tx.entity_id;
    routes::preload(data.get("title"), track_id, owner_id, scope);
    let parents = validate::remix_parents(data).unwrap_or_default();
    relations::preload(track_id, data, &parents, scope);
    price::preload(track_id, data, scope);
    access::preload(&parents, scope);
    if let Some(user_id) = data.get("ai_attribution_user_id").and_then(Json::as_int) {
        scope.want::<User>(user_id);
    }
}

/// The row that Create starts from. `None` in a column with a default is the default.
pub(super) fn new_track(tx: &EntityTx, block: &BlockContext) -> Track {
    Track {
        blockhash: Some(block.hash.clone()),
        track_id: tx.entity_id,
        is_current: true,
        is_delete: false,
        owner_id: tx.user_id,
        title: None,
        cover_art: None,
        tags: None,
        genre: None,
        mood: None,
        credits_splits: None,
        create_date: None,
        file_type: None,
        metadata_multihash: None,
        blocknumber: Some(block.number),
        created_at: block.time,
        description: None,
        isrc: None,
        iswc: None,
        license: None,
        updated_at: block.time,
        cover_art_sizes: None,
        is_unlisted: None,
        field_visibility: None,
        route_id: None,
        stem_of: None,
        remix_of: None,
        txhash: tx.hash.clone(),
        slot: None,
        is_available: None,
        stream_conditions: None,
        track_cid: None,
        is_playlist_upload: None,
        duration: None,
        ai_attribution_user_id: None,
        preview_cid: None,
        audio_upload_id: None,
        preview_start_seconds: None,
        release_date: Some(block.time),
        track_segments: None,
        is_scheduled_release: None,
        is_downloadable: None,
        download_conditions: None,
        is_original_available: None,
        orig_file_cid: None,
        orig_filename: None,
        playlists_containing_track: None,
        placement_hosts: None,
        ddex_app: None,
        ddex_release_ids: None,
        artists: None,
        resource_contributors: None,
        indirect_resource_contributors: None,
        rights_controller: None,
        copyright_line: None,
        producer_copyright_line: None,
        parental_warning_type: None,
        playlists_previously_containing_track: None,
        allowed_api_keys: None,
        bpm: None,
        musical_key: None,
        audio_analysis_error_count: None,
        is_custom_bpm: None,
        is_custom_musical_key: None,
        comments_disabled: None,
        pinned_comment_id: None,
        cover_original_song_title: None,
        cover_original_artist: None,
        is_owned_by_user: None,
        is_stream_gated: None,
        is_download_gated: None,
        no_ai_use: None,
        parental_warning: None,
        territory_codes: None,
        access_authorities: None,
    }
}

/// Merges the metadata of a Create or Update into `track`. The [`Merge`] that comes back must be
/// finished before the row is put.
///
/// # Errors
/// Skips values on which the reference raises.
pub(super) fn merge<'a>(
    track: &mut Track,
    data: &'a Object,
    handle: &str,
    is_create: bool,
    block: &BlockContext,
) -> Result<Merge<'a>, HandlerError> {
    let mut merge = Merge::new(data, is_create);
    let sent_owner = data.get("owner_id").filter(|_| is_create);
    let owner = sent_owner.cloned().unwrap_or(Json::Int(track.owner_id));
    if is_create {
        merge.set("owner_id", &mut track.owner_id, owner_id)?;
        merge.set("ddex_app", &mut track.ddex_app, columns::text)?;
    }
    texts(&mut merge, track)?;
    if let Some(title) = data.get("title") {
        let title = title.as_str().ok_or(Refusal::Skip("title_not_text"))?;
        track.route_id = Some(columns::without_nul(&slug::route_id(handle, title)));
    }
    flags(&mut merge, track)?;
    numbers(&mut merge, track)?;
    let release = Release {
        date: &mut track.release_date,
        is_scheduled: &mut track.is_scheduled_release,
        is_hidden: &mut track.is_unlisted,
        hidden_key: "is_unlisted",
        read_hidden: checked_flag,
    };
    release.merge(&mut merge, block)?;
    gates(track, data, &owner)?;
    documents(track, data);
    ddex(track, data);
    lists(&mut merge, track)?;
    move_cover_art(track);
    Ok(merge)
}

/// Parity: the reference trusts the metadata; only the database insists on a number.
fn owner_id(value: &Json) -> Result<i64, Refusal> {
    columns::int4(value)?.ok_or(Refusal::Poison("owner_id_missing"))
}

fn texts(merge: &mut Merge<'_>, track: &mut Track) -> Result<(), HandlerError> {
    for (key, column) in [
        ("title", &mut track.title),
        ("description", &mut track.description),
        ("genre", &mut track.genre),
        ("mood", &mut track.mood),
        ("tags", &mut track.tags),
        ("license", &mut track.license),
        ("isrc", &mut track.isrc),
        ("iswc", &mut track.iswc),
        ("credits_splits", &mut track.credits_splits),
        ("create_date", &mut track.create_date),
        ("file_type", &mut track.file_type),
        ("cover_art", &mut track.cover_art),
        ("cover_art_sizes", &mut track.cover_art_sizes),
    ] {
        merge.set(key, column, schema::checked_text)?;
    }
    for (key, column) in [
        ("audio_upload_id", &mut track.audio_upload_id),
        ("placement_hosts", &mut track.placement_hosts),
        ("cover_original_song_title", &mut track.cover_original_song_title),
        ("cover_original_artist", &mut track.cover_original_artist),
        ("parental_warning_type", &mut track.parental_warning_type),
        ("parental_warning", &mut track.parental_warning),
    ] {
        merge.set(key, column, columns::text)?;
    }
    for (key, column) in [
        ("track_cid", &mut track.track_cid),
        ("preview_cid", &mut track.preview_cid),
        ("orig_file_cid", &mut track.orig_file_cid),
    ] {
        let sent = merge.data.get(key).map_or(Ok(None), schema::checked_cid)?;
        if sent.is_some() {
            *column = sent;
        }
    }
    if let Some(name) = merge.data.get("orig_filename").and_then(Json::as_str) {
        track.orig_filename = Some(columns::without_nul(name));
    }
    if let Some(key) = merge.data.get("musical_key") {
        match key.as_str() {
            Some(key) if genre::is_musical_key(key) => track.musical_key = Some(key.to_owned()),
            None if key.is_null() => track.musical_key = None,
            _ => {}
        }
    }
    Ok(())
}

fn flags(merge: &mut Merge<'_>, track: &mut Track) -> Result<(), HandlerError> {
    for (key, column) in [
        ("is_downloadable", &mut track.is_downloadable),
        ("is_original_available", &mut track.is_original_available),
        ("is_playlist_upload", &mut track.is_playlist_upload),
        ("is_owned_by_user", &mut track.is_owned_by_user),
        ("is_custom_bpm", &mut track.is_custom_bpm),
        ("is_custom_musical_key", &mut track.is_custom_musical_key),
        ("comments_disabled", &mut track.comments_disabled),
        ("no_ai_use", &mut track.no_ai_use),
    ] {
        merge.set(key, column, columns::boolean)?;
    }
    merge.set("is_stream_gated", &mut track.is_stream_gated, checked_flag)?;
    merge.set("is_download_gated", &mut track.is_download_gated, checked_flag)
}

/// A flag that the schema checks.
#[expect(clippy::unnecessary_wraps, reason = "the shape in which a merge reads values")]
fn checked_flag(value: &Json) -> Result<Option<bool>, Refusal> {
    Ok(Some(schema::checked_bool(value)))
}

fn numbers(merge: &mut Merge<'_>, track: &mut Track) -> Result<(), HandlerError> {
    for (key, column) in [
        ("ai_attribution_user_id", &mut track.ai_attribution_user_id),
        ("pinned_comment_id", &mut track.pinned_comment_id),
        ("audio_analysis_error_count", &mut track.audio_analysis_error_count),
    ] {
        merge.set(key, column, columns::int4)?;
    }
    merge.set("preview_start_seconds", &mut track.preview_start_seconds, columns::float8)?;
    match merge.data.get("duration").map_or(Ok(None), schema::checked_duration) {
        Ok(None) => {}
        Ok(duration) => track.duration = duration,
        Err(refusal) => merge.refuse(refusal)?,
    }
    // Zero and what is no number leave the value as it is.
    match merge.data.get("bpm") {
        Some(Json::Null) => track.bpm = None,
        Some(bpm) => track.bpm = columns::bpm(bpm)?.or(track.bpm),
        None => {}
    }
    Ok(())
}

fn gates(track: &mut Track, data: &Object, owner: &Json) -> Result<(), HandlerError> {
    for (key, column) in [
        ("stream_conditions", &mut track.stream_conditions),
        ("download_conditions", &mut track.download_conditions),
    ] {
        match data.get(key) {
            Some(Json::Null) => *column = None,
            Some(sent) if schema::is_filled_object(sent) => {
                *column = Some(Arc::new(conditions::with_list_splits(sent, owner)?));
            }
            _ => {}
        }
    }
    Ok(())
}

/// The documents that the schema checks. A parent document that fails becomes SQL NULL.
fn documents(track: &mut Track, data: &Object) {
    if let Some(sent) = data.get("field_visibility") {
        track.field_visibility = Some(checked_visibility(Some(Arc::new(sent.clone()))));
    }
    if let Some(sent) = data.get("track_segments") {
        let segments =
            if schema::valid_track_segments(sent) { sent.clone() } else { Json::List(Vec::new()) };
        track.track_segments = Some(Arc::new(segments));
    }
    if let Some(sent) = data.get("stem_of").filter(|sent| schema::is_filled_object(sent)) {
        track.stem_of =
            if schema::valid_stem_of(sent) { Some(Arc::new(sent.clone())) } else { null_clause() };
    }
    if let Some(sent) = data.get("remix_of").filter(|sent| schema::is_filled_object(sent)) {
        track.remix_of =
            if schema::valid_remix_of(sent) { Some(Arc::new(sent.clone())) } else { null_clause() };
    }
}

/// `field_visibility` as every assignment checks it.
pub(super) fn checked_visibility(value: Option<Arc<Json>>) -> Arc<Json> {
    value
        .filter(|value| schema::valid_field_visibility(value))
        .unwrap_or_else(|| Arc::new(schema::default_field_visibility()))
}

/// DDEX documents: a JSON `null` when null was sent, ignored when malformed.
fn ddex(track: &mut Track, data: &Object) {
    for (key, column) in [
        ("ddex_release_ids", &mut track.ddex_release_ids),
        ("rights_controller", &mut track.rights_controller),
        ("copyright_line", &mut track.copyright_line),
        ("producer_copyright_line", &mut track.producer_copyright_line),
    ] {
        if let Some(sent) =
            data.get(key).filter(|sent| sent.is_null() || schema::is_filled_object(sent))
        {
            *column = Some(Arc::new(sent.clone()));
        }
    }
    for (key, column) in [
        ("artists", &mut track.artists),
        ("resource_contributors", &mut track.resource_contributors),
        ("indirect_resource_contributors", &mut track.indirect_resource_contributors),
    ] {
        if let Some(sent) =
            data.get(key).filter(|sent| sent.is_null() || schema::is_filled_object_list(sent))
        {
            *column = Some(Arc::new(sent.clone()));
        }
    }
}

fn lists(merge: &mut Merge<'_>, track: &mut Track) -> Result<(), HandlerError> {
    merge.set("allowed_api_keys", &mut track.allowed_api_keys, schema::checked_api_keys)?;
    merge.set("territory_codes", &mut track.territory_codes, territory_codes)?;
    merge.set(
        "playlists_containing_track",
        &mut track.playlists_containing_track,
        columns::int4_array,
    )?;
    if let Some(sent) = merge.data.get("playlists_previously_containing_track") {
        let sent = Some(sent).filter(|sent| !sent.is_null());
        track.playlists_previously_containing_track = sent.map(|sent| Arc::new(sent.clone()));
    }
    Ok(())
}

/// Codes of two capital letters, at least one.
fn territory_codes(value: &Json) -> Result<Option<Vec<String>>, Refusal> {
    let is_code = |code: &String| code.len() == 2 && code.bytes().all(|b| b.is_ascii_uppercase());
    match columns::text_array(value)? {
        Some(codes) if codes.is_empty() || !codes.iter().all(is_code) => {
            Err(Refusal::Poison("territory_codes"))
        }
        codes => Ok(codes),
    }
}

/// A cover of the old kind moves to the column of the new kind, even over one that was just sent.
fn move_cover_art(track: &mut Track) {
    if track.cover_art.as_ref().is_some_and(|cover| !cover.is_empty()) {
        track.cover_art_sizes = track.cover_art.take();
    }
}
