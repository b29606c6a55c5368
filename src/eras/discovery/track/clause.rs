//! "SQL null" as a pending value (corrections 1).
//!
//! A `remix_of` or `stem_of` that fails the schema becomes SQLAlchemy's `null()` clause in the
//! reference. Stored, it is SQL NULL; until the end of the block it is an object without a truth
//! value, and `if track.remix_of` raises. A pending row says so with a JSON `null`, which those two
//! columns can hold in no other way; [`crate::model::table::ColumnDefault::SqlNull`] makes it SQL NULL
//! when the block ends.

use std::sync::Arc;

use crate::{
    eras::discovery::{HandlerError, Scope},
    model::{Json, tables::Track},
};

/// The value of a pending row's `stem_of` or `remix_of` that stands for the clause.
pub(in crate::eras::discovery) fn null_clause() -> Option<Arc<Json>> {
    Some(Arc::new(Json::Null))
}

/// Whether testing the truth of `remix_of` of a track in the block view raises: a call before this
/// one, in the same block, gave it a `remix_of` that fails the schema.
///
/// Where the reference tests it (Save and Repost of a track for the cosign notification, Create of
/// a remix contest), the handler does what it did before that point, challenge events included, and
/// then fails with [`crate::eras::discovery::skip`].
///
/// # Errors
/// Only [`HandlerError::Missing`].
pub fn remix_of_is_clause(scope: &mut Scope<'_>, track_id: i64) -> Result<bool, HandlerError> {
    let track = scope.view::<Track>(track_id)?;
    Ok(track.is_some_and(|track| track.remix_of.as_deref().is_some_and(Json::is_null)))
}
