//! Calls about tracks.

use serde_json::{Value, json};

use crate::chain::generator::alike::{gate, rfc_time};
use crate::chain::generator::text::{GENRES, KEYS, MOODS};
use crate::chain::generator::world::{Account, Call, Work, World};

/// Fields that clients send as false.
const PLAIN_FLAGS: &[&str] = &[
    "is_original_available",
    "is_unlisted",
    "is_scheduled_release",
    "is_stream_gated",
    "is_download_gated",
    "is_playlist_upload",
    "is_custom_bpm",
    "is_custom_musical_key",
];

/// Fields that clients send as null.
const UNUSED: &[&str] = &[
    "preview_cid",
    "preview_start_seconds",
    "cover_art",
    "stream_conditions",
    "download_conditions",
    "isrc",
    "iswc",
    "create_date",
    "remix_of",
    "stem_of",
    "ai_attribution_user_id",
    "placement_hosts",
    "allowed_api_keys",
    "ddex_app",
];

pub(super) fn create(world: &mut World) -> Option<Call> {
    let owner = world.artist()?;
    let id = world.new_track_id();
    let mut data = new_track(world, owner);
    let mut track = Work { id, owner, gated: false, special: false };
    match world.random.below(20) {
        0 | 1 => {
            if let Some(parent) = world.track().filter(|parent| !parent.gated) {
                data["remix_of"] = json!({ "tracks": [{ "parent_track_id": parent.id }] });
                track.special = true;
            }
        }
        2 => {
            if let Some(parent) = world.track().filter(|parent| parent.owner == owner) {
                let category = world.random.pick(&["LEAD VOCALS", "DRUMS", "OTHER"]);
                data["stem_of"] = json!({ "category": category, "parent_track_id": parent.id });
                track.special = true;
            }
        }
        3 => {
            gate(world, &mut data, owner);
            track.gated = true;
        }
        4 => {
            data["is_unlisted"] = true.into();
            data["field_visibility"] = json!({ "mood": false, "tags": true, "play_count": false });
        }
        5 => {
            data["is_scheduled_release"] = true.into();
            data["release_date"] = json!(rfc_time(world.now + 86_400 * 30));
        }
        _ => {}
    }
    let metadata = world.envelope(&data);
    world.tracks.add(track);
    Some(Call::by(owner, ("Track", "Create"), id, metadata))
}

fn new_track(world: &mut World, owner: Account) -> Value {
    let now = world.now;
    let random = &mut world.random;
    let mut data = json!({
        "title": random.title(),
        "owner_id": owner.id,
        "genre": random.pick(GENRES),
        "mood": if random.chance(600) { Value::from(random.pick(MOODS)) } else { Value::Null },
        "tags": random.words(0, 3).replace(' ', ","),
        "description": if random.chance(400) { Value::from(random.words(5, 40)) } else { Value::Null },
        "duration": random.between(30, 600),
        "track_cid": random.cid(),
        "orig_file_cid": random.cid(),
        "orig_filename": format!("{}.wav", random.words(1, 2)),
        "cover_art_sizes": random.cid(),
        "audio_upload_id": random.hex::<12>(),
        "is_downloadable": random.chance(200),
        "bpm": if random.chance(700) { Value::from(random.between(60, 180)) } else { Value::Null },
        "musical_key": if random.chance(600) { Value::from(random.pick(KEYS)) } else { Value::Null },
        "comments_disabled": random.chance(30),
    });
    for key in PLAIN_FLAGS {
        data[*key] = false.into();
    }
    for key in UNUSED {
        data[*key] = Value::Null;
    }
    data["license"] = "All rights reserved".into();
    data["track_segments"] = json!([]);
    if random.chance(850) {
        data["release_date"] = match random.below(3) {
            0 => rfc_time(now - random.between(0, 9_000_000)).into(),
            1 => (now - random.between(0, 9_000_000)).to_string().into(),
            _ => "Fri Jan 26 2024 10:00:00 GMT-0800".into(),
        };
    }
    data
}

pub(super) fn update(world: &mut World) -> Option<Call> {
    let track = world.track()?;
    let mut data = json!({});
    for _ in 0..world.random.between(1, 4) {
        let (key, value) = change(world);
        data[key] = value;
    }
    if world.random.chance(40) && !track.special {
        gate(world, &mut data, track.owner);
    }
    let metadata = world.envelope(&data);
    Some(Call::by(track.owner, ("Track", "Update"), track.id, metadata))
}

fn change(world: &mut World) -> (&'static str, Value) {
    let now = world.now;
    let random = &mut world.random;
    match random.below(12) {
        0 | 1 => ("title", random.title().into()),
        2 => ("description", random.words(3, 60).into()),
        3 => ("genre", random.pick(GENRES).into()),
        4 => ("mood", random.pick(MOODS).into()),
        5 => ("tags", random.words(0, 4).replace(' ', ",").into()),
        6 => ("cover_art_sizes", random.cid().into()),
        7 => ("is_unlisted", random.chance(150).into()),
        8 => ("release_date", rfc_time(now - random.between(0, 9_000_000)).into()),
        9 => ("bpm", (random.between(600, 1800) as f64 / 10.0).into()),
        10 => ("isrc", Value::Null),
        _ => ("musical_key", random.pick(KEYS).into()),
    }
}
