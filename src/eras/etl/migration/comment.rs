//! (Comment, Create) of a genesis (social.md 7).

use crate::eras::etl::{
    Call, Handled, Scope,
    comment::{Marks, create_with},
};

/// Writes a comment with what the source knows of it; everything is checked as in live traffic.
///
/// # Errors
/// See [`create_with`].
pub(super) fn create(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let marks = Marks {
        is_delete: call.meta.bool("is_delete") == Some(true),
        is_edited: call.meta.bool("is_edited") == Some(true),
    };
    create_with(marks, call, scope)
}
