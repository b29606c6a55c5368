//! The one order of transactions inside a block that came from a node.
//!
//! Nodes do not serve the order of the chain: they sort entity calls first, creations among them
//! first, ties by a hash of the outer signature, and leave the rest to an order that differs
//! between calls. Sorting again by one rule makes the result independent of the node and of the
//! way of asking it.

use std::cmp::Reverse;

use prost::Message;

use crate::chain::core_pb::{self, Payload, SignedTransaction, Transaction};
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
        match body {
            TxBody::ManageEntity(call) => Self::new(Some(&call.action), outer_signature),
            TxBody::ManageEntityMigration(_) => Self::as_served(),
            _ => Self::new(None, outer_signature),
        }
    }

    fn of_encoded(tx: &Transaction) -> Self {
        let bytes = tx.transaction.clone().unwrap_or_default();
        // Bytes that are no transaction sort as one without a signature, as in a decoded block.
        let signed = SignedTransaction::decode(bytes).unwrap_or_default();
        match &signed.payload {
            Some(Payload::ManageEntity(call)) => Self::new(Some(&call.action), &signed.signature),
            Some(Payload::ManageEntityMigration(_)) => Self::as_served(),
            _ => Self::new(None, &signed.signature),
        }
    }

    /// Among transactions that have no outer signature to sort by: calls of a genesis build on each
    /// other, and keep their served order whatever signature they carry.
    fn as_served() -> Self {
        Self::new(None, "")
    }

    fn new(entity_action: Option<&str>, outer_signature: &str) -> Self {
        Self {
            not_entity: entity_action.is_none(),
            not_create: !entity_action.is_some_and(|action| action.eq_ignore_ascii_case("create")),
            hash: Reverse(fnv1a_32(outer_signature.as_bytes())),
        }
    }
}

/// Brings a block that a node answered into the form in which blocks are kept: transactions in the
/// fixed order, hashes in lower case. Decoding does the same; this is for writing archives, which
/// are read back as recorded.
pub fn settle(block: &mut core_pb::Block) {
    block.hash.make_ascii_lowercase();
    block.proposer.make_ascii_lowercase();
    block.transactions.sort_by_cached_key(OrderKey::of_encoded);
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
