//! Where an address was first seen.

use super::{Fault, clean, put, row};
use crate::{
    model::{Block, tables::Address},
    store::Store,
};

/// Adds the signer of an entity call unless it is known. The reference adds a row per call; one per
/// address is what the table means.
pub(super) fn note(block: &Block, signer: &str, store: &mut Store) -> Result<(), Fault> {
    let address = clean(signer);
    if row::<Address>(store, address.as_ref())?.is_some() {
        return Ok(());
    }
    put(
        store,
        Address {
            address: address.into_owned(),
            pub_key: None,
            first_seen_block_height: Some(block.height),
            created_at: block.time,
        },
    )
}
