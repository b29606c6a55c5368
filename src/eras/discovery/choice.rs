//! Where the Python and the Go reference differ on purpose, one field per difference (design
//! section 5). Handlers ask the field, never which reference is meant.
//!
//! "Go" is the version that writes production since spring 2026. Not here is what the description
//! leaves open in part, what changed from version to version, or what production's keys cannot hold:
//!
//! - the lenient reading of metadata (any object, enveloped or not, no templates, wrong types
//!   absent), which changes every handler at once;
//! - handle changes on Update and the list of reserved handles; empty sign-ups; what empty texts of
//!   a User Update do;
//! - associated wallets, dashboard wallet messages, developer apps and grants, which Go keeps as
//!   several rows per key, partly with other metadata;
//! - several shares of one item by one user, several `playlist_seen` rows per pair, and several
//!   reactions to one tip in a block: one row each is the key here;
//! - release dates, playlist entries and their times, price rows, and which columns of tracks and
//!   playlists are written, which changed from version to version;
//! - email access, comments on fan clubs and events, collaborators, contest subscriptions;
//! - updates in place and hashes that stay unset, which only the reference's own triggers would see.
//!
//! `revert_blocks` is written under both presets: production's playlist trigger reads it, and
//! counters are rebuilt from it.

/// Every deliberate difference between the Python and the Go reference that is described in full.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rules {
    /// A rejected or failed call keeps what it wrote before it failed. Go: leaves nothing
    /// (handlers-a, "Go overall").
    pub failed_calls_leave_rows: bool,
    /// Failed calls get a `skipped_transactions` row. Go: none.
    pub records_skipped: bool,
    /// Handlers write notifications themselves, comments above all. Go: only triggers do; an
    /// announcement is the call itself and stays (handlers-c 9).
    pub direct_notifications: bool,
    /// `user_events` are kept. Go: not.
    pub user_events: bool,
    /// `user_payout_wallet_history` is kept. Go: not.
    pub payout_history: bool,
    /// (Collectibles, *) has a handler. Go: none (handlers-a 0.3).
    pub collectibles: bool,
    /// A write that replaces a row of `muted_users` or `comment_notification_settings` starts its
    /// `created_at` anew. Go: an upsert keeps it.
    pub rewrites_reset_created_at: bool,

    /// Users may mute themselves. Go: rejected.
    pub self_mute: bool,
    /// An Unmute succeeds on a mute that was taken back, but the user must exist. Go: it needs an
    /// active mute and nothing else.
    pub unmute_repeats: bool,
    /// A dashboard wallet can be unlinked again and again. Go: rejected once it is.
    pub unlink_repeats: bool,
    /// Only the verifier announces, and any JSON. Go: anybody, but an object (handlers-a 7).
    pub verifier_announces: bool,
    /// A Verify takes in the first platform it names. Go: all of them, and a verified user is
    /// verified with every platform that has a handle; an unknown user is a reject.
    pub verify_one_platform: bool,
    /// A user may pick a deleted track of theirs. Go: rejected.
    pub pick_deleted_track: bool,
    /// Names have any length. Go: at most 32 code points (handlers-a, "Name rule").
    pub long_names: bool,
    /// `profile_picture` and `cover_photo` stay as they are. Go: metadata sets them.
    pub pictures_are_immutable: bool,

    /// Saves, reposts and follows that change nothing pass, and taking back what is not there
    /// leaves a tombstone. Go: both are rejected (handlers-c 2.5 to 2.7).
    pub idle_social_calls: bool,
    /// Users may not save, repost or share what is theirs. Go: they may.
    pub own_content_refused: bool,
    /// `is_save_of_repost` and its kin are any truthy value at the metadata's top. Go: `true`, inside
    /// `data` if there is an envelope.
    pub loose_repost_flag: bool,

    /// A reaction that was taken back stays the last word, and can be taken back again. Go: a
    /// comment can be reacted to again, and Unreact needs an active reaction but no comment
    /// (handlers-c 3.5).
    pub reactions_are_final: bool,
    /// A comment must name its entity type. Go: absent means a track.
    pub comment_names_entity_type: bool,
    /// A mention that an edit repeats stays as it is. Go: it is taken back and made again, with the
    /// edit's time and hash (handlers-c 3.3).
    pub repeated_mentions_rest: bool,
    /// A pin is a new version of the track. Go: only the pin and `updated_at` change (handlers-c 3.7).
    pub pins_rewrite_tracks: bool,

    /// An event may lack an end date, and `null` clears it on Update. Go: Create needs one and a
    /// type; `null` keeps it (handlers-c 4).
    pub events_without_end: bool,
    /// A second contest of a track passes in the block of the first. Go: rejected (handlers-c 12.8).
    pub contests_of_one_block: bool,
    /// Updating or deleting a deleted event passes, and a missing one is a failure with a row. Go:
    /// both are rejects.
    pub deleted_events_change: bool,
    /// Reactions to tips need no signature. Go: the signer is checked.
    pub unsigned_tip_reactions: bool,

    /// Deleted tracks and playlists can be updated and deleted again. Go: rejected.
    pub deleted_content_changes: bool,
    /// Only the DDEX app that delivered something may change it. Go: not checked.
    pub ddex_lock: bool,
    /// The owner of a new track is what the metadata says. Go: it must say the acting user.
    pub track_owner_is_free: bool,
    /// A new track may have an empty title or none. Go: rejected.
    pub untitled_tracks: bool,
    /// A remix needs stream access to its parents. Go: not checked.
    pub remix_access: bool,
    /// Attributing a track to a user's AI needs their consent. Go: not checked.
    pub ai_consent: bool,
    /// A track Update without `remix_of` removes its remix rows. Go: leaves them.
    pub updates_drop_remixes: bool,
    /// Genres are a closed list. Go: any text up to 100 code points, brought to a common form
    /// (handlers-b 5.1).
    pub closed_genres: bool,
    /// Slugs are NFC, know all white space, and fall back to the hash id. Go: no NFC, ASCII white
    /// space, the decimal id (handlers-b 3.6).
    pub unicode_slugs: bool,
    /// A new title with the old slug keeps the track's route. Go: it gets a number.
    pub same_slug_keeps_route: bool,
    /// Every Playlist Update brings the route in line with the name. Go: only one that sends a new
    /// name that is not empty (handlers-b 3.6).
    pub updates_reroute_playlists: bool,
}

impl Rules {
    /// The Python discovery provider, which wrote production until spring 2026.
    pub const fn python() -> Self {
        Self::all(true)
    }

    /// The Go indexer, which writes production since.
    pub const fn go() -> Self {
        Self::all(false)
    }

    /// Every field is named for the Python side.
    const fn all(python: bool) -> Self {
        Self {
            failed_calls_leave_rows: python,
            records_skipped: python,
            direct_notifications: python,
            user_events: python,
            payout_history: python,
            collectibles: python,
            rewrites_reset_created_at: python,
            self_mute: python,
            unmute_repeats: python,
            unlink_repeats: python,
            verifier_announces: python,
            verify_one_platform: python,
            pick_deleted_track: python,
            long_names: python,
            pictures_are_immutable: python,
            idle_social_calls: python,
            own_content_refused: python,
            loose_repost_flag: python,
            reactions_are_final: python,
            comment_names_entity_type: python,
            repeated_mentions_rest: python,
            pins_rewrite_tracks: python,
            events_without_end: python,
            contests_of_one_block: python,
            deleted_events_change: python,
            unsigned_tip_reactions: python,
            deleted_content_changes: python,
            ddex_lock: python,
            track_owner_is_free: python,
            untitled_tracks: python,
            remix_access: python,
            ai_consent: python,
            updates_drop_remixes: python,
            closed_genres: python,
            unicode_slugs: python,
            same_slug_keeps_route: python,
            updates_reroute_playlists: python,
        }
    }
}
