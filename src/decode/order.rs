//! The one order of transactions inside a block that came from a node.
//!
//! Nodes do not serve the order of the chain: they sort entity calls first, creations among them
//! first, ties by a hash of the outer signature, and leave the rest to an order that differs
//! between calls. Sorting again by one rule makes the result independent of the node and of the
//! way of asking it.

use std::cmp::Reverse;

use crate::model::TxBody;

/// Where a transaction sorts; equal keys keep their served order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct OrderKey {
    not_entity: bool,
    not_create: bool,
    hash: Reverse<u32>,
}

impl OrderKey {
    /// The key of a transaction with this body and outer signature.
    pub(super) fn of(body: &TxBody, outer_signature: &str) -> Self {
        let (not_entity, not_create) = match body {
            TxBody::ManageEntity(call) => (false, !call.action.eq_ignore_ascii_case("create")),
            _ => (true, true),
        };
        Self { not_entity, not_create, hash: Reverse(fnv1a_32(outer_signature.as_bytes())) }
    }
}

/// FNV-1a with 32 bits.
fn fnv1a_32(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::fnv1a_32;

    #[test]
    fn fnv1a_gives_the_published_values() {
        for (text, hash) in [("", 0x811c_9dc5), ("a", 0xe40c_292c), ("foobar", 0xbf9c_f968)] {
            assert_eq!(fnv1a_32(text.as_bytes()), hash);
        }
    }
}
