//! Validators as attested registrations and deregistrations leave them.

use super::{Fault, clean, put, row, rows};
use crate::{
    model::{
        Block,
        block::{ValidatorDeregistration, ValidatorRegistration},
        tables::{Validator, ValidatorBy},
    },
    store::Store,
};

/// A registration of a known endpoint changes nothing, as in the reference.
pub(super) fn register(
    block: &Block,
    node: &ValidatorRegistration,
    store: &mut Store,
) -> Result<(), Fault> {
    let endpoint = clean(&node.endpoint);
    if row::<Validator>(store, endpoint.as_ref())?.is_some() {
        return Ok(());
    }
    put(
        store,
        Validator {
            address: clean(&node.delegate_wallet).into_owned(),
            endpoint: endpoint.into_owned(),
            comet_address: clean(&node.comet_address).into_owned(),
            node_type: clean(&node.node_type).into_owned(),
            spid: clean(&node.sp_id).into_owned(),
            voting_power: node.power,
            status: "active".to_owned(),
            registered_at: block.height,
            deregistered_at: None,
            created_at: block.time,
            updated_at: block.time,
        },
    )
}

/// Every validator with exactly this address is deregistered; whether it is removed or jailed makes
/// no difference in the reference.
pub(super) fn deregister(
    block: &Block,
    node: &ValidatorDeregistration,
    store: &mut Store,
) -> Result<(), Fault> {
    let comet_address = clean(&node.comet_address);
    let found = rows::<Validator>(store, ValidatorBy::CometAddress, comet_address.as_ref())?;
    for validator in found {
        put(
            store,
            Validator {
                status: "deregistered".to_owned(),
                deregistered_at: Some(block.height),
                updated_at: block.time,
                ..validator.as_ref().clone()
            },
        )?;
    }
    Ok(())
}
