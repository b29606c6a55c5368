//! Rows of the chain itself, on a chain in memory.

use super::apply_all;
use crate::{
    model::{
        Block, EntityTx, Tx, TxBody,
        block::{
            RollupCounts, SlaRollup, StorageProof, StorageProofVerification,
            ValidatorDeregistration, ValidatorRegistration,
        },
        table::{Record, downcast},
        tables::{Address, StorageProofRow, Validator},
        time::Timestamp,
    },
    store::{Store, memory::MemoryDatabase},
};

/// A chain in memory, from block 1.
#[derive(Default)]
struct Chain {
    store: Store,
    database: MemoryDatabase,
    height: i64,
}

impl Chain {
    /// Applies the next block; returns the counts of its rollups.
    fn block(&mut self, bodies: Vec<TxBody>) -> Vec<RollupCounts> {
        self.height += 1;
        let txs = bodies.into_iter().enumerate().map(|(index, body)| Tx {
            hash: format!("{}/{index}", self.height),
            index: i32::try_from(index).unwrap(),
            body,
        });
        let block = Block {
            chain_id: "test".into(),
            height: self.height,
            hash: format!("block {}", self.height),
            proposer: String::new(),
            time: Timestamp::from_seconds(self.height),
            size: 0,
            txs: txs.collect(),
        };
        loop {
            let applied = apply_all(&block, &mut self.store);
            let changes = self.store.fold(1);
            if let Ok(rollups) = applied {
                self.database.apply(&changes);
                return rollups;
            }
            self.store.undo(&changes);
            self.database.answer(&mut self.store);
        }
    }

    fn rows<R: Record>(&self) -> Vec<R> {
        let rows = self.database.table(R::TABLE);
        rows.filter_map(|row| downcast::<R>(row).map(|row| (*row).clone())).collect()
    }
}

fn signed_by(signer: &str) -> TxBody {
    TxBody::ManageEntity(Box::new(EntityTx {
        hash: String::new(),
        user_id: 1,
        entity_type: "Nothing".into(),
        entity_id: 1,
        action: "None".into(),
        metadata: String::new(),
        json: None,
        lone_surrogate: false,
        signature: String::new(),
        signer: signer.into(),
        nonce: String::new(),
    }))
}

fn proof(height: i64, address: &str, provers: &[&str], signed: bool) -> TxBody {
    TxBody::StorageProof(StorageProof {
        height,
        address: address.into(),
        prover_addresses: provers.iter().map(|prover| (*prover).to_owned()).collect(),
        cid: "cid".into(),
        proof_signature: signed.then(|| vec![1]),
    })
}

fn verification(height: i64) -> TxBody {
    TxBody::StorageProofVerification(StorageProofVerification { height, proof: vec![9] })
}

fn registration(endpoint: &str, comet: &str, power: i64) -> TxBody {
    TxBody::ValidatorRegistration(ValidatorRegistration {
        delegate_wallet: "0xWallet".into(),
        endpoint: endpoint.into(),
        node_type: "content-node".into(),
        sp_id: "1".into(),
        eth_block: 5,
        comet_address: comet.into(),
        pub_key: vec![1],
        power,
    })
}

fn rollup(start: i64, end: i64, addresses: &[&str]) -> TxBody {
    TxBody::SlaRollup(SlaRollup {
        timestamp: Timestamp::from_seconds(1),
        block_start: start,
        block_end: end,
        reports: addresses.iter().map(|address| ((*address).to_owned(), 1)).collect(),
    })
}

fn statuses(chain: &Chain) -> Vec<(String, String)> {
    let mut rows: Vec<_> = chain
        .rows::<StorageProofRow>()
        .into_iter()
        .map(|row| (row.address, row.status.unwrap()))
        .collect();
    rows.sort();
    rows
}

#[test]
fn an_address_is_noted_once_with_its_first_height() {
    let mut chain = Chain::default();
    chain.block(vec![signed_by("0xU1"), signed_by("0xU1")]);
    chain.block(vec![signed_by("0xU1"), signed_by("0xU2")]);
    let mut seen: Vec<_> = chain
        .rows::<Address>()
        .into_iter()
        .map(|row| (row.address, row.first_seen_block_height))
        .collect();
    seen.sort();
    assert_eq!(seen, [("0xU1".to_owned(), Some(1)), ("0xU2".to_owned(), Some(2))]);
}

#[test]
fn registering_an_endpoint_again_changes_nothing() {
    let mut chain = Chain::default();
    chain.block(vec![registration("https://a", "AA", 10)]);
    chain.block(vec![registration("https://a", "BB", 20), registration("https://b", "BB", 1)]);
    let mut validators = chain.rows::<Validator>();
    validators.sort_by(|a, b| a.endpoint.cmp(&b.endpoint));
    let found: Vec<_> = validators
        .iter()
        .map(|node| (node.comet_address.as_str(), node.voting_power, node.registered_at))
        .collect();
    assert_eq!(found, [("AA", 10, 1), ("BB", 1, 2)]);
}

#[test]
fn a_deregistration_reaches_validators_of_the_same_block_with_the_exact_address() {
    let mut chain = Chain::default();
    let leave = |comet: &str| {
        TxBody::ValidatorDeregistration(ValidatorDeregistration {
            comet_address: comet.into(),
            pub_key: Vec::new(),
        })
    };
    chain.block(vec![
        registration("https://a", "AA", 10),
        registration("https://b", "BB", 10),
        leave("aa"),
        leave("BB"),
    ]);
    let mut found: Vec<_> = chain
        .rows::<Validator>()
        .into_iter()
        .map(|node| (node.comet_address, node.status, node.deregistered_at))
        .collect();
    found.sort();
    assert_eq!(
        found,
        [
            ("AA".to_owned(), "active".to_owned(), None),
            ("BB".to_owned(), "deregistered".to_owned(), Some(1)),
        ]
    );
}

#[test]
fn a_verification_passes_signed_proofs_and_fails_provers_that_a_majority_names() {
    let mut chain = Chain::default();
    let provers = ["A", "B", "C", "D"];
    chain.block(vec![
        proof(16, "A", &provers, true),
        proof(16, "B", &["A", "B", "C"], true),
        proof(16, "C", &provers, false),
        proof(16, "A", &["Z"], true),
    ]);
    chain.block(vec![verification(16), verification(99)]);
    let expected = [("A", "pass"), ("B", "pass"), ("C", "fail"), ("D", "fail")]
        .map(|(address, status)| (address.to_owned(), status.to_owned()));
    assert_eq!(statuses(&chain), expected);
    chain.block(vec![verification(16), verification(16)]);
    assert_eq!(statuses(&chain), expected, "repeating a verification changes nothing");
}

#[test]
fn a_rollup_counts_what_stands_at_its_place_in_the_chain() {
    let mut chain = Chain::default();
    chain.block(vec![
        proof(0, "A", &["A", "B"], true),
        proof(1, "A", &["A", "B"], true),
        proof(7, "A", &["A"], true),
    ]);
    let counted = chain.block(vec![
        rollup(0, 1, &["A", "B"]),
        verification(0),
        rollup(0, 1, &["A", "B", "a"]),
    ]);
    let counts: Vec<_> =
        counted.iter().map(|counts| (counts.tx, counts.challenges.clone())).collect();
    assert_eq!(counts, [(0, vec![(2, 0), (0, 0)]), (2, vec![(2, 0), (1, 1), (0, 0)])]);
}

#[test]
fn a_forged_range_is_counted_over_its_last_heights_only() {
    let mut chain = Chain::default();
    let counted = chain.block(vec![rollup(i64::MIN, i64::MAX, &["A"])]);
    assert_eq!(counted[0].challenges, [(0, 0)]);
}

#[test]
fn keys_are_free_of_nul() {
    let mut chain = Chain::default();
    chain.block(vec![registration("https://a\0", "A\0A", 1), proof(3, "A\0", &["\0B"], true)]);
    assert_eq!(chain.rows::<Validator>()[0].endpoint, "https://a");
    let proof = &chain.rows::<StorageProofRow>()[0];
    assert_eq!((proof.address.as_str(), proof.prover_addresses[0].as_str()), ("A", "B"));
}
