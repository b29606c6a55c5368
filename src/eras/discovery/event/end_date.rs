//! The `end_date` of the metadata.

use crate::{
    eras::discovery::{HandlerError, reject, skip},
    model::{Json, Timestamp},
    rules::dates::from_isoformat,
};

/// The point in time that a truthy end date names; `None` for a falsy one.
///
/// # Errors
/// Rejects text that is no ISO date to Python, skips what is no text.
pub(super) fn instant(end_date: &Json) -> Result<Option<Timestamp>, HandlerError> {
    match end_date {
        falsy if !falsy.truthy() => Ok(None),
        Json::Str(text) => match from_isoformat(text) {
            Some(date) => Ok(Some(date.instant)),
            None => Err(reject("end_date_malformed")),
        },
        _ => Err(skip("end_date_not_text")),
    }
}
