//! Accounts and profiles.

use serde_json::{Value, json};

use crate::chain::generator::text::handle_of;
use crate::chain::generator::world::{Account, Call, World};

/// A user is created; one in thirty without a name, as guests are.
pub(super) fn create(world: &mut World) -> Option<Call> {
    let id = world.new_user_id();
    let account = Account { id, key: world.new_key(), named: !world.random.chance(30) };
    let data = if account.named { profile(world, account) } else { json!({}) };
    let metadata = world.envelope(&data);
    world.users.add(account);
    Some(Call::by(account, ("User", "Create"), id, metadata))
}

fn profile(world: &mut World, account: Account) -> Value {
    let mut events = json!({});
    if world.random.chance(400) {
        events["is_mobile_user"] = true.into();
    }
    if let Some(referrer) = world.user().filter(|_| world.random.chance(150)) {
        events["referrer"] = referrer.id.into();
    }
    let random = &mut world.random;
    let mut data = json!({
        "handle": handle_of(account.id),
        "name": random.name(),
        "profile_picture_sizes": random.cid(),
        "cover_photo_sizes": random.chance(400).then(|| random.cid()),
        "bio": random.chance(300).then(|| random.words(3, 20)),
        "location": random.chance(250).then(|| random.words(1, 2)),
        "website": null,
        "donation": null,
        "twitter_handle": null,
        "instagram_handle": null,
        "tiktok_handle": null,
        "allow_ai_attribution": random.chance(100),
        "playlist_library": null,
        "profile_type": random.chance(30).then_some("label"),
        "events": events,
    });
    if random.chance(50) {
        data["spl_usdc_payout_wallet"] = bs58::encode(random.bytes::<32>()).into_string().into();
    }
    data
}

/// Changes a few fields; the web client sends the name every time.
pub(super) fn update(world: &mut World) -> Option<Call> {
    let account = world.user()?;
    let mut data = json!({ "name": world.random.name() });
    if !account.named {
        data["handle"] = handle_of(account.id).into();
    }
    let pick = world.track().filter(|track| track.owner == account);
    if let Some(track) = pick {
        data["artist_pick_track_id"] = track.id.into();
    }
    for _ in 0..world.random.between(1, 4) {
        let (key, value) = change(world);
        data[key] = value;
    }
    let metadata = world.envelope(&data);
    Some(Call::by(account, ("User", "Update"), account.id, metadata))
}

fn change(world: &mut World) -> (&'static str, Value) {
    let random = &mut world.random;
    match random.below(12) {
        0 | 1 => ("bio", random.words(2, 20).into()),
        2 => ("location", random.words(1, 2).into()),
        3 => ("cover_photo_sizes", random.cid().into()),
        4 => ("profile_picture_sizes", random.cid().into()),
        5 => ("website", format!("https://{}.example.com", random.hex::<4>()).into()),
        6 => ("twitter_handle", format!("tw_{}", random.hex::<3>()).into()),
        7 => ("allow_ai_attribution", random.chance(700).into()),
        8 => ("playlist_library", library(world)),
        9 => ("spl_usdc_payout_wallet", bs58::encode(random.bytes::<32>()).into_string().into()),
        10 => ("coin_flair_mint", bs58::encode(random.bytes::<32>()).into_string().into()),
        _ => ("events", json!({ "is_mobile_user": true })),
    }
}

fn library(world: &mut World) -> Value {
    let list = world.playlist().map_or(400_000, |playlist| playlist.id);
    let random = &mut world.random;
    json!({ "contents": [
        { "type": "playlist", "playlist_id": list },
        { "type": "folder", "id": random.uuid(), "name": random.title(), "contents": [] },
    ] })
}
