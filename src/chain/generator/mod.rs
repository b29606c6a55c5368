//! Makes core chains out of a seed: for trying the program out, for tests and for measurements.
//!
//! The same plan gives the same bytes on every machine; no clock and no outside chance is involved.
//! A chain is made block by block and nothing is kept but a bounded memory of what exists on it, so
//! any length takes the same memory.
//!
//! What a chain has, by [`Profile`]:
//! - entity calls over every pair of type and action that its [`Dialect`] has, in shares of its own, most
//!   of them valid: users with wallets, tracks with remixes, stems and gates, playlists, social acts,
//!   comments, contests, apps and grants whose holders sign for others, wallets with real proofs;
//! - among them a share of invalid ones of every kind (wrong signer, missing user or entity, text
//!   that is no JSON, no envelope, wrong types, too long, NUL, half surrogate pairs, huge numbers,
//!   taken handles, broken rules, unknown pairs);
//! - plays, in batches as on main net;
//! - registrations and deregistrations of validators, storage proofs and their verifications,
//!   service-level reports, members that this build does not know, empty transactions;
//! - now and then a transaction that an earlier block had already, byte for byte.

mod alike;
mod dialect;
mod discovery;
mod etl;
mod facts;
mod mix;
mod random;
mod spoil;
mod system;
mod text;
mod wallet;
mod world;

use alloy::hex;
use prost::Message;
use prost::bytes::Bytes;
use prost_types::Timestamp;
use sha2::{Digest, Sha256};

pub use self::dialect::Dialect;
use self::mix::Mix;
use self::random::Random;
use self::system::System;
use self::world::{Call, World};
use super::core_pb::{Block, ManageEntityLegacy, Payload, SignedTransaction, Transaction};

/// Thousandths of the entity transactions that repeat an earlier one.
const REPEATED: u64 = 3;

/// Thousandths of the blocks that carry a member this build does not know.
const UNKNOWN: u64 = 4;

/// Earlier transactions that may be repeated.
const REMEMBERED: usize = 16;

impl Dialect {
    /// What the discovery provider understood.
    pub fn discovery() -> &'static Self {
        &discovery::DIALECT
    }

    /// What the Go ETL understands: other keys, calls of a genesis among the live ones.
    pub fn etl() -> &'static Self {
        &etl::DIALECT
    }
}

/// What kinds of transactions a chain has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Entity calls only.
    Entities,
    /// Entity calls, plays and everything else.
    Mixed,
    /// Plays only.
    Plays,
}

/// What chain to make.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Chains of two seeds have nothing in common.
    pub seed: u64,
    /// CometBFT chain id.
    pub chain_id: String,
    /// Height of the first block.
    pub start_height: i64,
    /// Number of blocks.
    pub blocks: u64,
    /// Number of entity transactions, spread evenly.
    pub txs: u64,
    /// Number of plays, spread evenly over the blocks.
    pub plays: u64,
    /// What the chain has besides.
    pub profile: Profile,
    /// How its clients speak.
    pub dialect: &'static Dialect,
    /// Thousandths of the entity calls that are invalid.
    pub invalid_per_mille: u64,
    /// Whether signatures, nonces, request and content ids are counted: archives get smaller.
    pub numbered: bool,
}

/// A chain in the making: yields its blocks in height order.
#[derive(Debug)]
pub struct Generator {
    plan: Plan,
    world: World,
    mix: Mix,
    system: System,
    made: u64,
    txs: u64,
    plays: u64,
    recent: Vec<Bytes>,
}

impl Generator {
    /// The chain of `plan`.
    pub fn new(plan: Plan) -> Self {
        let mut random = Random::new(plan.seed, plan.numbered);
        let system = System::new(&mut random, plan.blocks);
        let world = World::new(plan.seed, random);
        let mix = Mix::new(&plan.dialect.pairs);
        Self { plan, world, mix, system, made: 0, txs: 0, plays: 0, recent: Vec::new() }
    }

    fn block(&mut self) -> Block {
        let height = self.plan.start_height + i64::try_from(self.made).unwrap_or(i64::MAX);
        // 1.2 seconds a block, with a fraction that only the header keeps.
        let millis = self.plan.dialect.first_time * 1000 + (height - self.plan.start_height) * 1200;
        let jitter = self.world.random.between(0, 199);
        let nanos = (millis + jitter).rem_euclid(1000) * 1_000_000 + 123_000;
        self.world.now = (millis + jitter).div_euclid(1000);
        let hash = self.hash(height);

        let mut bodies = Vec::new();
        if self.plan.profile == Profile::Mixed {
            let first = self.made == 0;
            let all = self.system.transactions(&mut self.world, height, &hash, first);
            bodies.extend(all.iter().map(encoded));
            if self.world.random.chance(UNKNOWN) {
                bodies.push(system::unknown_member(&mut self.world.random));
            }
        }
        self.made += 1;
        while self.txs < self.due(self.plan.txs) {
            self.txs += 1;
            let body = self.entity();
            bodies.push(body);
        }
        while self.plays < self.due(self.plan.plays) {
            let most = self.due(self.plan.plays) - self.plays;
            let (tx, count) = system::plays(&mut self.world, most);
            self.plays += count;
            bodies.push(encoded(&tx));
        }
        self.world.settle();
        let proposer = self.world.random.index(self.system.validators.len());
        Block {
            height,
            hash,
            chain_id: self.plan.chain_id.clone(),
            proposer: self.system.validators[proposer].address.to_ascii_lowercase(),
            timestamp: Some(Timestamp {
                seconds: self.world.now,
                nanos: i32::try_from(nanos).unwrap_or_default(),
            }),
            transactions: bodies.into_iter().map(transaction).collect(),
        }
    }

    /// How many of `total` the blocks so far should have.
    fn due(&self, total: u64) -> u64 {
        let share = u128::from(total) * u128::from(self.made) / u128::from(self.plan.blocks.max(1));
        u64::try_from(share).unwrap_or(total)
    }

    fn entity(&mut self) -> Bytes {
        if !self.recent.is_empty() && self.world.random.chance(REPEATED) {
            return self.recent[self.world.random.index(self.recent.len())].clone();
        }
        let call = if self.world.random.chance(self.plan.invalid_per_mille) {
            spoil::call(&mut self.world, &mut self.mix, &self.plan.dialect.spoiling)
        } else {
            self.mix.call(&mut self.world)
        };
        let body = encoded(&self.wrap(call));
        if self.recent.len() < REMEMBERED {
            self.recent.push(body.clone());
        } else if self.world.random.chance(50) {
            let index = self.world.random.index(REMEMBERED);
            self.recent[index] = body.clone();
        }
        body
    }

    fn wrap(&mut self, call: Call) -> SignedTransaction {
        let random = &mut self.world.random;
        let signature = random.signature();
        let request_id = random.uuid();
        // The writer of a genesis signs the calls, not the transactions.
        let outer = if call.migrated { String::new() } else { signature.clone() };
        let sent = ManageEntityLegacy {
            user_id: call.user_id,
            entity_type: call.entity_type.into_owned(),
            entity_id: call.entity_id,
            action: call.action.into_owned(),
            metadata: call.metadata,
            signature,
            signer: call.signer,
            nonce: format!("0x{}", random.identifier(64)),
        };
        let payload = if call.migrated {
            Payload::ManageEntityMigration(sent)
        } else {
            Payload::ManageEntity(sent)
        };
        SignedTransaction { signature: outer, request_id, payload: Some(payload) }
    }

    fn hash(&self, height: i64) -> String {
        let mut digest = Sha256::new();
        digest.update(self.plan.seed.to_le_bytes());
        digest.update(self.plan.chain_id.as_bytes());
        digest.update(height.to_le_bytes());
        hex::encode(digest.finalize())
    }
}

impl Iterator for Generator {
    type Item = Block;

    fn next(&mut self) -> Option<Block> {
        (self.made < self.plan.blocks).then(|| self.block())
    }
}

fn encoded(tx: &SignedTransaction) -> Bytes {
    tx.encode_to_vec().into()
}

fn transaction(body: Bytes) -> Transaction {
    let hash = hex::encode_upper(Sha256::digest(&body));
    Transaction { hash, transaction: Some(body), ..Transaction::default() }
}
