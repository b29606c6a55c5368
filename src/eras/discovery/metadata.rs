//! The metadata frame: which calls carry an envelope, and what of it a handler sees
//! (handlers-a 0.4).

use std::sync::LazyLock;

use super::{Handled, HandlerError, poison, reject, reject_with};
use crate::model::{EntityTx, Json, json::Object};

/// A call with its metadata read the way its handler sees it.
#[derive(Debug)]
pub struct Call<'a> {
    /// The transaction.
    pub tx: &'a EntityTx,
    /// Its metadata.
    pub metadata: Metadata<'a>,
}

/// Metadata as a handler sees it.
#[derive(Debug)]
pub enum Metadata<'a> {
    /// The metadata text is empty.
    Empty,
    /// The text is passed on untouched; see [`EntityTx::metadata`] and [`EntityTx::json`].
    Raw,
    /// An Update: the envelope's `data` as sent, absent and null told apart.
    Update {
        /// The envelope's `cid`, any JSON.
        cid: &'a Json,
        /// The envelope's `data`, an object.
        data: &'a Object,
    },
    /// Any other enveloped action: the keys of its template, defaults where `data` has none.
    Projected {
        /// The envelope's `cid`, any JSON.
        cid: &'a Json,
        /// One value for every key of the template.
        data: Object,
    },
}

impl<'a> Call<'a> {
    /// Reads the metadata of a transaction.
    ///
    /// # Errors
    /// Rejects malformed envelopes and envelopes that change nothing; poison where the reference's
    /// pre-fetch would have failed.
    pub fn new(tx: &'a EntityTx) -> Result<Self, HandlerError> {
        let metadata = if tx.metadata.is_empty() && !is_raw(tx) {
            Metadata::Empty
        } else if is_raw(tx) {
            Metadata::Raw
        } else {
            envelope(tx)?
        };
        Ok(Self { tx, metadata })
    }

    /// The envelope's `data`: an Update's as sent, or the projected template. `None` for raw and
    /// empty metadata.
    pub fn data(&self) -> Option<&Object> {
        match &self.metadata {
            Metadata::Update { data, .. } => Some(data),
            Metadata::Projected { data, .. } => Some(data),
            Metadata::Empty | Metadata::Raw => None,
        }
    }

    /// The value of a key of [`Call::data`]; `null` where there is none.
    pub fn sent(&self, key: &str) -> &Json {
        static NULL: Json = Json::Null;
        self.data().and_then(|data| data.get(key)).unwrap_or(&NULL)
    }

    /// The envelope's `cid`.
    pub fn cid(&self) -> Option<&Json> {
        match &self.metadata {
            Metadata::Update { cid, .. } | Metadata::Projected { cid, .. } => Some(cid),
            Metadata::Empty | Metadata::Raw => None,
        }
    }

    /// The signer, lower-cased.
    pub fn signer(&self) -> String {
        self.tx.signer.to_lowercase()
    }
}

/// Whether the metadata stays raw text (the first list of handlers-a 0.4).
fn is_raw(tx: &EntityTx) -> bool {
    let entity = tx.entity_type.as_str();
    let action = tx.action.as_str();
    (entity == "User" && action == "Create")
        || matches!(entity, "Notification" | "Grant" | "DeveloperApp" | "DashboardWalletUser")
        || matches!(
            action,
            "Repost"
                | "Unrepost"
                | "Save"
                | "Unsave"
                | "Follow"
                | "Unfollow"
                | "Subscribe"
                | "Unsubscribe"
                | "Approve"
                | "Reject"
        )
}

/// The parts of an envelope: `cid` and `data`.
///
/// # Errors
/// Rejects text that is not JSON, and JSON that is not an object with both keys.
pub fn open_envelope(tx: &EntityTx) -> Result<(&Json, &Json), HandlerError> {
    let json = match &tx.json {
        Some(Ok(json)) => json,
        Some(Err(error)) => return Err(reject_with("metadata_not_json", error.to_string())),
        None => return Err(reject("metadata_not_json")),
    };
    let object = json.as_object().ok_or_else(|| reject("metadata_not_object"))?;
    match (object.get("cid"), object.get("data")) {
        (Some(cid), Some(data)) => Ok((cid, data)),
        _ => Err(reject("metadata_keys_missing")),
    }
}

fn envelope(tx: &EntityTx) -> Result<Metadata<'_>, HandlerError> {
    let (cid, data) = open_envelope(tx)?;
    if tx.action == "Update" {
        let data = data.as_object().ok_or_else(|| poison("metadata_data_not_object"))?;
        return Ok(Metadata::Update { cid, data });
    }
    let template = template(tx).ok_or_else(|| reject("metadata_type_unknown"))?;
    let data = data.as_object().ok_or_else(|| reject("metadata_data_not_object"))?;
    let mut changed = false;
    let mut projected = Object::with_capacity(template.len());
    for (key, default) in template {
        match data.get_non_null(key) {
            Some(value) => {
                changed |= !value.python_eq(default);
                projected.insert(*key, value.clone());
            }
            None => {
                projected.insert(*key, default.clone());
            }
        }
    }
    if changed {
        Ok(Metadata::Projected { cid, data: projected })
    } else {
        Err(reject("metadata_no_change"))
    }
}

type Template = [(&'static str, Json)];

/// The key template of a call; the first match wins.
fn template(tx: &EntityTx) -> Option<&'static Template> {
    let template: &'static LazyLock<Vec<(&'static str, Json)>> =
        match (tx.entity_type.as_str(), tx.action.as_str()) {
            ("Playlist", _) => &PLAYLIST,
            ("Track", "Mute" | "Unmute") => &MUTE,
            ("Track", "Download") => &DOWNLOAD,
            ("Track", _) => &TRACK,
            ("User", _) => &USER,
            ("Comment", _) => &COMMENT,
            ("EncryptedEmail", _) => &ENCRYPTED_EMAIL,
            ("AssociatedWallet", "Create") => &WALLET_CREATE,
            // The reference's precedence slip: every other Delete uses the wallet's keys.
            (_, "Delete") => &WALLET_DELETE,
            ("Collectibles", _) => &COLLECTIBLES,
            ("Event", _) => &EVENT,
            _ => return None,
        };
    Some(template.as_slice())
}

fn nulls(keys: &'static str) -> Vec<(&'static str, Json)> {
    keys.split_whitespace().map(|key| (key, Json::Null)).collect()
}

fn with(
    mut template: Vec<(&'static str, Json)>,
    keys: &str,
    default: &Json,
) -> Vec<(&'static str, Json)> {
    for (key, value) in &mut template {
        if keys.split_whitespace().any(|other| other == *key) {
            *value = default.clone();
        }
    }
    template
}

static MUTE: LazyLock<Vec<(&str, Json)>> = LazyLock::new(|| nulls("is_muted"));
static DOWNLOAD: LazyLock<Vec<(&str, Json)>> = LazyLock::new(|| nulls("city region country"));
static COLLECTIBLES: LazyLock<Vec<(&str, Json)>> = LazyLock::new(|| nulls("collectibles"));
static WALLET_CREATE: LazyLock<Vec<(&str, Json)>> =
    LazyLock::new(|| nulls("wallet_address chain signature"));
static WALLET_DELETE: LazyLock<Vec<(&str, Json)>> = LazyLock::new(|| nulls("wallet_address chain"));
static ENCRYPTED_EMAIL: LazyLock<Vec<(&str, Json)>> =
    LazyLock::new(|| nulls("email_owner_user_id encrypted_email access_grants"));
static EVENT: LazyLock<Vec<(&str, Json)>> =
    LazyLock::new(|| nulls("event_type entity_type entity_id is_deleted end_date event_data"));
static COMMENT: LazyLock<Vec<(&str, Json)>> = LazyLock::new(|| {
    nulls("body user_id entity_id entity_type parent_comment_id mentions track_timestamp_s")
});
static USER: LazyLock<Vec<(&str, Json)>> = LazyLock::new(|| {
    with(
        nulls(
            "profile_picture profile_picture_sizes cover_photo cover_photo_sizes bio \
             twitter_handle instagram_handle tiktok_handle verified_with_twitter \
             verified_with_instagram verified_with_tiktok website donation name location handle \
             associated_wallets associated_sol_wallets collectibles playlist_library events \
             is_storage_v2 is_deactivated is_verified artist_pick_track_id allow_ai_attribution",
        ),
        "is_storage_v2 is_verified allow_ai_attribution",
        &Json::Bool(false),
    )
});
static PLAYLIST: LazyLock<Vec<(&str, Json)>> = LazyLock::new(|| {
    let template = with(
        nulls(
            "playlist_contents playlist_name playlist_image_sizes_multihash description is_album \
             is_private is_scheduled_release is_image_autogenerated is_stream_gated \
             stream_conditions ddex_app upc ddex_release_ids artists copyright_line \
             producer_copyright_line parental_warning_type release_date",
        ),
        "is_album is_private is_scheduled_release is_stream_gated",
        &Json::Bool(false),
    );
    with(template, "playlist_contents", &Json::Object(Object::new()))
});
static TRACK: LazyLock<Vec<(&str, Json)>> = LazyLock::new(|| {
    let template = with(
        nulls(
            "track_cid preview_cid orig_file_cid orig_filename is_downloadable \
             is_original_available owner_id audio_upload_id title route_id duration \
             preview_start_seconds cover_art cover_art_sizes tags genre mood credits_splits \
             create_date release_date file_type description license isrc iswc track_segments \
             remix_of is_scheduled_release is_unlisted is_owned_by_user field_visibility stem_of \
             is_stream_gated stream_conditions is_download_gated download_conditions \
             is_playlist_upload playlists_containing_track ai_attribution_user_id placement_hosts \
             ddex_app ddex_release_ids artists resource_contributors \
             indirect_resource_contributors rights_controller copyright_line \
             producer_copyright_line parental_warning_type allowed_api_keys bpm is_custom_bpm \
             musical_key is_custom_musical_key audio_analysis_error_count comments_disabled \
             cover_original_song_title cover_original_artist",
        ),
        "is_downloadable is_original_available is_scheduled_release is_unlisted is_owned_by_user \
         is_stream_gated is_download_gated is_playlist_upload is_custom_bpm is_custom_musical_key \
         comments_disabled",
        &Json::Bool(false),
    );
    let template = with(template, "duration audio_analysis_error_count", &Json::Int(0));
    with(template, "track_segments", &Json::List(Vec::new()))
});

/// An object's text, or a reject with `code`.
///
/// # Errors
/// When the key is absent or not text.
pub fn required_text<'a>(
    data: &'a Object,
    key: &str,
    code: &'static str,
) -> Result<&'a str, HandlerError> {
    data.get(key).and_then(Json::as_str).ok_or_else(|| reject(code))
}

/// Rejects with `code` when a text is longer than `limit` Unicode code points.
///
/// # Errors
/// When it is.
pub fn ensure_length(text: &str, limit: usize, code: &'static str) -> Handled {
    if text.chars().nth(limit).is_none() { Ok(()) } else { Err(reject(code)) }
}
