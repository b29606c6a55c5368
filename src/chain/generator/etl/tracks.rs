//! Tracks and those who made them together.

use serde_json::{Value, json};

use crate::chain::generator::alike::{gate, rfc_time};
use crate::chain::generator::facts::Fact;
use crate::chain::generator::text::{GENRES, KEYS, MOODS};
use crate::chain::generator::world::{Account, Call, Relation, Work, World};

/// Flags that clients send as false.
const FLAGS: &[&str] = &[
    "is_unlisted",
    "is_scheduled_release",
    "is_stream_gated",
    "is_download_gated",
    "is_playlist_upload",
    "is_custom_bpm",
    "is_custom_musical_key",
    "is_original_available",
    "no_ai_use",
];

/// Fields that clients send as null.
const UNUSED: &[&str] = &[
    "preview_cid",
    "preview_start_seconds",
    "isrc",
    "iswc",
    "stream_conditions",
    "download_conditions",
    "remix_of",
    "stem_of",
    "ai_attribution_user_id",
    "allowed_api_keys",
    "ddex_app",
    "cover_original_song_title",
    "cover_original_artist",
    "parental_warning_type",
];

/// How much a track has of what most have not.
const SPECIAL: u64 = 20;

pub(super) fn create(world: &mut World) -> Option<Call> {
    let owner = world.user()?;
    let id = world.new_track_id();
    let mut data = plain(world, owner);
    let mut track = Work { id, owner, gated: false, special: false };
    match world.random.below(SPECIAL) {
        0 | 1 => track.special = remix(world, &mut data, owner),
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
            data["release_date"] = rfc_time(world.now + 86_400 * 30).into();
        }
        6 => data["collaborators"] = invite(world, track),
        7 => ddex(world, &mut data),
        _ => {}
    }
    let mut metadata = world.envelope(&data);
    if world.random.chance(50) {
        metadata = with_authority(world, &metadata);
    }
    world.tracks.add(track);
    Some(Call::by(owner, ("Track", "Create"), id, metadata))
}

fn plain(world: &mut World, owner: Account) -> Value {
    let now = world.now;
    let random = &mut world.random;
    let mut data = json!({
        "title": random.title(),
        "owner_id": owner.id,
        "genre": random.pick(GENRES),
        "mood": random.chance(600).then(|| random.pick(MOODS)),
        "tags": random.words(0, 3).replace(' ', ","),
        "description": random.chance(400).then(|| random.words(5, 40)),
        "duration": random.between(30, 600),
        "track_cid": random.cid(),
        "orig_file_cid": random.cid(),
        "orig_filename": format!("{}.wav", random.words(1, 2)),
        "cover_art_sizes": random.cid(),
        "audio_upload_id": random.hex::<12>(),
        "is_downloadable": random.chance(200),
        "bpm": random.chance(700).then(|| random.between(60, 180)),
        "musical_key": random.chance(600).then(|| random.pick(KEYS)),
        "comments_disabled": random.chance(30),
        "license": "All rights reserved",
        "track_segments": [],
    });
    for key in FLAGS {
        data[*key] = false.into();
    }
    for key in UNUSED {
        data[*key] = Value::Null;
    }
    if random.chance(850) {
        data["release_date"] = match random.below(3) {
            0 => rfc_time(now - random.between(0, 9_000_000)).into(),
            1 => (now - random.between(0, 9_000_000)).to_string().into(),
            _ => "Fri Jan 26 2024 10:00:00 GMT-0800".into(),
        };
    }
    data
}

/// Makes the track a remix of another, half of the time one that a contest asks for. False where
/// there is none to remix.
fn remix(world: &mut World, data: &mut Value, owner: Account) -> bool {
    let contest = world.events.pick_settled(&mut world.random);
    // Whoever left a contest cannot submit to it any more.
    let contest = contest.filter(|contest| {
        contest.end > world.now && !world.facts.holds(Fact("left", owner.id, contest.id))
    });
    let parent = if let Some(contest) = contest.filter(|_| world.random.chance(500)) {
        if contest.host != owner {
            world.facts.note(Fact("Event", owner.id, contest.id));
        }
        Some(contest.track)
    } else {
        world.track().map(|parent| parent.id)
    };
    let Some(parent) = parent else { return false };
    data["remix_of"] = json!({ "tracks": [{ "parent_track_id": parent }] });
    true
}

/// Asks other users to be named as makers of a track.
fn invite(world: &mut World, track: Work) -> Value {
    world.facts.note(Fact("invited", track.id, 0));
    let mut invited: Vec<i64> = Vec::new();
    for _ in 0..world.random.between(1, 3) {
        let other = world.user().filter(|other| *other != track.owner);
        if let Some(other) = other.filter(|other| !invited.contains(&other.id)) {
            invited.push(other.id);
            world.invites.add(Relation { account: other, entity_type: "pending", id: track.id });
        }
    }
    invited.into()
}

/// An invited user says yes or no, or leaves later on.
pub(super) fn answer(world: &mut World, action: &'static str) -> Option<Call> {
    let wanted = |invite: &Relation| action == "Reject" || invite.entity_type == "pending";
    let invite = world.invites.take_if(&mut world.random, wanted)?;
    if action == "Approve" {
        world.invites.add(Relation { entity_type: "accepted", ..invite });
    }
    Some(Call::by(invite.account, ("TrackCollaborator", action), invite.id, ""))
}

/// The documents of a delivery by a label.
fn ddex(world: &mut World, data: &mut Value) {
    let random = &mut world.random;
    let copyright = json!({ "year": "2026", "text": random.words(1, 3) });
    data["ddex_release_ids"] = json!({ "isrc": random.hex::<6>(), "icpn": random.hex::<6>() });
    data["artists"] =
        json!([{ "name": random.name(), "roles": ["MainArtist"], "sequence_number": 1 }]);
    data["resource_contributors"] = json!([{ "name": random.name(), "roles": ["Composer"] }]);
    data["rights_controller"] = json!({ "name": random.name(), "roles": ["RightsController"] });
    data["copyright_line"] = copyright.clone();
    data["producer_copyright_line"] = copyright;
    data["parental_warning_type"] = random.pick(&["explicit", "not_explicit"]).into();
}

/// The address that decides who may listen, beside the envelope's data.
fn with_authority(world: &mut World, metadata: &str) -> String {
    let authority = world.new_key().text();
    let rest = metadata.strip_prefix('{').unwrap_or_default();
    format!("{{\"access_authorities\":[\"{authority}\"],{rest}")
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
    } else if world.random.chance(30) && !world.facts.holds(Fact("invited", track.id, 0)) {
        data["collaborators"] = invite(world, track);
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
        9 => ("bpm", random.between(60, 180).into()),
        10 => ("orig_filename", format!("{}.wav", random.words(1, 2)).into()),
        _ => ("musical_key", random.pick(KEYS).into()),
    }
}
