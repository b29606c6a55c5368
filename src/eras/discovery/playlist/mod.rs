//! Playlists and albums (handlers-b 8 and 9): one file per action, and what the actions share.

mod create;
mod delete;
mod fields;
mod membership;
mod price;
mod routes;
mod update;
mod validate;

use std::sync::Arc;

pub use create::create;
pub use delete::delete;
pub use update::update;

use super::BlockContext;
use crate::model::{EntityTx, Json, tables::Playlist};

/// The copy that Update and Delete start from (handlers-b 1.4). The JSON columns that are not
/// null-aware turn SQL NULL into a JSON `null` (handlers-b 1.6).
fn copied(old: &Playlist, tx: &EntityTx, block: &BlockContext) -> Playlist {
    let mut copy = old.clone();
    copy.updated_at = block.time;
    copy.blocknumber = Some(block.number);
    copy.blockhash = Some(block.hash.clone());
    copy.txhash.clone_from(&tx.hash);
    for column in [
        &mut copy.ddex_release_ids,
        &mut copy.artists,
        &mut copy.copyright_line,
        &mut copy.producer_copyright_line,
    ] {
        column.get_or_insert_with(|| Arc::new(Json::Null));
    }
    copy
}

#[cfg(test)]
mod tests;
