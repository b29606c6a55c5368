//! Tracks (handlers-b 7): one file per action, and what the actions share.

mod access;
mod clause;
mod contest;
mod create;
mod delete;
mod download;
mod fields;
mod price;
mod relations;
mod routes;
mod update;
mod validate;

use std::sync::Arc;

pub use clause::remix_of_is_clause;
pub use create::create;
pub use delete::delete;
pub use download::download;
pub use update::update;
pub(super) use validate::{check_ddex_signer, check_description};

use super::BlockContext;
use crate::model::{EntityTx, Json, tables::Track};

/// The copy that Update, Delete and a comment's Pin start from (handlers-b 1.4).
///
/// Copying assigns every column anew: documents that the schema checks are checked again, and the
/// JSON columns that are not null-aware turn SQL NULL into a JSON `null` (handlers-b 1.6).
pub(super) fn copied(old: &Track, tx: &EntityTx, block: &BlockContext) -> Track {
    let mut copy = old.clone();
    copy.updated_at = block.time;
    copy.blocknumber = Some(block.number);
    copy.blockhash = Some(block.hash.clone());
    copy.txhash.clone_from(&tx.hash);
    for column in [
        &mut copy.ddex_release_ids,
        &mut copy.artists,
        &mut copy.resource_contributors,
        &mut copy.indirect_resource_contributors,
        &mut copy.rights_controller,
        &mut copy.copyright_line,
        &mut copy.producer_copyright_line,
    ] {
        column.get_or_insert_with(|| Arc::new(Json::Null));
    }
    copy.field_visibility = Some(fields::checked_visibility(copy.field_visibility.take()));
    copy
}

#[cfg(test)]
mod tests;
