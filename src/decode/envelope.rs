//! One signed transaction to its typed body.

use prost::Message;
use prost::bytes::Bytes;
use prost::encoding::{self, DecodeContext};

use crate::chain::core_json::JsonSigned;
use crate::chain::core_pb::{AttestationBody, ManageEntityLegacy, Payload, SignedTransaction};
use crate::model::block::{
    Member, Play, SlaRollup, StorageProof, StorageProofVerification, ValidatorDeregistration,
    ValidatorMisbehavior, ValidatorRegistration,
};
use crate::model::{EntityTx, Json, Timestamp, TxBody};

/// A body with the outer signature, which orders transactions.
pub(super) struct Opened {
    pub(super) body: TxBody,
    pub(super) outer_signature: String,
}

impl Opened {
    /// An element of a block without a transaction, or with one of the second version, which no known
    /// chain has.
    pub(super) fn nothing() -> Self {
        Self::malformed("no transaction")
    }

    fn malformed(problem: impl Into<String>) -> Self {
        Self { body: TxBody::Malformed(problem.into()), outer_signature: String::new() }
    }
}

/// Opens the bytes of a signed transaction.
pub(super) fn open_proto(hash: &str, bytes: &Bytes) -> Opened {
    match SignedTransaction::decode(bytes.clone()) {
        Ok(SignedTransaction { signature, payload: Some(payload), .. }) => {
            Opened { body: body_of(hash, payload), outer_signature: signature }
        }
        Ok(SignedTransaction { signature, payload: None, .. }) => {
            let body = unknown_member(bytes)
                .map_or(TxBody::Unset, |tag| TxBody::Unknown(Member::Tag(tag)));
            Opened { body, outer_signature: signature }
        }
        Err(error) => Opened::malformed(error.to_string()),
    }
}

/// Opens the JSON form of a signed transaction.
pub(super) fn open_json(hash: &str, json: JsonSigned) -> Opened {
    let JsonSigned { signed, opaque } = json;
    let body = match (signed.payload, opaque) {
        (Some(payload), _) => body_of(hash, payload),
        (None, Some(name)) => match name.as_str() {
            "release" => TxBody::Recorded(RELEASE),
            "reward" => TxBody::Recorded(REWARD),
            "fileUpload" | "file_upload" => TxBody::Recorded(FILE_UPLOAD),
            "rewardPool" | "reward_pool" => TxBody::Recorded(REWARD_POOL),
            _ => TxBody::Unknown(Member::Name(name)),
        },
        (None, None) => TxBody::Unset,
    };
    Opened { body, outer_signature: signed.signature }
}

const RELEASE: &str = "release";
const REWARD: &str = "reward";
const FILE_UPLOAD: &str = "file_upload";
const REWARD_POOL: &str = "reward_pool";
/// An attestation whose body this build does not know.
const ATTESTATION: &str = "attestation";

/// The tag of the last oneof member in `bytes`, known to be none of the known ones.
///
/// The generated reader drops unknown fields, so a new transaction type would look like an empty
/// transaction. Members start at 1000; everything below is the envelope.
fn unknown_member(bytes: &Bytes) -> Option<u32> {
    let mut rest = &bytes[..];
    let mut found = None;
    while !rest.is_empty() {
        let (tag, wire) = encoding::decode_key(&mut rest).ok()?;
        encoding::skip_field(wire, tag, &mut rest, DecodeContext::default()).ok()?;
        if tag >= 1000 {
            found = Some(tag);
        }
    }
    found
}

fn body_of(hash: &str, payload: Payload) -> TxBody {
    match payload {
        Payload::Plays(plays) => TxBody::Plays(
            plays
                .plays
                .into_iter()
                .map(|play| Play {
                    played_at: timestamp(play.timestamp),
                    user_id: play.user_id,
                    track_id: play.track_id,
                    signature: play.signature,
                    city: play.city,
                    region: play.region,
                    country: play.country,
                })
                .collect(),
        ),
        Payload::ManageEntity(call) => TxBody::ManageEntity(Box::new(entity(hash, call))),
        Payload::ManageEntityMigration(call) => {
            TxBody::ManageEntityMigration(Box::new(entity(hash, call)))
        }
        Payload::ValidatorRegistration(_) => TxBody::ValidatorRegistrationLegacy,
        Payload::SlaRollup(rollup) => TxBody::SlaRollup(SlaRollup {
            timestamp: timestamp(rollup.timestamp),
            block_start: rollup.block_start,
            block_end: rollup.block_end,
            reports: rollup
                .reports
                .into_iter()
                .map(|report| (report.address, report.num_blocks_proposed))
                .collect(),
        }),
        Payload::ValidatorDeregistration(m) => TxBody::ValidatorMisbehavior(ValidatorMisbehavior {
            comet_address: m.comet_address,
            pub_key: m.pub_key,
        }),
        Payload::StorageProof(proof) => TxBody::StorageProof(StorageProof {
            height: proof.height,
            address: proof.address,
            prover_addresses: proof.prover_addresses,
            cid: proof.cid,
            proof_signature: Some(proof.proof_signature).filter(|bytes| !bytes.is_empty()),
        }),
        Payload::StorageProofVerification(verification) => {
            TxBody::StorageProofVerification(StorageProofVerification {
                height: verification.height,
                proof: verification.proof,
            })
        }
        Payload::Attestation(attestation) => attested(attestation.body),
        Payload::Release(_) => TxBody::Recorded(RELEASE),
        Payload::Reward(_) => TxBody::Recorded(REWARD),
        Payload::FileUpload(_) => TxBody::Recorded(FILE_UPLOAD),
        Payload::RewardPool(_) => TxBody::Recorded(REWARD_POOL),
    }
}

fn attested(body: Option<AttestationBody>) -> TxBody {
    match body {
        Some(AttestationBody::ValidatorRegistration(m)) => {
            TxBody::ValidatorRegistration(ValidatorRegistration {
                delegate_wallet: m.delegate_wallet,
                endpoint: m.endpoint,
                node_type: m.node_type,
                sp_id: m.sp_id,
                eth_block: m.eth_block,
                comet_address: m.comet_address,
                pub_key: m.pub_key,
                power: m.power,
            })
        }
        Some(AttestationBody::ValidatorDeregistration(m)) => {
            TxBody::ValidatorDeregistration(ValidatorDeregistration {
                comet_address: m.comet_address,
                pub_key: m.pub_key,
            })
        }
        None => TxBody::Recorded(ATTESTATION),
    }
}

fn entity(hash: &str, call: ManageEntityLegacy) -> EntityTx {
    let parsed = (!call.metadata.is_empty()).then(|| Json::parse_flagged(&call.metadata));
    let lone_surrogate = matches!(parsed, Some(Ok((_, true))));
    EntityTx {
        hash: hash.to_owned(),
        user_id: call.user_id,
        entity_type: call.entity_type,
        entity_id: call.entity_id,
        action: call.action,
        json: parsed.map(|outcome| outcome.map(|(json, _)| json)),
        lone_surrogate,
        metadata: call.metadata,
        signature: call.signature,
        signer: call.signer,
        nonce: call.nonce,
    }
}

/// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z, the range of the protobuf type and less than
/// that of PostgreSQL.
const SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

/// A protobuf time cut to microseconds; the epoch when absent, the nearest valid time when the
/// seconds lie outside the type's range (nothing on the chain checks the time of a play).
pub(super) fn timestamp(at: Option<prost_types::Timestamp>) -> Timestamp {
    at.map_or(Timestamp::default(), |at| {
        let seconds = at.seconds.clamp(*SECONDS.start(), *SECONDS.end());
        let nanos = i64::from(at.nanos.clamp(0, 999_999_999));
        Timestamp::from_micros(seconds * 1_000_000 + nanos / 1000)
    })
}
