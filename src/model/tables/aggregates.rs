//! Counters and milestones derived from the entity tables.

use crate::model::{
    Timestamp,
    table::{ColumnDefault, record},
    value::ColumnType,
};

record! {
    /// A user's counters.
    AggregateUser in "aggregate_user", id AggregateUsers, key [user_id],
    current_only false, archived false,
    by AggregateUserBy {
    }
    {
        user_id: i64 => ColumnType::Int4;
        track_count: Option<i64> => ColumnType::Int8, default ColumnDefault::Int(0);
        playlist_count: Option<i64> => ColumnType::Int8, default ColumnDefault::Int(0);
        album_count: Option<i64> => ColumnType::Int8, default ColumnDefault::Int(0);
        follower_count: Option<i64> => ColumnType::Int8, default ColumnDefault::Int(0);
        following_count: Option<i64> => ColumnType::Int8, default ColumnDefault::Int(0);
        repost_count: Option<i64> => ColumnType::Int8, default ColumnDefault::Int(0);
        track_save_count: Option<i64> => ColumnType::Int8, default ColumnDefault::Int(0);
        supporter_count: Option<i64> => ColumnType::Int4, default ColumnDefault::Int(0);
        supporting_count: Option<i64> => ColumnType::Int4, default ColumnDefault::Int(0);
        dominant_genre: Option<String> => ColumnType::Text;
        dominant_genre_count: Option<i64> => ColumnType::Int4, default ColumnDefault::Int(0);
        score: Option<i64> => ColumnType::Int4, default ColumnDefault::Int(0);
        total_track_count: Option<i64> => ColumnType::Int8, default ColumnDefault::Int(0);
        track_share_count: Option<i64> => ColumnType::Int4, default ColumnDefault::Int(0);
    }
}

record! {
    /// A track's counters.
    AggregateTrack in "aggregate_track", id AggregateTracks, key [track_id],
    current_only false, archived false,
    by AggregateTrackBy {
    }
    {
        track_id: i64 => ColumnType::Int4;
        repost_count: Option<i64> => ColumnType::Int4, default ColumnDefault::Int(0);
        save_count: Option<i64> => ColumnType::Int4, default ColumnDefault::Int(0);
        comment_count: Option<i64> => ColumnType::Int4, default ColumnDefault::Int(0);
        share_count: Option<i64> => ColumnType::Int4, default ColumnDefault::Int(0);
    }
}

record! {
    /// A playlist's counters.
    AggregatePlaylist in "aggregate_playlist", id AggregatePlaylists, key [playlist_id],
    current_only false, archived false,
    by AggregatePlaylistBy {
    }
    {
        playlist_id: i64 => ColumnType::Int4;
        is_album: Option<bool> => ColumnType::Bool;
        repost_count: Option<i64> => ColumnType::Int4, default ColumnDefault::Int(0);
        save_count: Option<i64> => ColumnType::Int4, default ColumnDefault::Int(0);
        share_count: Option<i64> => ColumnType::Int4, default ColumnDefault::Int(0);
    }
}

record! {
    /// A track's plays.
    AggregatePlays in "aggregate_plays", id AggregatePlays, key [play_item_id],
    current_only false, archived false,
    by AggregatePlaysBy {
    }
    {
        play_item_id: i64 => ColumnType::Int4;
        count: Option<i64> => ColumnType::Int8;
    }
}

record! {
    /// A track's plays in a month and country.
    AggregateMonthlyPlays in "aggregate_monthly_plays", id AggregateMonthlyPlays, key [play_item_id, timestamp, country],
    current_only false, archived false,
    by AggregateMonthlyPlaysBy {
    }
    {
        play_item_id: i64 => ColumnType::Int4;
        timestamp: Timestamp => ColumnType::Date;
        count: i64 => ColumnType::Int4;
        country: String => ColumnType::Text;
    }
}

record! {
    /// A threshold that a counter reached.
    Milestone in "milestones", id Milestones, key [id, name, threshold],
    current_only false, archived false,
    by MilestoneBy {
    }
    {
        id: i64 => ColumnType::Int4;
        name: String => ColumnType::Text;
        threshold: i64 => ColumnType::Int4;
        blocknumber: Option<i64> => ColumnType::Int4;
        slot: Option<i64> => ColumnType::Int4;
        timestamp: Timestamp => ColumnType::Timestamp;
    }
}
