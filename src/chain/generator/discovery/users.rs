//! Calls about users: accounts, muting, wallets, collectibles.

use serde_json::{Value, json};

use crate::chain::generator::text::handle_of;
use crate::chain::generator::wallet::{ownership_message, solana_wallet};
use crate::chain::generator::world::{Account, Call, Linked, World};

/// A user is created; one in thirty without a name, as guests are.
pub(super) fn create(world: &mut World) -> Option<Call> {
    let id = world.new_user_id();
    let account = Account { id, key: world.new_key(), named: !world.random.chance(30) };
    let metadata = if account.named {
        let data = new_profile(world, account);
        world.envelope(&data)
    } else {
        json!({ "cid": null, "data": null }).to_string()
    };
    world.users.add(account);
    Some(Call::by(account, ("User", "Create"), id, metadata))
}

fn new_profile(world: &mut World, account: Account) -> Value {
    let mut events = json!({});
    if world.random.chance(400) {
        events["is_mobile_user"] = true.into();
    }
    if let Some(referrer) = world.user().filter(|_| world.random.chance(150)) {
        events["referrer"] = referrer.id.into();
    }
    let random = &mut world.random;
    let mut data = json!({
        "user_id": account.id,
        "wallet": account.key.lower(),
        "handle": handle_of(account.id),
        "name": random.title(),
        "bio": if random.chance(300) { Value::from(random.words(3, 20)) } else { Value::Null },
        "location": if random.chance(250) { Value::from(random.words(1, 2)) } else { Value::Null },
        "profile_picture": null,
        "profile_picture_sizes": random.cid(),
        "cover_photo": null,
        "cover_photo_sizes": if random.chance(400) { Value::from(random.cid()) } else { Value::Null },
        "is_verified": false,
        "is_deactivated": false,
        "allow_ai_attribution": random.chance(100),
        "events": events,
    });
    if random.chance(50) {
        data["spl_usdc_payout_wallet"] = bs58::encode(random.bytes::<32>()).into_string().into();
    }
    data
}

pub(super) fn update(world: &mut World) -> Option<Call> {
    let account = world.user()?;
    let mut data = json!({});
    // Whoever has no handle yet must bring one.
    if !account.named {
        data["handle"] = handle_of(account.id).into();
        data["name"] = world.random.title().into();
    }
    let own = world.track().filter(|track| track.owner == account);
    if let Some(track) = own {
        data["artist_pick_track_id"] = track.id.into();
    }
    for _ in 0..world.random.between(1, 4) {
        let (key, value) = profile_change(world);
        data[key] = value;
    }
    let metadata = world.envelope(&data);
    Some(Call::by(account, ("User", "Update"), account.id, metadata))
}

fn profile_change(world: &mut World) -> (&'static str, Value) {
    let random = &mut world.random;
    match random.below(14) {
        0 => ("bio", random.words(2, 30).into()),
        1 => ("location", random.words(1, 2).into()),
        2 => ("name", random.title().into()),
        3 => ("cover_photo_sizes", random.cid().into()),
        4 => ("profile_picture_sizes", random.cid().into()),
        5 => ("website", format!("https://{}.example.com", random.hex::<4>()).into()),
        6 => ("twitter_handle", format!("tw_{}", random.hex::<3>()).into()),
        7 => ("instagram_handle", Value::Null),
        8 => ("allow_ai_attribution", random.chance(700).into()),
        9 => ("is_deactivated", random.chance(30).into()),
        10 => (
            "playlist_library",
            json!({ "contents": [
            { "type": "playlist", "playlist_id": random.between(400_000, 400_500) },
            { "type": "folder", "id": random.uuid(), "name": random.title(), "contents": [] },
        ] }),
        ),
        11 => ("spl_usdc_payout_wallet", bs58::encode(random.bytes::<32>()).into_string().into()),
        12 => ("events", json!({ "is_mobile_user": true })),
        _ => ("donation", "".into()),
    }
}

pub(super) fn collectibles(world: &mut World, action: &'static str) -> Option<Call> {
    let account = world.user()?;
    let token = world.random.hex::<16>();
    let collectibles = if world.random.chance(150) {
        json!({})
    } else {
        json!({ "order": [&token], token: { "frozen": false, "value": 1.5e3 } })
    };
    let metadata = world.envelope(&json!({ "collectibles": collectibles }));
    Some(Call::by(account, ("Collectibles", action), account.id, metadata))
}

pub(super) fn wallet_create(world: &mut World) -> Option<Call> {
    let account = world.user()?;
    let (address, signature, chain) = if world.random.chance(500) {
        let key = world.new_key();
        (key.text(), key.sign_text(&ownership_message(account.id)), "eth")
    } else {
        let (address, signature) = solana_wallet(&world.random.bytes(), account.id);
        (address, signature, "sol")
    };
    let data = json!({ "wallet_address": address, "chain": chain, "signature": signature });
    let metadata = world.envelope(&data);
    world.wallets.add(Linked { account, address, chain, key: None });
    Some(Call::by(account, ("AssociatedWallet", "Create"), 0, metadata))
}

pub(super) fn wallet_delete(world: &mut World) -> Option<Call> {
    let wallet = world.wallets.take(&mut world.random)?;
    let data = json!({ "wallet_address": wallet.address, "chain": wallet.chain });
    let metadata = world.envelope(&data);
    Some(Call::by(wallet.account, ("AssociatedWallet", "Delete"), 0, metadata))
}
