//! Conditions of access that are sent (tracks.md 5.1, frame.md 5).

use crate::{
    eras::etl::{Handled, Metadata, ensure, reject},
    model::{Json, json::Object},
};

/// Keys that make the conditions be looked at.
const KEYS: [&str; 4] =
    ["is_stream_gated", "is_download_gated", "stream_conditions", "download_conditions"];

/// Checks the gates and conditions in the metadata; names of conditions are free.
///
/// # Errors
/// Rejects gated stems, purchases without splits, and gates without exactly one condition.
pub(super) fn check(meta: &Metadata<'_>) -> Handled {
    if !KEYS.iter().any(|key| meta.has(key)) {
        return Ok(());
    }
    let is_gated = |key| meta.bool(key) == Some(true);
    let (streams, downloads) = (is_gated("is_stream_gated"), is_gated("is_download_gated"));
    let is_stem = meta.value("stem_of").is_some();
    ensure(!is_stem || !(streams || downloads), "gated_stem")?;
    let conditions = |key: &str| meta.get(key);
    let stream = conditions("stream_conditions");
    let download = conditions("download_conditions");
    check_purchase(stream)?;
    check_purchase(download)?;
    if streams {
        let one = check_one(stream, "stream_conditions_missing", "stream_conditions_not_one")?;
        ensure(downloads, "stream_gate_without_download_gate")?;
        let other = download.and_then(Json::as_object);
        return ensure(other.is_some_and(|other| one.go_eq(other)), "conditions_differ");
    }
    if downloads {
        check_one(download, "download_conditions_missing", "download_conditions_not_one")?;
    }
    Ok(())
}

/// A purchase, whatever the gates say, must name who gets the money.
fn check_purchase(conditions: Option<&Json>) -> Handled {
    let Some(purchase) = conditions.and_then(|conditions| conditions.get("usdc_purchase")) else {
        return Ok(());
    };
    let purchase = purchase.as_object().ok_or_else(|| reject("purchase_not_object"))?;
    match purchase.get("splits") {
        None => Err(reject("splits_missing")),
        Some(Json::List(splits)) => ensure(!splits.is_empty(), "splits_empty"),
        Some(Json::Object(splits)) => ensure(!splits.is_empty(), "splits_empty"),
        Some(_) => Err(reject("splits_not_list")),
    }
}

fn check_one<'a>(
    conditions: Option<&'a Json>,
    missing: &'static str,
    not_one: &'static str,
) -> Result<&'a Object, crate::eras::etl::Halt> {
    let conditions = conditions.and_then(Json::as_object).filter(|object| !object.is_empty());
    let conditions = conditions.ok_or_else(|| reject(missing))?;
    ensure(conditions.len() == 1, not_one)?;
    Ok(conditions)
}
