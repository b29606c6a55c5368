//! Calls that clients send alike, whichever program indexes the chain.

use serde_json::{Value, json};

use super::text::{PLACES, handle_of};
use super::world::{Account, Call, Linked, Relation, World};

pub(super) fn verify_user(world: &mut World) -> Option<Call> {
    let account = world.user()?;
    let platform = world.random.pick(&["twitter_handle", "instagram_handle", "tiktok_handle"]);
    let data = json!({ "is_verified": true, platform: handle_of(account.id) });
    let metadata = world.envelope(&data);
    Some(Call::by(account, ("User", "Verify"), account.id, metadata).signed_by_verifier())
}

pub(super) fn mute_user(world: &mut World) -> Option<Call> {
    let (account, other) = (world.user()?, world.user()?);
    world.mutes.add(Relation { account, entity_type: "User", id: other.id });
    Some(Call::by(account, ("User", "Mute"), other.id, ""))
}

pub(super) fn unmute_user(world: &mut World) -> Option<Call> {
    let mute = world.mutes.take(&mut world.random)?;
    Some(Call::by(mute.account, ("User", "Unmute"), mute.id, ""))
}

pub(super) fn delete_track(world: &mut World) -> Option<Call> {
    let track = world.tracks.take(&mut world.random)?;
    Some(Call::by(track.owner, ("Track", "Delete"), track.id, ""))
}

pub(super) fn download_track(world: &mut World) -> Option<Call> {
    let (account, track) = (world.user()?, world.track()?);
    let metadata = if world.random.chance(250) {
        String::new()
    } else {
        let (city, region, country) = world.random.pick(PLACES);
        world.envelope(&json!({ "city": city, "region": region, "country": country }))
    };
    let call = Call::by(account, ("Track", "Download"), track.id, metadata);
    Some(world.delegated(call))
}

/// The owner turns comment notifications of a track off or on.
pub(super) fn mute_track(world: &mut World, action: &'static str) -> Option<Call> {
    let track = world.track()?;
    Some(Call::by(track.owner, ("Track", action), track.id, ""))
}

pub(super) fn delete_playlist(world: &mut World) -> Option<Call> {
    let playlist = world.playlists.take(&mut world.random)?;
    Some(Call::by(playlist.owner, ("Playlist", "Delete"), playlist.id, ""))
}

/// The author turns notifications of replies off or on.
pub(super) fn mute_comment(world: &mut World, action: &'static str) -> Option<Call> {
    let comment = world.comments.pick(&mut world.random)?;
    Some(Call::by(comment.author, ("Comment", action), comment.id, ""))
}

pub(super) fn update_event(world: &mut World) -> Option<Call> {
    let event = world.events.pick_settled(&mut world.random)?;
    let mut data = json!({ "event_data": { "description": world.random.words(3, 20) } });
    if world.random.chance(500) {
        data["end_date"] = rfc_time(event.end.max(world.now) + 86_400).into();
    }
    if world.random.chance(200) {
        let winner = world.track()?;
        data["event_data"]["winners"] = json!([winner.id]);
    }
    let metadata = world.envelope(&data);
    Some(Call::by(event.host, ("Event", "Update"), event.id, metadata))
}

pub(super) fn view_notifications(world: &mut World) -> Option<Call> {
    let account = world.user()?;
    let call = Call::by(account, ("Notification", "View"), 0, "");
    Some(world.delegated(call))
}

pub(super) fn view_playlist(world: &mut World) -> Option<Call> {
    let (account, playlist) = (world.user()?, world.playlist()?);
    Some(Call::by(account, ("Notification", "ViewPlaylist"), playlist.id, ""))
}

/// An announcement, which only the verifier may make.
pub(super) fn announce(world: &mut World) -> Option<Call> {
    let account = world.user()?;
    let data = json!({
        "title": world.random.title(),
        "short_description": world.random.words(3, 8),
        "long_description": world.random.words(10, 40),
        "push_body": world.random.words(3, 8),
    });
    let call = Call::by(account, ("Notification", "Create"), 0, data.to_string());
    Some(call.signed_by_verifier())
}

/// A wallet for the protocol dashboard, proved by either side to the other.
pub(super) fn link_dashboard(world: &mut World) -> Option<Call> {
    let account = world.artist()?;
    let wallet = world.new_key();
    let now = world.now;
    let by_user = world.random.chance(500);
    let (data, signer) = if by_user {
        let message = if world.random.chance(500) {
            format!("Connecting Audius user id {} at {now}", account.id)
        } else {
            format!("Connecting Audius user @{} at {now}", handle_of(account.id))
        };
        let signature = wallet.sign_text(&message);
        let proof = json!({ "message": message, "signature": signature });
        (json!({ "wallet": wallet.text(), "wallet_signature": proof }), account.key)
    } else {
        let message =
            format!("Connecting Audius protocol dashboard wallet {} at {now}", wallet.text());
        let signature = account.key.sign_text(&message);
        let proof = json!({ "message": message, "signature": signature });
        (json!({ "wallet": wallet.text(), "user_signature": proof }), wallet)
    };
    let address = wallet.text();
    world.dashboards.add(Linked { account, address, chain: "eth", key: Some(wallet) });
    let call = Call::by(account, ("DashboardWalletUser", "Create"), 0, data.to_string());
    Some(call.signed_by(signer))
}

pub(super) fn unlink_dashboard(world: &mut World) -> Option<Call> {
    let linked = world.dashboards.take(&mut world.random)?;
    let data = json!({ "wallet": linked.address });
    let call = Call::by(linked.account, ("DashboardWalletUser", "Delete"), 0, data.to_string());
    Some(match linked.key.filter(|_| world.random.chance(400)) {
        Some(wallet) => call.signed_by(wallet),
        None => call,
    })
}

/// RFC 3339 with milliseconds, as browsers write it.
pub(super) fn rfc_time(seconds: i64) -> String {
    chrono::DateTime::from_timestamp(seconds, 0)
        .map(|time| time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true))
        .unwrap_or_default()
}

pub(super) fn delete_comment(world: &mut World) -> Option<Call> {
    let comment = world.comments.take(&mut world.random)?;
    let actor = if world.random.chance(200) { comment.track.owner } else { comment.author };
    Some(Call::by(actor, ("Comment", "Delete"), comment.id, ""))
}

/// Puts the track behind one of the gates.
pub(super) fn gate(world: &mut World, data: &mut Value, owner: Account) {
    let random = &mut world.random;
    let conditions = match random.below(3) {
        0 => json!({ "follow_user_id": owner.id }),
        1 => json!({ "tip_user_id": owner.id }),
        _ => json!({ "usdc_purchase": {
            "price": random.between(100, 2000),
            "splits": [{ "user_id": owner.id, "percentage": 100.0 }],
        } }),
    };
    data["is_stream_gated"] = true.into();
    data["is_download_gated"] = true.into();
    data["stream_conditions"] = conditions.clone();
    data["download_conditions"] = conditions;
}
