//! Rows of tables of which one key has several: a version each, told apart by the transaction that
//! made it. Other records of these tables know the current version only.

use crate::model::{
    Timestamp,
    table::{ColumnDefault, LookupPart, record},
    tables::ENUM_SHARETYPE,
    value::ColumnType,
};

record! {
    /// A version of a developer app. Several may be current.
    AppVersion in "developer_apps", id AppVersions, key [address, txhash],
    current_only false, archived false,
    by AppVersionBy {
        /// Versions of one app, by its address as it is stored.
        Address [LookupPart::Column("address")],
    }
    {
        address: String => ColumnType::Text;
        blockhash: Option<String> => ColumnType::Text;
        blocknumber: Option<i64> => ColumnType::Int4;
        user_id: Option<i64> => ColumnType::Int4;
        name: String => ColumnType::Text;
        is_personal_access: Option<bool> => ColumnType::Bool, default ColumnDefault::Bool(false);
        is_delete: Option<bool> => ColumnType::Bool, default ColumnDefault::Bool(false);
        created_at: Timestamp => ColumnType::Timestamp;
        txhash: String => ColumnType::Text;
        is_current: bool => ColumnType::Bool;
        updated_at: Timestamp => ColumnType::Timestamp;
        description: Option<String> => ColumnType::Text;
        image_url: Option<String> => ColumnType::Text;
    }
}

record! {
    /// Where an app's sign-in may lead back to. A list may name one several times.
    OauthRedirectUri in "oauth_redirect_uris", id OauthRedirectUris, key [client_id, redirect_uri],
    current_only false, archived false,
    by OauthRedirectUriBy {
        /// Those of an app.
        Client [LookupPart::Column("client_id")],
    }
    {
        client_id: String => ColumnType::Text;
        redirect_uri: String => ColumnType::Text;
        created_at: Timestamp => ColumnType::TimestampTz;
    }
}

record! {
    /// A version of a grant. Several may be current.
    GrantVersion in "grants", id GrantVersions, key [grantee_address, user_id, txhash],
    current_only false, archived false,
    by GrantVersionBy {
        /// Versions of the grant of one user to one grantee, by the address as it is stored.
        Pair [LookupPart::Column("grantee_address"), LookupPart::Column("user_id")],
    }
    {
        blockhash: Option<String> => ColumnType::Text;
        blocknumber: Option<i64> => ColumnType::Int4;
        grantee_address: String => ColumnType::Text;
        user_id: i64 => ColumnType::Int4;
        is_revoked: Option<bool> => ColumnType::Bool, default ColumnDefault::Bool(false);
        is_current: bool => ColumnType::Bool;
        is_approved: Option<bool> => ColumnType::Bool;
        updated_at: Timestamp => ColumnType::Timestamp;
        created_at: Timestamp => ColumnType::Timestamp;
        txhash: String => ColumnType::Text;
    }
}

record! {
    /// One of the shares of an item by a user.
    ShareVersion in "shares", id ShareVersions, key [user_id, share_type, share_item_id, txhash],
    current_only false, archived false,
    by ShareVersionBy {
    }
    {
        blockhash: Option<String> => ColumnType::Text;
        blocknumber: Option<i64> => ColumnType::Int4;
        user_id: i64 => ColumnType::Int4;
        share_item_id: i64 => ColumnType::Int4;
        share_type: String => ENUM_SHARETYPE;
        created_at: Timestamp => ColumnType::Timestamp;
        txhash: String => ColumnType::Text;
        slot: Option<i64> => ColumnType::Int4;
    }
}

record! {
    /// A version of a playlist, as far as it matters that it is there.
    PlaylistVersion in "playlists", id PlaylistVersions, key [playlist_id, txhash],
    current_only false, archived false,
    by PlaylistVersionBy {
        /// Versions of a playlist.
        Playlist [LookupPart::Column("playlist_id")],
    }
    {
        playlist_id: i64 => ColumnType::Int4;
        txhash: String => ColumnType::Text;
    }
}

record! {
    /// A version of a track, as far as it matters that it is there.
    TrackVersion in "tracks", id TrackVersions, key [track_id, txhash],
    current_only false, archived false,
    by TrackVersionBy {
        /// Versions of a track.
        Track [LookupPart::Column("track_id")],
    }
    {
        track_id: i64 => ColumnType::Int4;
        txhash: String => ColumnType::Text;
    }
}
