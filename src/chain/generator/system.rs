//! Transactions that are not entity calls: plays, validators, storage proofs, reports, and what a
//! reader has to survive (members it does not know, nothing at all).

use prost::Message;
use prost::bytes::{Bytes, BytesMut};
use prost::encoding::{WireType, encode_key, encode_varint};
use prost_types::Timestamp;

use super::random::Random;
use super::text::PLACES;
use super::world::World;
use crate::chain::core_pb::{
    Attestation, AttestationBody, Payload, SignedTransaction, SlaNodeReport, SlaRollup,
    StorageProof, StorageProofVerification, TrackPlay, TrackPlays, ValidatorDeregistration,
    ValidatorMisbehaviorDeregistration, ValidatorRegistration, ValidatorRegistrationLegacy,
};

/// Validators a chain starts with.
const FOUNDERS: usize = 12;

/// A oneof member of a later protocol.
const UNKNOWN_TAG: u32 = 1013;

/// Numbers of plays in a transaction; the median of main net is one.
const BATCHES: &[usize] = &[1, 1, 1, 1, 1, 2, 2, 3, 4, 13];

/// A validator.
#[derive(Clone, Debug)]
pub(super) struct Validator {
    /// Comet address, upper-case hex.
    pub(super) address: String,
    wallet: String,
    endpoint: String,
    public_key: Vec<u8>,
}

/// Validators and open storage challenges.
#[derive(Clone, Debug)]
pub(super) struct System {
    pub(super) validators: Vec<Validator>,
    challenges: Vec<Challenge>,
    rollup_end: i64,
    rollup_interval: i64,
}

/// A challenge of the validators to prove that they hold a file.
#[derive(Clone, Debug)]
struct Challenge {
    height: i64,
    provers: Vec<String>,
}

impl System {
    /// `blocks`: length of the chain, so that short ones have rollups too.
    pub(super) fn new(random: &mut Random, blocks: u64) -> Self {
        let validators = (0..FOUNDERS).map(|index| validator(random, index)).collect();
        // 2048 blocks on main net.
        let rollup_interval = i64::try_from((blocks / 4).clamp(16, 2048)).unwrap_or(2048);
        Self { validators, challenges: Vec::new(), rollup_end: 0, rollup_interval }
    }

    /// The system transactions of the block at `height` with `hash`; `first` is the chain's first.
    pub(super) fn transactions(
        &mut self,
        world: &mut World,
        height: i64,
        hash: &str,
        first: bool,
    ) -> Vec<SignedTransaction> {
        let mut all = Vec::new();
        if first {
            self.rollup_end = height - 1;
            all.extend(
                self.validators.iter().map(|validator| registration(world, validator, height)),
            );
        }
        self.answer_challenges(world, height, &mut all);
        if hash.ends_with('0') {
            let count = world.random.index(3) + 1;
            let provers = (0..count)
                .map(|_| self.validators[world.random.index(self.validators.len())].address.clone())
                .collect();
            self.challenges.push(Challenge { height, provers });
        }
        if height - self.rollup_end > self.rollup_interval {
            all.push(self.rollup(world, height));
        }
        if world.random.chance(20) {
            all.push(self.rare(world, height));
        }
        all
    }

    /// Provers answer in the next block, some of them; the verification follows a block later.
    fn answer_challenges(
        &mut self,
        world: &mut World,
        height: i64,
        all: &mut Vec<SignedTransaction>,
    ) {
        for challenge in &self.challenges {
            if height == challenge.height + 1 {
                for prover in &challenge.provers {
                    if world.random.chance(850) {
                        let proof = StorageProof {
                            height: challenge.height,
                            address: prover.clone(),
                            prover_addresses: challenge.provers.clone(),
                            cid: world.random.cid(),
                            proof_signature: world.random.bytes::<64>().to_vec(),
                        };
                        all.push(signed(world, Payload::StorageProof(proof)));
                    }
                }
            } else if height >= challenge.height + 2 {
                // Several validators send the same verification.
                for _ in 0..=world.random.below(2) {
                    let proof = world.random.bytes::<32>().to_vec();
                    let verification = StorageProofVerification { height: challenge.height, proof };
                    all.push(signed(world, Payload::StorageProofVerification(verification)));
                }
            }
        }
        self.challenges.retain(|challenge| height < challenge.height + 2);
    }

    fn rollup(&mut self, world: &mut World, height: i64) -> SignedTransaction {
        let block_start = self.rollup_end + 1;
        self.rollup_end = height - 1;
        let reports = self.validators.iter().map(|validator| SlaNodeReport {
            address: validator.address.clone(),
            num_blocks_proposed: i32::try_from(world.random.below(400)).unwrap_or_default(),
        });
        let rollup = SlaRollup {
            timestamp: Some(Timestamp { seconds: world.now, nanos: 0 }),
            block_start,
            block_end: self.rollup_end,
            reports: reports.collect(),
        };
        // The proposer makes it: no outer signature, no request id.
        let payload = Some(Payload::SlaRollup(rollup));
        SignedTransaction { signature: String::new(), request_id: String::new(), payload }
    }

    /// One of the transactions that a chain rarely has.
    fn rare(&mut self, world: &mut World, height: i64) -> SignedTransaction {
        let random = &mut world.random;
        let opaque = Bytes::copy_from_slice(&[&[0x0a, 32][..], &random.bytes::<32>()].concat());
        let payload = match random.below(10) {
            0 | 1 => {
                let new = validator(random, self.validators.len());
                self.validators.push(new.clone());
                return registration(world, &new, height);
            }
            2 if self.validators.len() > FOUNDERS / 2 => {
                let gone = self.validators.remove(random.index(self.validators.len()));
                Payload::Attestation(Attestation {
                    signatures: vec![random.signature()],
                    body: Some(AttestationBody::ValidatorDeregistration(ValidatorDeregistration {
                        comet_address: gone.address,
                        pub_key: gone.public_key,
                        deadline: height + 100,
                        remove: random.chance(500),
                    })),
                })
            }
            3 => {
                let bad = &self.validators[random.index(self.validators.len())];
                Payload::ValidatorDeregistration(ValidatorMisbehaviorDeregistration {
                    comet_address: bad.address.clone(),
                    pub_key: bad.public_key.clone(),
                })
            }
            4 => {
                let old = &self.validators[random.index(self.validators.len())];
                Payload::ValidatorRegistration(ValidatorRegistrationLegacy {
                    endpoint: old.endpoint.clone(),
                    comet_address: old.address.clone(),
                    eth_block: "21000000".to_owned(),
                    node_type: "content-node".to_owned(),
                    sp_id: "7".to_owned(),
                    pub_key: old.public_key.clone(),
                    power: 10,
                })
            }
            5 => Payload::Release(opaque),
            6 => Payload::Reward(opaque),
            7 => Payload::FileUpload(opaque),
            8 => Payload::RewardPool(opaque),
            _ => return SignedTransaction::default(),
        };
        signed(world, payload)
    }
}

fn validator(random: &mut Random, index: usize) -> Validator {
    Validator {
        address: random.hex::<20>().to_ascii_uppercase(),
        wallet: format!("0x{}", random.hex::<20>()),
        endpoint: format!("https://node{index}-{}.example.com", random.hex::<2>()),
        public_key: random.bytes::<32>().to_vec(),
    }
}

fn registration(world: &mut World, validator: &Validator, height: i64) -> SignedTransaction {
    let signatures = (0..world.random.below(4)).map(|_| world.random.signature()).collect();
    let body = ValidatorRegistration {
        delegate_wallet: validator.wallet.clone(),
        endpoint: validator.endpoint.clone(),
        node_type: world.random.pick(&["content-node", "discovery-node"]).to_owned(),
        sp_id: world.random.between(1, 90).to_string(),
        eth_block: 22_000_000,
        comet_address: validator.address.clone(),
        pub_key: validator.public_key.clone(),
        power: 10,
        deadline: height + 100,
    };
    let body = Some(AttestationBody::ValidatorRegistration(body));
    signed(world, Payload::Attestation(Attestation { signatures, body }))
}

fn signed(world: &mut World, payload: Payload) -> SignedTransaction {
    SignedTransaction {
        signature: world.random.signature(),
        request_id: String::new(),
        payload: Some(payload),
    }
}

/// A transaction with up to `most` plays, and their number.
pub(super) fn plays(world: &mut World, most: u64) -> (SignedTransaction, u64) {
    let wanted = world.random.pick(BATCHES);
    let count = usize::try_from(most).map_or(wanted, |most| wanted.min(most));
    // A batch shares one signature.
    let signature = world.random.signature();
    let plays = (0..count).map(|_| play(world, &signature)).collect();
    let payload = Payload::Plays(TrackPlays { plays });
    (signed(world, payload), count as u64)
}

fn play(world: &mut World, signature: &str) -> TrackPlay {
    let listener = world.user().filter(|_| world.random.chance(180));
    let track =
        world.track().map_or_else(|| world.random.between(2_000_000, 2_000_500), |track| track.id);
    let now = world.now;
    let random = &mut world.random;
    let (city, region, country) = random.pick(PLACES);
    TrackPlay {
        // Most listeners are not logged in and have a throw-away wallet.
        user_id: listener
            .map_or_else(|| format!("0x{}", random.hex::<20>()), |account| account.id.to_string()),
        track_id: track.to_string(),
        timestamp: Some(Timestamp { seconds: now - random.between(0, 30), nanos: 0 }),
        signature: signature.to_owned(),
        city: city.to_owned(),
        region: region.to_owned(),
        country: country.to_owned(),
    }
}

/// A signed transaction with a oneof member that this build does not know.
pub(super) fn unknown_member(random: &mut Random) -> Bytes {
    let known = SignedTransaction {
        signature: random.signature(),
        request_id: random.uuid(),
        payload: None,
    };
    let mut bytes = BytesMut::from(known.encode_to_vec().as_slice());
    let content = random.bytes::<24>();
    encode_key(UNKNOWN_TAG, WireType::LengthDelimited, &mut bytes);
    encode_varint(content.len() as u64, &mut bytes);
    bytes.extend_from_slice(&content);
    bytes.freeze()
}
