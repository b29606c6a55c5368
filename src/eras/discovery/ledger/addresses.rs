//! Where an address was first seen.

use crate::{
    eras::discovery::{HandlerError, Scope},
    model::{Block, tables::Address},
};

use super::clean;

/// Adds the signer of an entity call unless it is known. The reference adds a row per call; one per
/// address is what the table means.
pub(super) fn note(block: &Block, signer: &str, scope: &mut Scope<'_>) -> Result<(), HandlerError> {
    let address = clean(signer);
    if scope.stored::<Address>(address.as_ref())?.is_some() {
        return Ok(());
    }
    scope.insert(Address {
        address: address.into_owned(),
        pub_key: None,
        first_seen_block_height: Some(block.height),
        created_at: block.time,
    })
}
