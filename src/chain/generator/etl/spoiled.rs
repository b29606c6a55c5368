//! What spoils a call for the Go ETL. A few of these are odd and valid there: wrong types that read
//! as nothing, text that is no JSON where no metadata is needed.

use serde_json::json;

use crate::chain::generator::alike::rfc_time;
use crate::chain::generator::spoil::{Patch, Spoiling};
use crate::chain::generator::text::handle_of;
use crate::chain::generator::wallet::Key;
use crate::chain::generator::world::{Account, Call, World};

/// How calls are spoiled.
pub(super) const SPOILING: Spoiling =
    Spoiling { patches: PATCHES, unrouted: UNROUTED, broken: rule_broken };

const PATCHES: &[Patch] = &[
    Patch("User", "Create", "handle", "\"discover\""),
    Patch("User", "Create", "handle", "\"upload\""),
    Patch("User", "Create", "handle", "\"with blank\""),
    Patch("User", "Create", "handle", "~31"),
    Patch("User", "Create", "handle", "[\"a\"]"),
    Patch("User", "Create", "name", "~33"),
    Patch("User", "Create", "name", "\"nul\\u0000inside\""),
    Patch("User", "Create", "bio", "~257"),
    Patch("User", "Create", "playlist_library", "{\"a\":\"nul\\u0000\"}"),
    Patch("User", "Update", "bio", "~257"),
    Patch("User", "Update", "name", "~33"),
    Patch("User", "Update", "location", "\"half \\ud83d\""),
    Patch("User", "Update", "artist_pick_track_id", "1999999999"),
    Patch("User", "Update", "artist_pick_track_id", "1000000000000"),
    Patch("User", "Update", "events", "{\"referrer\":1000000000000}"),
    Patch("Track", "Create", "title", "5"),
    Patch("Track", "Create", "title", "null"),
    Patch("Track", "Create", "title", "\"nul\\u0000 title\""),
    Patch("Track", "Create", "title", "\"half \\udc00 pair\""),
    Patch("Track", "Create", "genre", "~101"),
    Patch("Track", "Create", "description", "~2501"),
    Patch("Track", "Create", "owner_id", ""),
    Patch("Track", "Create", "owner_id", "\"3000000\""),
    Patch("Track", "Create", "duration", "1e400"),
    Patch("Track", "Create", "duration", "99999999999999999999"),
    Patch("Track", "Create", "bpm", "NaN"),
    Patch("Track", "Create", "release_date", "\"1706263200000\""),
    Patch("Track", "Create", "is_stream_gated", "true"),
    Patch("Track", "Create", "stream_conditions", "{\"usdc_purchase\":{\"price\":5}}"),
    Patch("Track", "Create", "remix_of", "{\"tracks\":[{\"parent_track_id\":3000000000}]}"),
    Patch("Track", "Create", "collaborators", "[1,1000000000000]"),
    Patch("Track", "Update", "description", "~2501"),
    Patch("Track", "Update", "genre", "~101"),
    Patch("Track", "Update", "is_download_gated", "true"),
    Patch("Track", "Update", "download_conditions", "{\"usdc_purchase\":{\"splits\":[]}}"),
    Patch("Track", "Update", "field_visibility", "{\"a\":\"nul\\u0000\"}"),
    Patch("Playlist", "Create", "playlist_name", "\"nul\\u0000\""),
    Patch("Playlist", "Create", "description", "~2501"),
    Patch("Playlist", "Create", "playlist_contents", "{\"track_ids\":[{\"track\":3000000000}]}"),
    Patch("Playlist", "Create", "is_stream_gated", "true"),
    Patch("Playlist", "Update", "playlist_contents", "{\"track_ids\":null}"),
    Patch("Playlist", "Update", "description", "~2501"),
    Patch("Comment", "Create", "body", "~401"),
    Patch("Comment", "Create", "body", "\"\""),
    Patch("Comment", "Create", "body", "\"nul\\u0000\""),
    Patch("Comment", "Create", "entity_type", "\"Playlist\""),
    Patch("Comment", "Create", "entity_id", "1999999999"),
    Patch("Comment", "Create", "entity_id", "\"2000000\""),
    Patch("Comment", "Create", "mentions", "[1000000000000]"),
    Patch("Comment", "Create", "parent_comment_id", "1999999999"),
    Patch("Comment", "Create", "video_url", "~2001"),
    Patch("Comment", "Update", "body", "~401"),
    Patch("Comment", "Update", "entity_id", ""),
    Patch("Comment", "Pin", "entity_id", "1999999999"),
    Patch("Comment", "Pin", "entity_id", ""),
    Patch("Event", "Create", "end_date", "\"2001-01-01T00:00:00Z\""),
    Patch("Event", "Create", "end_date", "\"soon\""),
    Patch("Event", "Create", "end_date", "\"2035-01-01T00:00:00,5Z\""),
    Patch("Event", "Create", "event_type", "\"party\""),
    Patch("Event", "Create", "entity_type", "\"planet\""),
    Patch("Event", "Create", "entity_id", ""),
    Patch("Event", "Update", "end_date", "\"2001-01-01T00:00:00Z\""),
    Patch("DeveloperApp", "Create", "name", "~51"),
    Patch("DeveloperApp", "Create", "description", "~161"),
    Patch("DeveloperApp", "Create", "address", ""),
    Patch("DeveloperApp", "Update", "name", ""),
    Patch("DeveloperApp", "Delete", "address", "\"0x00\""),
    Patch("Grant", "Create", "grantee_address", ""),
    Patch("Grant", "Create", "grantee_address", "\"0x0000000000000000000000000000000000000001\""),
    Patch("Grant", "Approve", "grantor_user_id", "1999999999"),
    Patch("Grant", "Approve", "grantee_address", ""),
    Patch("DashboardWalletUser", "Create", "wallet", ""),
    Patch("DashboardWalletUser", "Create", "wallet", "\"0x01\""),
    Patch("EncryptedEmail", "AddEmail", "access_grants", "[{\"receiving_user_id\":1}]"),
    Patch("EncryptedEmail", "AddEmail", "encrypted_email", "5"),
    Patch("EmailAccess", "Update", "access_grants", "{}"),
    Patch("PlayCount", "Reconcile", "delta", "\"5\""),
];

const UNROUTED: &[(&str, &str)] = &[
    ("Rocket", "Create"),
    ("track", "Create"),
    ("User", "create"),
    ("", ""),
    ("Tip", "Update"),
    ("Collectibles", "Create"),
    ("MutedUser", "Mute"),
    ("Playlist", "Download"),
    ("EmailAccess", "Create"),
];

/// A call that is right in form and breaks one of the rules.
fn rule_broken(world: &mut World) -> Option<Call> {
    let (one, two) = (world.user()?, world.user()?);
    let (track, playlist) = (world.track()?, world.playlist()?);
    let (owner, mallory) = (track.owner, if two == track.owner { one } else { two });
    Some(match world.random.below(15) {
        0 => Call::by(one, ("User", "Follow"), one.id, ""),
        1 => Call::by(one, ("User", "Subscribe"), one.id, ""),
        2 => Call::by(one, ("User", "Save"), one.id, "{\"type\":\"track\"}"),
        3 => Call::by(mallory, ("Track", "Delete"), track.id, ""),
        4 => Call::by(mallory, ("Playlist", "Delete"), playlist.id, ""),
        5 => Call::by(one, ("User", "Create"), one.id, "{\"cid\":null,\"data\":null}"),
        6 => user_again(world, one.key, &handle_of(two.id)),
        7 => Call::by(owner, ("Track", "Create"), track.id, titled(owner.id)),
        8 => Call::by(owner, ("Track", "Create"), 77, titled(owner.id)),
        9 => Call::by(playlist.owner, ("Playlist", "Create"), 12, titled(one.id)),
        10 => Call::by(mallory, ("TrackCollaborator", "Approve"), track.id, ""),
        11 => Call::by(mallory, ("Event", "Create"), 1 << 20, contest(world, track.id)),
        12 => Call::by(one, ("Track", "Unsave"), playlist.id, ""),
        13 => Call::by(one, ("Comment", "Unreact"), playlist.id, ""),
        _ => follow_twice(world)?,
    })
}

fn titled(owner: i64) -> String {
    let data = json!({ "title": "Again", "playlist_name": "Again", "owner_id": owner });
    json!({ "cid": "", "data": data }).to_string()
}

fn contest(world: &World, track: i64) -> String {
    json!({
        "event_type": "remix_contest",
        "entity_type": "track",
        "entity_id": track,
        "end_date": rfc_time(world.now + 86_400),
    })
    .to_string()
}

fn follow_twice(world: &mut World) -> Option<Call> {
    let follow = world.follows.pick_settled(&mut world.random)?;
    Some(Call::by(follow.account, ("User", "Follow"), follow.id, ""))
}

/// A new user with the wallet or the handle of another.
fn user_again(world: &mut World, key: Key, handle: &str) -> Call {
    let id = world.new_user_id();
    let key = if world.random.chance(500) { key } else { world.new_key() };
    let account = Account { id, key, named: true };
    let metadata = world.envelope(&json!({ "handle": handle, "name": "Twin" }));
    Call::by(account, ("User", "Create"), id, metadata)
}
