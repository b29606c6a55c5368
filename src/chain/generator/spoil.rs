//! Invalid calls of every kind: a valid one is made and then broken, so that one thing is wrong.

use serde_json::Value;

use super::mix::Mix;
use super::world::{Call, World};

/// Stands in the metadata where a text is put that `serde_json` would not write.
const PLACEHOLDER: &str = "\"@placeholder@\"";

/// An id that nothing on a generated chain has.
const NOBODY: i64 = 1_999_999_999;

/// A field of a call's metadata and what it is replaced by: JSON as it goes onto the chain, `~N` for
/// a text of N characters, nothing to remove the field.
#[derive(Debug)]
pub(super) struct Patch(
    pub(super) &'static str,
    pub(super) &'static str,
    pub(super) &'static str,
    pub(super) &'static str,
);

/// What spoils a call for the program that indexes the chain.
#[derive(Debug)]
pub(super) struct Spoiling {
    /// Fields that are replaced.
    pub(super) patches: &'static [Patch],
    /// Types and actions that no handler has.
    pub(super) unrouted: &'static [(&'static str, &'static str)],
    /// Makes a call that is right in form and breaks one of the rules.
    pub(super) broken: fn(&mut World) -> Option<Call>,
}

/// Texts that are no metadata for any call that needs some.
const NO_METADATA: &[&str] = &[
    "",
    "{}",
    "[]",
    "null",
    "true",
    "3,4,5",
    "\"text\"",
    "{'cid': '', 'data': {}}",
    "{\"cid\":\"\",\"data\":{}}",
    "{\"cid\":\"\",\"data\":null}",
    "{\"cid\":\"\",\"data\":[1]}",
    "{\"cid\":\"\",\"data\":\"text\"}",
    "{\"cid\":\"\",\"data\":7}",
    "{\"data\":{\"title\":\"no cid\"}}",
    "{\"cid\":\"\",\"data\":{\"title\":\"x\",}}",
    "\u{feff}{\"cid\":\"\",\"data\":{}}",
    "\u{0}",
];

/// One invalid call (a few kinds are odd and valid: texts with NUL, half surrogate pairs).
pub(super) fn call(world: &mut World, mix: &mut Mix, spoiling: &Spoiling) -> Call {
    let marks = world.marks();
    let call = match world.random.below(10) {
        0..=3 => patched(world, mix, spoiling),
        4 => (spoiling.broken)(world).unwrap_or_else(|| signed_by_a_stranger(world, mix)),
        5 => signed_by_a_stranger(world, mix),
        6 => without_its_entity(world, mix),
        7 => without_its_user(world, mix),
        8 => without_metadata(world, mix),
        _ => without_a_handler(world, mix, spoiling),
    };
    // What an invalid call would have made does not exist.
    world.forget(marks);
    call
}

fn patched(world: &mut World, mix: &mut Mix, spoiling: &Spoiling) -> Call {
    let patch = &spoiling.patches[world.random.index(spoiling.patches.len())];
    let Some(mut call) = mix.make((patch.0, patch.1), world) else {
        return signed_by_a_stranger(world, mix);
    };
    if let Ok(mut value) = serde_json::from_str::<Value>(&call.metadata) {
        let in_envelope = value.get("data").is_some_and(Value::is_object);
        let fields = if in_envelope { value.get_mut("data") } else { Some(&mut value) };
        if let Some(Value::Object(fields)) = fields {
            match patch.3 {
                "" => drop(fields.remove(patch.2)),
                _ => drop(fields.insert(patch.2.to_owned(), PLACEHOLDER.trim_matches('"').into())),
            }
        }
        call.metadata = value.to_string().replace(PLACEHOLDER, &replacement(patch.3));
    }
    call
}

fn replacement(raw: &str) -> String {
    match raw.strip_prefix('~').and_then(|length| length.parse().ok()) {
        Some(length) => format!("\"{}\"", "é".repeat(length)),
        None => raw.to_owned(),
    }
}

fn signed_by_a_stranger(world: &mut World, mix: &mut Mix) -> Call {
    let mut call = mix.call(world);
    match world.random.below(4) {
        0 => call.signer.clear(),
        1 => call.signer = "not an address".to_owned(),
        2 => {
            if let Some(other) = world.user() {
                call = call.signed_by(other.key);
            }
        }
        _ => {
            let key = world.new_key();
            call = call.signed_by(key);
        }
    }
    call
}

fn without_its_entity(world: &mut World, mix: &mut Mix) -> Call {
    let mut call = mix.call(world);
    call.entity_id = match world.random.below(8) {
        0 => 0,
        1 => -1,
        2 => 1 << 31,
        3 => 1_000_000_000_000,
        4 => i64::MAX,
        _ => NOBODY,
    };
    call
}

fn without_its_user(world: &mut World, mix: &mut Mix) -> Call {
    let mut call = mix.call(world);
    call.user_id = match world.random.below(6) {
        0 => 0,
        1 => -5,
        2 => 1 << 40,
        _ => NOBODY,
    };
    call
}

fn without_metadata(world: &mut World, mix: &mut Mix) -> Call {
    let mut call = mix.call(world);
    if call.metadata.len() > 4 && world.random.chance(300) {
        let middle = call.metadata.floor_char_boundary(call.metadata.len() / 2);
        call.metadata.truncate(middle);
    } else if world.random.chance(50) {
        call.metadata =
            format!("{{\"cid\":\"\",\"data\":{}0{}}}", "[".repeat(300), "]".repeat(300));
    } else {
        world.random.pick(NO_METADATA).clone_into(&mut call.metadata);
    }
    call
}

fn without_a_handler(world: &mut World, mix: &mut Mix, spoiling: &Spoiling) -> Call {
    let (entity_type, action) = world.random.pick(spoiling.unrouted);
    let call = mix.call(world);
    Call { entity_type: entity_type.into(), action: action.into(), ..call }
}
