//! Counters and milestones derived from the entity tables.
//!
//! A counter that is NULL stays NULL: no default takes its place.

use crate::model::{Timestamp, table::record, value::ColumnType};

record! {
    /// A user's counters.
    AggregateUser in "aggregate_user", id AggregateUsers, key [user_id],
    current_only false, archived false,
    by AggregateUserBy {
    }
    {
        user_id: i64 => ColumnType::Int4;
        track_count: Option<i64> => ColumnType::Int8;
        playlist_count: Option<i64> => ColumnType::Int8;
        album_count: Option<i64> => ColumnType::Int8;
        follower_count: Option<i64> => ColumnType::Int8;
        following_count: Option<i64> => ColumnType::Int8;
        repost_count: Option<i64> => ColumnType::Int8;
        track_save_count: Option<i64> => ColumnType::Int8;
        supporter_count: Option<i64> => ColumnType::Int4;
        supporting_count: Option<i64> => ColumnType::Int4;
        dominant_genre: Option<String> => ColumnType::Text;
        dominant_genre_count: Option<i64> => ColumnType::Int4;
        score: Option<i64> => ColumnType::Int4;
        total_track_count: Option<i64> => ColumnType::Int8;
        track_share_count: Option<i64> => ColumnType::Int4;
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
        repost_count: Option<i64> => ColumnType::Int4;
        save_count: Option<i64> => ColumnType::Int4;
        comment_count: Option<i64> => ColumnType::Int4;
        share_count: Option<i64> => ColumnType::Int4;
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
        repost_count: Option<i64> => ColumnType::Int4;
        save_count: Option<i64> => ColumnType::Int4;
        share_count: Option<i64> => ColumnType::Int4;
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

record! {
    /// Hours in which a user played something.
    DistinctPlayHours in "user_distinct_play_hours", id DistinctPlayHours, key [user_id],
    current_only false, archived false,
    by DistinctPlayHoursBy {
    }
    {
        user_id: i64 => ColumnType::Int4;
        hours_with_play: i64 => ColumnType::Int4;
        updated_at: Timestamp => ColumnType::TimestampTz;
    }
}

record! {
    /// Tracks that a user played.
    DistinctPlayTracks in "user_distinct_play_tracks", id DistinctPlayTracks, key [user_id],
    current_only false, archived false,
    by DistinctPlayTracksBy {
    }
    {
        user_id: i64 => ColumnType::Int4;
        track_count: i64 => ColumnType::Int4;
        updated_at: Timestamp => ColumnType::TimestampTz;
    }
}

record! {
    /// That a user played a track: one or more rows of `plays`, which are written elsewhere.
    PlayedTrack in "plays", id PlayedTracks, key [user_id, play_item_id],
    current_only false, archived false,
    by PlayedTrackBy {
    }
    {
        user_id: i64 => ColumnType::Int4;
        play_item_id: i64 => ColumnType::Int4;
    }
}
