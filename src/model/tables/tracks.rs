//! Tracks, their routes, relations and prices.

use std::sync::Arc;

use crate::model::{
    Json, Timestamp,
    key::KeyPart,
    table::{ColumnDefault, LookupPart, record},
    tables::{ENUM_PARENTAL_WARNING_TYPE, ENUM_USDC_PURCHASE_ACCESS_TYPE, TableId},
    value::{ColumnType, ValueRef},
};

/// The first track that a track remixes, `remix_of.tracks[0].parent_track_id`.
const FIRST_REMIX_PARENT: LookupPart = LookupPart::Derived {
    sql: "case when jsonb_typeof(t.remix_of #> '{tracks,0,parent_track_id}') = 'number' \
          then case when (t.remix_of #>> '{tracks,0,parent_track_id}')::numeric \
                    between -9e18 and 9e18 \
               then (t.remix_of #>> '{tracks,0,parent_track_id}')::numeric::bigint end end",
    ty: ColumnType::Int8,
    get: |row| {
        let index = TableId::Tracks.def().column("remix_of")?;
        match row.value(index) {
            ValueRef::Json(remix_of) => first_parent(remix_of).map(KeyPart::Int),
            _ => None,
        }
    },
};

/// 1 for tracks that remix more than one track, or one that [`FIRST_REMIX_PARENT`] does not see
/// (an id like `5.0`): together the two lookups find every track that names a parent.
const ODD_REMIX_PARENTS: LookupPart = LookupPart::Derived {
    sql: "case when jsonb_typeof(t.remix_of -> 'tracks') = 'array' \
          then case when jsonb_array_length(t.remix_of -> 'tracks') > 1 \
                    or t.remix_of #>> '{tracks,0,parent_track_id}' like '%.%' \
               then 1::bigint end end",
    ty: ColumnType::Int8,
    get: |row| {
        let index = TableId::Tracks.def().column("remix_of")?;
        match row.value(index) {
            ValueRef::Json(remix_of) => has_odd_parents(remix_of).then_some(KeyPart::Int(1)),
            _ => None,
        }
    },
};

/// 1 for tracks whose first parent is no plain number of up to nine digits: together with
/// [`FIRST_REMIX_PARENT`] this finds all that a cast of the first parent to `integer` makes something
/// of, or fails on.
const UNUSUAL_REMIX_PARENT: LookupPart = LookupPart::Derived {
    sql: "case when (t.remix_of #> '{tracks,0,parent_track_id}')::text \
          !~ '^(null|-?[0-9]{1,9})$' then 1::bigint end",
    ty: ColumnType::Int8,
    get: |row| {
        let index = TableId::Tracks.def().column("remix_of")?;
        match row.value(index) {
            ValueRef::Json(remix_of) => is_unusual_parent(remix_of).then_some(KeyPart::Int(1)),
            _ => None,
        }
    },
};

/// `remix_of -> 'tracks' -> 0 -> 'parent_track_id'`.
pub fn first_parent_value(remix_of: &Json) -> Option<&Json> {
    remix_of.get("tracks")?.as_list()?.first()?.get("parent_track_id")
}

fn is_unusual_parent(remix_of: &Json) -> bool {
    match first_parent_value(remix_of) {
        None | Some(Json::Null) => false,
        Some(Json::Int(id)) => id.unsigned_abs() > 999_999_999,
        Some(_) => true,
    }
}

fn has_odd_parents(remix_of: &Json) -> bool {
    let tracks = remix_of.get("tracks").and_then(Json::as_list).unwrap_or_default();
    let is_float = |track: &Json| matches!(track.get("parent_track_id"), Some(Json::Float(_)));
    tracks.len() > 1 || tracks.iter().any(is_float)
}

/// The first parent of a `remix_of` document that names one by an integer.
pub fn first_parent(remix_of: &Json) -> Option<i64> {
    remix_of
        .as_object()?
        .get("tracks")?
        .as_list()?
        .first()?
        .as_object()?
        .get("parent_track_id")?
        .as_int()
}

/// Whether the first parent is a number that PostgreSQL's `text::int` refuses, such as `5.0`. The
/// statements of production's triggers that cast it fail on such a row.
pub fn has_uncastable_parent(remix_of: &Json) -> bool {
    let first = remix_of.get("tracks").and_then(Json::as_list).and_then(<[Json]>::first);
    matches!(
        first.and_then(|track| track.get("parent_track_id")),
        Some(Json::Float(_) | Json::Big(_))
    )
}

record! {
    /// The current row of a track.
    Track in "tracks", id Tracks, key [track_id],
    current_only true, archived true,
    by TrackBy {
        /// A user's tracks.
        Owner [LookupPart::Column("owner_id")],
        /// Tracks by the first track they remix.
        FirstParent [FIRST_REMIX_PARENT],
        /// Tracks that [`Self::FirstParent`] does not wholly describe, by the value 1.
        OddParents [ODD_REMIX_PARENTS],
        /// Tracks whose first parent is an unusual number or no number, by the value 1.
        UnusualParent [UNUSUAL_REMIX_PARENT],
    }
    {
        blockhash: Option<String> => ColumnType::Text;
        track_id: i64 => ColumnType::Int4;
        is_current: bool => ColumnType::Bool;
        is_delete: bool => ColumnType::Bool;
        owner_id: i64 => ColumnType::Int4;
        title: Option<String> => ColumnType::Text;
        cover_art: Option<String> => ColumnType::Text;
        tags: Option<String> => ColumnType::Text;
        genre: Option<String> => ColumnType::Text;
        mood: Option<String> => ColumnType::Text;
        credits_splits: Option<String> => ColumnType::Text;
        create_date: Option<String> => ColumnType::Text;
        file_type: Option<String> => ColumnType::Text;
        metadata_multihash: Option<String> => ColumnType::Text;
        blocknumber: Option<i64> => ColumnType::Int4;
        created_at: Timestamp => ColumnType::Timestamp;
        description: Option<String> => ColumnType::Text;
        isrc: Option<String> => ColumnType::Text;
        iswc: Option<String> => ColumnType::Text;
        license: Option<String> => ColumnType::Text;
        updated_at: Timestamp => ColumnType::Timestamp;
        cover_art_sizes: Option<String> => ColumnType::Text;
        is_unlisted: Option<bool> => ColumnType::Bool, default ColumnDefault::Bool(false);
        field_visibility: Option<Arc<Json>> => ColumnType::Jsonb;
        route_id: Option<String> => ColumnType::Text;
        stem_of: Option<Arc<Json>> => ColumnType::Jsonb, default ColumnDefault::SqlNull;
        remix_of: Option<Arc<Json>> => ColumnType::Jsonb, default ColumnDefault::SqlNull;
        txhash: String => ColumnType::Text;
        slot: Option<i64> => ColumnType::Int4;
        is_available: Option<bool> => ColumnType::Bool, default ColumnDefault::Bool(true);
        stream_conditions: Option<Arc<Json>> => ColumnType::Jsonb;
        track_cid: Option<String> => ColumnType::Text;
        is_playlist_upload: Option<bool> => ColumnType::Bool, default ColumnDefault::Bool(false);
        duration: Option<i64> => ColumnType::Int4;
        ai_attribution_user_id: Option<i64> => ColumnType::Int4;
        preview_cid: Option<String> => ColumnType::Text;
        audio_upload_id: Option<String> => ColumnType::Text;
        preview_start_seconds: Option<f64> => ColumnType::Float8;
        release_date: Option<Timestamp> => ColumnType::Timestamp;
        track_segments: Option<Arc<Json>> => ColumnType::Jsonb, default ColumnDefault::EmptyList;
        is_scheduled_release: Option<bool> => ColumnType::Bool, default ColumnDefault::Bool(false);
        is_downloadable: Option<bool> => ColumnType::Bool, default ColumnDefault::Bool(false);
        download_conditions: Option<Arc<Json>> => ColumnType::Jsonb;
        is_original_available: Option<bool> => ColumnType::Bool, default ColumnDefault::Bool(false);
        orig_file_cid: Option<String> => ColumnType::Text;
        orig_filename: Option<String> => ColumnType::Text;
        playlists_containing_track: Option<Vec<i64>> => ColumnType::Int4Array, default ColumnDefault::EmptyArray;
        placement_hosts: Option<String> => ColumnType::Text;
        ddex_app: Option<String> => ColumnType::Text;
        ddex_release_ids: Option<Arc<Json>> => ColumnType::Jsonb;
        artists: Option<Arc<Json>> => ColumnType::Jsonb;
        resource_contributors: Option<Arc<Json>> => ColumnType::Jsonb;
        indirect_resource_contributors: Option<Arc<Json>> => ColumnType::Jsonb;
        rights_controller: Option<Arc<Json>> => ColumnType::Jsonb;
        copyright_line: Option<Arc<Json>> => ColumnType::Jsonb;
        producer_copyright_line: Option<Arc<Json>> => ColumnType::Jsonb;
        parental_warning_type: Option<String> => ColumnType::Text;
        playlists_previously_containing_track: Option<Arc<Json>> => ColumnType::Jsonb, default ColumnDefault::EmptyObject;
        allowed_api_keys: Option<Vec<String>> => ColumnType::TextArray;
        bpm: Option<f64> => ColumnType::Float8;
        musical_key: Option<String> => ColumnType::Text;
        audio_analysis_error_count: Option<i64> => ColumnType::Int4, default ColumnDefault::Int(0);
        is_custom_bpm: Option<bool> => ColumnType::Bool, default ColumnDefault::Bool(false);
        is_custom_musical_key: Option<bool> => ColumnType::Bool, default ColumnDefault::Bool(false);
        comments_disabled: Option<bool> => ColumnType::Bool, default ColumnDefault::Bool(false);
        pinned_comment_id: Option<i64> => ColumnType::Int4;
        cover_original_song_title: Option<String> => ColumnType::Text;
        cover_original_artist: Option<String> => ColumnType::Text;
        is_owned_by_user: Option<bool> => ColumnType::Bool, default ColumnDefault::Bool(false);
        is_stream_gated: Option<bool> => ColumnType::Bool, default ColumnDefault::Bool(false);
        is_download_gated: Option<bool> => ColumnType::Bool, default ColumnDefault::Bool(false);
        no_ai_use: Option<bool> => ColumnType::Bool, default ColumnDefault::Bool(false);
        parental_warning: Option<String> => ENUM_PARENTAL_WARNING_TYPE;
        territory_codes: Option<Vec<String>> => ColumnType::TextArray;
        access_authorities: Option<Vec<String>> => ColumnType::TextArray;
    }
}

record! {
    /// A user who was asked to stand beside a track's owner.
    TrackCollaborator in "track_collaborators", id TrackCollaborators,
    key [track_id, collaborator_user_id],
    current_only false, archived false,
    by TrackCollaboratorBy {
        /// Everybody who was asked for a track.
        Track [LookupPart::Column("track_id")],
    }
    {
        track_id: i64 => ColumnType::Int4;
        collaborator_user_id: i64 => ColumnType::Int4;
        invited_by: i64 => ColumnType::Int4;
        status: String => ColumnType::Text;
        created_at: Timestamp => ColumnType::Timestamp;
        updated_at: Timestamp => ColumnType::Timestamp;
        txhash: String => ColumnType::Text;
        blocknumber: Option<i64> => ColumnType::Int4;
    }
}

record! {
    /// A URL of a track, current or past.
    TrackRoute in "track_routes", id TrackRoutes, key [owner_id, slug],
    current_only false, archived true,
    by TrackRouteBy {
        /// Current or past routes of a track.
        Track [LookupPart::Column("track_id"), LookupPart::Column("is_current")],
        /// An owner's routes with one title slug; the last one has the highest number.
        OwnerTitleSlug [LookupPart::Column("owner_id"), LookupPart::Column("title_slug")]
            ranked collision_id,
    }
    {
        slug: String => ColumnType::Text;
        title_slug: String => ColumnType::Text;
        collision_id: i64 => ColumnType::Int4;
        owner_id: i64 => ColumnType::Int4;
        track_id: i64 => ColumnType::Int4;
        is_current: bool => ColumnType::Bool;
        blockhash: String => ColumnType::Text;
        blocknumber: i64 => ColumnType::Int4;
        txhash: String => ColumnType::Text;
    }
}

record! {
    /// A track that is a stem of another.
    Stem in "stems", id Stems, key [parent_track_id, child_track_id],
    current_only false, archived false,
    by StemBy {
        /// Parents of a stem.
        Child [LookupPart::Column("child_track_id")],
    }
    {
        parent_track_id: i64 => ColumnType::Int4;
        child_track_id: i64 => ColumnType::Int4;
    }
}

record! {
    /// A track that remixes another.
    Remix in "remixes", id Remixes, key [parent_track_id, child_track_id],
    current_only false, archived false,
    by RemixBy {
        /// Parents of a remix.
        Child [LookupPart::Column("child_track_id")],
    }
    {
        parent_track_id: i64 => ColumnType::Int4;
        child_track_id: i64 => ColumnType::Int4;
    }
}

record! {
    /// A price of a track from a block on.
    TrackPrice in "track_price_history", id TrackPriceHistory, key [track_id, block_timestamp],
    current_only false, archived false,
    by TrackPriceBy {
        /// All prices of a track, the latest one last.
        Track [LookupPart::Column("track_id")] ranked block_timestamp,
    }
    {
        track_id: i64 => ColumnType::Int4;
        splits: Arc<Json> => ColumnType::Jsonb;
        total_price_cents: i64 => ColumnType::Int8;
        blocknumber: i64 => ColumnType::Int4;
        block_timestamp: Timestamp => ColumnType::Timestamp;
        created_at: Timestamp => ColumnType::Timestamp;
        access: Option<String> => ENUM_USDC_PURCHASE_ACCESS_TYPE, default ColumnDefault::Label("stream");
    }
}

record! {
    /// One download of a track or stem.
    TrackDownload in "track_downloads", id TrackDownloads, key [parent_track_id, track_id, txhash],
    current_only false, archived false,
    by TrackDownloadBy {
    }
    {
        txhash: String => ColumnType::Text;
        blocknumber: i64 => ColumnType::Int4;
        parent_track_id: i64 => ColumnType::Int4;
        track_id: i64 => ColumnType::Int4;
        user_id: Option<i64> => ColumnType::Int4;
        created_at: Timestamp => ColumnType::Timestamp;
        city: Option<String> => ColumnType::Text;
        region: Option<String> => ColumnType::Text;
        country: Option<String> => ColumnType::Text;
    }
}
