//! What the reference's pre-fetch of a block makes of a call before any call runs
//! (handlers-a 0.7, handlers-b 1.2, handlers-c 1.6).
//!
//! We load rows when they are read, so of the pre-fetch only its failures are left: input on which
//! it aborts the block (poison), and input on which it gives up on one call, which then finds
//! neither its user nor its grants unless another call of the block asked for them.

use rustc_hash::FxHashSet;

use super::{Call, Handled, HandlerError, Metadata, poison, query};
use crate::model::{EntityTx, Json, json::Object};

/// Labels of `savetype` and `reposttype`.
const SAVED: [&str; 3] = ["track", "playlist", "album"];
/// Labels of `sharetype`.
const SHARED: [&str; 2] = ["track", "playlist"];

/// What the pre-fetch left out for one call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Unfetched {
    /// The acting user's stored row.
    pub(super) user: bool,
    /// The signer's stored grant, with its app and its manager.
    pub(super) grant: bool,
    /// No earlier call of the block left parsed metadata behind.
    pub(super) leftover: bool,
}

/// What the pre-fetch of one block collected over all its calls.
#[derive(Debug, Default)]
pub(super) struct Prefetch {
    users: FxHashSet<i64>,
    signers: FxHashSet<(String, i64)>,
    /// Position of the first call that leaves parsed metadata behind; looked for only where a call
    /// depends on it.
    first_leaving: Option<usize>,
}

impl Prefetch {
    /// Collects from the calls of a block; empty where no call depends on it.
    pub(super) fn of<'a>(calls: impl Iterator<Item = &'a EntityTx> + Clone) -> Self {
        let mut prefetch = Self::default();
        if calls.clone().any(reuses_metadata) {
            prefetch.first_leaving = calls.clone().position(leaves_metadata);
        }
        if !calls.clone().any(is_cut_short) {
            return prefetch;
        }
        for tx in calls {
            if tx.entity_type == "Event" {
                prefetch.users.insert(tx.user_id);
            }
            if tx.entity_type == "User" {
                prefetch.users.insert(tx.entity_id);
            }
            if !is_cut_short(tx) {
                prefetch.users.insert(tx.user_id);
                if !tx.signer.is_empty() {
                    prefetch.signers.insert((tx.signer.to_lowercase(), tx.user_id));
                }
            }
        }
        prefetch
    }

    /// What `tx` does not find, the call at `position` of the block.
    pub(super) fn unfetched(&self, tx: &EntityTx, position: usize) -> Unfetched {
        let cut = is_cut_short(tx);
        Unfetched {
            user: cut && !self.users.contains(&tx.user_id),
            grant: cut && !self.signers.contains(&(tx.signer.to_lowercase(), tx.user_id)),
            leftover: reuses_metadata(tx)
                && self.first_leaving.is_none_or(|first| first >= position),
        }
    }
}

/// The part of the pre-fetch that reads raw metadata.
///
/// # Errors
/// Poison where it fails.
pub(super) fn check_raw(tx: &EntityTx) -> Handled {
    if reads_target(tx) {
        match &tx.json {
            Some(Ok(json)) => check_target(tx, json)?,
            // The pre-fetch drops the rest of the call.
            _ => return Ok(()),
        }
    }
    match (tx.entity_type.as_str(), &tx.json) {
        ("DeveloperApp", Some(Ok(json))) => check_address(json, "address")?,
        ("DashboardWalletUser", Some(Ok(json))) => check_address(json, "wallet")?,
        ("Grant", Some(Ok(json))) => {
            check_address(json, "grantee_address")?;
            let grantor = json.get("grantor_user_id").filter(|value| value.truthy());
            if !tx.signer.is_empty() && grantor.is_some_and(|value| !is_grantor_key(value)) {
                return Err(poison("prefetch_grantor"));
            }
        }
        // Metadata that does not parse ends the pre-fetch of these types before the next step.
        ("DeveloperApp" | "DashboardWalletUser" | "Grant", _) => return Ok(()),
        _ => {}
    }
    check_record_type(tx)
}

/// The part of the pre-fetch that reads the envelope.
///
/// # Errors
/// Poison where it fails.
pub(super) fn check_envelope(call: &Call<'_>, unfetched: Unfetched) -> Handled {
    let entity = call.tx.entity_type.as_str();
    if let Some(data) = call.data() {
        if let Some(contents) = data.get("playlist_contents").filter(|value| value.truthy()) {
            check_contents(contents)?;
        }
        if entity == "Track" {
            check_id(data.get("ai_attribution_user_id"))?;
        }
        if entity == "AssociatedWallet" {
            check_text(data.get("wallet_address"))?;
        }
    } else if entity == "AssociatedWallet" && unfetched.leftover {
        return Err(poison("prefetch_no_metadata"));
    }
    if entity == "EncryptedEmail"
        && let Some(Ok(json)) = &call.tx.json
    {
        let object = json.as_object().ok_or_else(|| poison("prefetch_not_object"))?;
        check_id(object.get("email_owner_user_id"))?;
    }
    Ok(())
}

/// Whether the pre-fetch reads the target of a call from its raw metadata.
fn reads_target(tx: &EntityTx) -> bool {
    let action = tx.action.as_str();
    match tx.entity_type.as_str() {
        "Event" => action != "Delete",
        "Comment" => matches!(action, "Create" | "Update" | "Pin" | "Unpin" | "React"),
        _ => false,
    }
}

/// Whether the pre-fetch gives up on the call before it asks for its user or grants.
fn is_cut_short(tx: &EntityTx) -> bool {
    reads_target(tx) && !matches!(tx.json, Some(Ok(_)))
}

/// Whether the pre-fetch of a call takes what an earlier one left in that variable.
fn reuses_metadata(tx: &EntityTx) -> bool {
    tx.entity_type == "AssociatedWallet"
}

/// Whether the pre-fetch of a call leaves parsed metadata in the variable that later calls reuse.
fn leaves_metadata(tx: &EntityTx) -> bool {
    if !matches!(tx.json, Some(Ok(_))) || check_raw(tx).is_err() {
        return false;
    }
    reads_target(tx)
        || matches!(
            tx.entity_type.as_str(),
            "DeveloperApp" | "DashboardWalletUser" | "Grant" | "EncryptedEmail"
        )
        || Call::new(tx).is_ok_and(|call| {
            matches!(call.metadata, Metadata::Update { .. } | Metadata::Projected { .. })
        })
}

/// The target of a comment or an event: `data.entity_id` and `data.parent_comment_id`.
fn check_target(tx: &EntityTx, json: &Json) -> Handled {
    static NOTHING: Object = Object::new();
    let object = json.as_object().ok_or_else(|| poison("prefetch_not_object"))?;
    let data = match object.get("data") {
        None => &NOTHING,
        Some(data) => data.as_object().ok_or_else(|| poison("prefetch_data_not_object"))?,
    };
    let target = data.get("entity_id").map_or(Ok(()), check_query);
    if tx.entity_type == "Event" {
        let on_track = data.get("entity_type").and_then(Json::as_str) == Some("track");
        return if on_track { target } else { Ok(()) };
    }
    target?;
    check_id(data.get("parent_comment_id"))
}

/// The address of an app, a grantee or a wallet, which the pre-fetch lower-cases.
fn check_address(json: &Json, key: &str) -> Handled {
    let object = json.as_object().ok_or_else(|| poison("prefetch_not_object"))?;
    check_text(object.get(key))
}

/// Text of a look-up, if truthy.
fn check_text(value: Option<&Json>) -> Handled {
    match value {
        Some(Json::Str(text)) if text.contains('\0') => Err(poison("prefetch_nul")),
        Some(Json::Str(_)) | None => Ok(()),
        Some(value) if value.truthy() => Err(poison("prefetch_text")),
        Some(_) => Ok(()),
    }
}

/// An id of a look-up, if truthy.
fn check_id(value: Option<&Json>) -> Handled {
    value.filter(|value| value.truthy()).map_or(Ok(()), check_query)
}

/// An id that the pre-fetch compares with an integer column, whatever it is.
fn check_query(value: &Json) -> Handled {
    match query::integer(value) {
        Ok(_) => Ok(()),
        Err(HandlerError::Skip(reason) | HandlerError::Poison(reason)) => {
            Err(HandlerError::Poison(reason))
        }
        Err(other) => Err(other),
    }
}

/// A grantor as part of a grant's key: text is taken for a wallet that nobody has.
fn is_grantor_key(value: &Json) -> bool {
    matches!(value, Json::Int(_) | Json::Big(_) | Json::Float(_) | Json::Str(_))
}

/// Saves, reposts and shares are loaded by a type that must be a label of the column's enum.
fn check_record_type(tx: &EntityTx) -> Handled {
    let labels: &[&str] = match tx.action.as_str() {
        "Save" | "Unsave" | "Repost" | "Unrepost" => &SAVED,
        "Share" => &SHARED,
        _ => return Ok(()),
    };
    if labels.contains(&tx.entity_type.to_lowercase().as_str()) {
        Ok(())
    } else {
        Err(poison("prefetch_record_type"))
    }
}

/// `playlist_contents`: the pre-fetch walks its entries for their track ids.
fn check_contents(contents: &Json) -> Handled {
    let entries = match contents {
        Json::Object(object) => match object.get("track_ids") {
            None => return Ok(()),
            Some(entries) => entries,
        },
        other => other,
    };
    let entries = match entries {
        Json::List(entries) => entries,
        Json::Object(object) if object.is_empty() => return Ok(()),
        Json::Str(text) if text.is_empty() => return Ok(()),
        _ => return Err(poison("prefetch_contents")),
    };
    for entry in entries {
        let entry = entry.as_object().ok_or_else(|| poison("prefetch_contents_entry"))?;
        let track = entry.get("track").filter(|id| id.truthy()).or_else(|| entry.get("track_id"));
        check_id(track)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tx(entity: &str, action: &str, metadata: &str) -> EntityTx {
        EntityTx {
            hash: "AA".into(),
            user_id: 1,
            entity_type: entity.into(),
            entity_id: 2,
            action: action.into(),
            metadata: metadata.into(),
            json: (!metadata.is_empty()).then(|| Json::parse(metadata)),
            lone_surrogate: false,
            signature: String::new(),
            signer: "0xA".into(),
            nonce: String::new(),
        }
    }

    fn is_poison(tx: &EntityTx) -> bool {
        let unfetched = Prefetch::of([tx].into_iter()).unfetched(tx, 0);
        let outcome = check_raw(tx)
            .and_then(|()| Call::new(tx))
            .and_then(|call| check_envelope(&call, unfetched));
        matches!(outcome, Err(HandlerError::Poison(_)))
    }

    #[test]
    fn input_that_aborts_the_reference_is_poison() {
        for (entity, action, metadata) in [
            ("AssociatedWallet", "Create", ""),
            ("AssociatedWallet", "Create", r#"{"cid":"","data":{"wallet_address":5}}"#),
            ("Comment", "Create", "null"),
            ("Comment", "Create", r#"{"cid":"","data":null}"#),
            ("Comment", "React", r#"{"cid":"","data":{"entity_id":"x"}}"#),
            ("Comment", "Create", r#"{"data":{"parent_comment_id":{"a":1}}}"#),
            ("Comment", "Save", ""),
            ("DeveloperApp", "Create", "[]"),
            ("DeveloperApp", "Update", r#"{"address":5}"#),
            ("Event", "Create", r#"{"data":{"entity_type":"track","entity_id":[]}}"#),
            ("Grant", "Approve", r#"{"grantor_user_id":[1]}"#),
            ("Playlist", "Create", r#"{"cid":"","data":{"playlist_contents":["a"]}}"#),
            ("Playlist", "Update", r#"{"cid":"","data":{"playlist_contents":{"track_ids":null}}}"#),
            ("Playlist", "Update", r#"{"cid":"","data":[]}"#),
            ("Track", "Create", r#"{"cid":"","data":{"ai_attribution_user_id":"abc"}}"#),
            ("User", "Share", ""),
        ] {
            assert!(is_poison(&tx(entity, action, metadata)), "{entity} {action} {metadata}");
        }
    }

    #[test]
    fn input_that_only_fails_later_is_not() {
        for (entity, action, metadata) in [
            ("AssociatedWallet", "Create", "{x"),
            ("Comment", "React", ""),
            ("Event", "Share", ""),
            ("Event", "Create", r#"{"data":{"entity_type":"user","entity_id":[]}}"#),
            ("Grant", "Approve", r#"{"grantor_user_id":"abc"}"#),
            ("Playlist", "Create", r#"{"cid":"","data":{"playlist_contents":[{"track":"5"}]}}"#),
            ("Track", "Save", "[]"),
        ] {
            assert!(!is_poison(&tx(entity, action, metadata)), "{entity} {action} {metadata}");
        }
    }

    #[test]
    fn a_call_that_is_cut_short_finds_only_what_others_asked_for() {
        let react = tx("Comment", "React", "");
        let follow = tx("User", "Follow", "");
        let alone = Prefetch::of([&react].into_iter()).unfetched(&react, 0);
        assert!(alone.user && alone.grant);
        let calls = [&follow, &react];
        let both = Prefetch::of(calls.into_iter()).unfetched(&react, 1);
        assert!(!both.user && !both.grant);
    }
}
