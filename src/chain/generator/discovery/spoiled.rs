//! What spoils a call for the discovery provider.

use crate::chain::generator::spoil::{Patch, Spoiling};
use crate::chain::generator::text::handle_of;
use crate::chain::generator::wallet::{Key, ownership_message};
use crate::chain::generator::world::{Account, Call, World};

/// How calls are spoiled.
pub(super) const SPOILING: Spoiling =
    Spoiling { patches: PATCHES, unrouted: UNROUTED, broken: rule_broken };

const PATCHES: &[Patch] = &[
    Patch("User", "Create", "handle", "\"discover\""),
    Patch("User", "Create", "handle", "\"with blank\""),
    Patch("User", "Create", "handle", "~31"),
    Patch("User", "Create", "handle", "5"),
    Patch("User", "Create", "handle", ""),
    Patch("User", "Create", "handle", "[\"a\"]"),
    Patch("User", "Create", "name", "\"Official Audius\""),
    Patch("User", "Create", "name", "\"nul\\u0000inside\""),
    Patch("User", "Create", "bio", "~257"),
    Patch("User", "Create", "location", "{\"a\":1}"),
    Patch("User", "Update", "bio", "~257"),
    Patch("User", "Update", "bio", "12"),
    Patch("User", "Update", "location", "\"half \\ud83d\""),
    Patch("User", "Update", "artist_pick_track_id", "1999999999"),
    Patch("User", "Update", "artist_pick_track_id", "1000000000000"),
    Patch("User", "Update", "spl_usdc_payout_wallet", "\"0OIl\""),
    Patch("User", "Update", "playlist_library", "{\"a\":\"nul\\u0000\"}"),
    Patch("User", "Update", "is_deactivated", "\"yes\""),
    Patch("Track", "Create", "title", "5"),
    Patch("Track", "Create", "title", "null"),
    Patch("Track", "Create", "title", "\"nul\\u0000 title\""),
    Patch("Track", "Create", "title", "\"half \\udc00 pair\""),
    Patch("Track", "Create", "title", "~5000"),
    Patch("Track", "Create", "genre", "\"Polka\""),
    Patch("Track", "Create", "genre", "\"\""),
    Patch("Track", "Create", "genre", "[]"),
    Patch("Track", "Create", "description", "~2501"),
    Patch("Track", "Create", "owner_id", ""),
    Patch("Track", "Create", "duration", "1e400"),
    Patch("Track", "Create", "duration", "99999999999999999999"),
    Patch("Track", "Create", "bpm", "NaN"),
    Patch("Track", "Create", "bpm", "-Infinity"),
    Patch("Track", "Create", "release_date", "1706263200"),
    Patch("Track", "Create", "release_date", "\"99999999999999999999\""),
    Patch("Track", "Create", "track_cid", "7"),
    Patch("Track", "Create", "is_stream_gated", "true"),
    Patch("Track", "Create", "ai_attribution_user_id", "1999999999"),
    Patch("Track", "Create", "remix_of", "{\"tracks\":[{\"parent_track_id\":true}]}"),
    Patch("Track", "Create", "stem_of", "{\"parent_track_id\":2000000}"),
    Patch("Track", "Update", "description", "~2501"),
    Patch("Track", "Update", "genre", "\"polka\""),
    Patch("Track", "Update", "mood", "17"),
    Patch("Track", "Update", "allowed_api_keys", "[1]"),
    Patch("Track", "Update", "is_download_gated", "true"),
    Patch("Track", "Update", "territory_codes", "[]"),
    Patch(
        "Track",
        "Download",
        "city",
        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
    ),
    Patch("Playlist", "Create", "playlist_name", ""),
    Patch("Playlist", "Create", "playlist_name", "\"nul\\u0000\""),
    Patch("Playlist", "Create", "description", "~2501"),
    Patch("Playlist", "Create", "playlist_contents", "{\"track_ids\":[{\"time\":5}]}"),
    Patch("Playlist", "Create", "playlist_contents", "{\"track_ids\":[{\"track\":5}]}"),
    Patch("Playlist", "Create", "playlist_contents", "[\"abc\"]"),
    Patch("Playlist", "Create", "playlist_contents", "{\"foo\":1}"),
    Patch("Playlist", "Create", "is_stream_gated", "true"),
    Patch("Playlist", "Update", "is_private", "null"),
    Patch("Playlist", "Update", "release_date", "5"),
    Patch("Playlist", "Update", "playlist_contents", "{\"track_ids\":[{\"track\":0,\"time\":1}]}"),
    Patch("Playlist", "Update", "playlist_contents", "{\"track_ids\":null}"),
    Patch("Comment", "Create", "body", "~401"),
    Patch("Comment", "Create", "body", "\"\""),
    Patch("Comment", "Create", "body", "9"),
    Patch("Comment", "Create", "entity_type", ""),
    Patch("Comment", "Create", "entity_type", "\"Playlist\""),
    Patch("Comment", "Create", "entity_id", "1999999999"),
    Patch("Comment", "Create", "entity_id", "[1]"),
    Patch("Comment", "Create", "mentions", "\"abc\""),
    Patch("Comment", "Create", "parent_comment_id", "1999999999"),
    Patch("Comment", "Create", "parent_comment_id", "\"abc\""),
    Patch("Comment", "Update", "body", "~401"),
    Patch("Comment", "Update", "entity_id", ""),
    Patch("Comment", "React", "entity_id", "1999999999"),
    Patch("Comment", "Pin", "entity_id", "1999999999"),
    Patch("Event", "Create", "end_date", "\"2001-01-01T00:00:00Z\""),
    Patch("Event", "Create", "end_date", "\"soon\""),
    Patch("Event", "Create", "end_date", "\"2035-W01-1\""),
    Patch("Event", "Create", "event_type", "\"party\""),
    Patch("Event", "Create", "entity_type", "\"user\""),
    Patch("Event", "Update", "end_date", "\"2001-01-01T00:00:00Z\""),
    Patch("DeveloperApp", "Create", "name", "~51"),
    Patch("DeveloperApp", "Create", "description", "~161"),
    Patch("DeveloperApp", "Create", "is_personal_access", "\"no\""),
    Patch("DeveloperApp", "Create", "image_url", "5"),
    Patch("DeveloperApp", "Create", "app_signature", ""),
    Patch(
        "DeveloperApp",
        "Create",
        "app_signature",
        "{\"message\":\"Creating Audius developer app at 1\",\"signature\":\"0x00\"}",
    ),
    Patch(
        "DeveloperApp",
        "Create",
        "app_signature",
        "{\"message\":\"Creating Audius developer app at noon\",\"signature\":\"0x00\"}",
    ),
    Patch("DeveloperApp", "Update", "name", ""),
    Patch("DeveloperApp", "Delete", "address", "\"0x00\""),
    Patch("Grant", "Create", "grantee_address", ""),
    Patch("Grant", "Create", "grantee_address", "\"0x0000000000000000000000000000000000000001\""),
    Patch("Grant", "Create", "grantee_address", "5"),
    Patch("Grant", "Approve", "grantor_user_id", "1999999999"),
    Patch("DashboardWalletUser", "Create", "wallet", ""),
    Patch("DashboardWalletUser", "Create", "wallet", "\"0x01\""),
    Patch("AssociatedWallet", "Create", "chain", "\"btc\""),
    Patch("AssociatedWallet", "Create", "signature", "\"00\""),
    Patch("AssociatedWallet", "Delete", "chain", "\"doge\""),
    Patch("Collectibles", "Create", "collectibles", "[1,2]"),
    Patch("Collectibles", "Update", "collectibles", "null"),
    Patch("EncryptedEmail", "AddEmail", "access_grants", "[]"),
    Patch("EncryptedEmail", "AddEmail", "access_grants", "[{\"receiving_user_id\":1}]"),
    Patch("EmailAccess", "Update", "access_grants", "{}"),
    Patch("Tip", "Update", "reaction_value", "9"),
    Patch("Tip", "Update", "reacted_to", ""),
];

/// Types and actions that no handler has.
const UNROUTED: &[(&str, &str)] = &[
    ("Rocket", "Create"),
    ("track", "Save"),
    ("User", "create"),
    ("", ""),
    ("UserWallet", "Delete"),
    ("Playlist", "Download"),
    ("EmailAccess", "Create"),
    ("Collectibles", "Delete"),
    ("Tip", "Create"),
];

/// A call that is right in form and breaks one of the rules.
fn rule_broken(world: &mut World) -> Option<Call> {
    let (one, two) = (world.user()?, world.user()?);
    let track = world.track()?;
    let playlist = world.playlist()?;
    let (owner, mallory) = (track.owner, if two == track.owner { one } else { two });
    Some(match world.random.below(16) {
        0 => Call::by(one, ("User", "Follow"), one.id, ""),
        1 => Call::by(one, ("User", "Subscribe"), one.id, ""),
        2 => Call::by(owner, ("Track", "Save"), track.id, ""),
        3 => Call::by(playlist.owner, ("Playlist", "Repost"), playlist.id, ""),
        4 => Call::by(owner, ("Track", "Share"), track.id, ""),
        5 => Call::by(one, ("User", "Share"), two.id, ""),
        6 => Call::by(mallory, ("Track", "Delete"), track.id, ""),
        7 => Call::by(mallory, ("Playlist", "Delete"), playlist.id, ""),
        8 => Call::by(one, ("User", "Create"), one.id, "{\"cid\":null,\"data\":null}"),
        9 => user_again(world, one.key, &handle_of(two.id)),
        10 => user_again(world, two.key, &format!("free{}", one.id)),
        11 => Call::by(owner, ("Track", "Create"), track.id, title_only(owner.id)),
        12 => Call::by(owner, ("Track", "Create"), 77, title_only(owner.id)),
        13 => Call::by(playlist.owner, ("Playlist", "Create"), 12, title_only(one.id)),
        14 => Call::by(one, ("Notification", "Create"), 0, "{\"title\":\"not the verifier\"}"),
        _ => foreign_wallet(world, one.id, two.key)?,
    })
}

fn title_only(owner: i64) -> String {
    let data = serde_json::json!({
        "title": "Again", "playlist_name": "Again", "owner_id": owner, "genre": "House",
    });
    serde_json::json!({ "cid": "", "data": data }).to_string()
}

/// A new user with the wallet or the handle of another.
fn user_again(world: &mut World, key: Key, handle: &str) -> Call {
    let id = world.new_user_id();
    let key = if world.random.chance(500) { key } else { world.new_key() };
    let account = Account { id, key, named: true };
    let data = serde_json::json!({ "handle": handle, "name": "Twin" });
    let metadata = world.envelope(&data);
    Call::by(account, ("User", "Create"), id, metadata)
}

/// A wallet whose proof names another user.
fn foreign_wallet(world: &mut World, user_id: i64, wallet: Key) -> Option<Call> {
    let account = world.users.pick_settled(&mut world.random)?;
    let data = serde_json::json!({
        "wallet_address": wallet.text(),
        "chain": "eth",
        "signature": wallet.sign_text(&ownership_message(user_id + 1)),
    });
    let metadata = world.envelope(&data);
    Some(Call::by(account, ("AssociatedWallet", "Create"), 0, metadata))
}
