//! The protobuf JSON mapping of the core messages: what a node answers as `application/json` and
//! what a line of a JSON archive holds.
//!
//! 64-bit integers are strings or numbers, bytes are base64, times are RFC 3339, names come in
//! lower camel or snake case, unknown names are ignored and absent or null values are defaults.
//! One name is ours: `rawTransaction` holds the bytes of a signed transaction whose JSON form would
//! not give them back (an unknown oneof member, unknown fields, a payload that is only recorded).

use std::fmt;

use prost::Message;
use prost::bytes::Bytes;
use serde::de::{self, DeserializeOwned, IgnoredAny, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::core_pb::{self, Payload, SignedTransaction};

/// A block as one JSON object.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct JsonBlock {
    /// Height.
    #[serde(with = "int_form")]
    pub height: i64,
    /// Block hash.
    #[serde(deserialize_with = "or_default")]
    pub hash: String,
    /// Chain id.
    #[serde(alias = "chain_id", deserialize_with = "or_default")]
    pub chain_id: String,
    /// Proposer address.
    #[serde(deserialize_with = "or_default")]
    pub proposer: String,
    /// Header time.
    #[serde(with = "time_form")]
    pub timestamp: Option<prost_types::Timestamp>,
    /// Transactions in recorded order.
    #[serde(deserialize_with = "or_default")]
    pub transactions: Vec<JsonTransaction>,
}

/// A transaction of a [`JsonBlock`].
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct JsonTransaction {
    /// Transaction hash.
    #[serde(deserialize_with = "or_default")]
    pub hash: String,
    /// The signed transaction; absent where the block has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction: Option<JsonSigned>,
    /// The exact bytes of the signed transaction, where `transaction` does not give them back.
    #[serde(alias = "raw_transaction", with = "optional_bytes_form")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw_transaction: Option<Bytes>,
}

/// The JSON form of a signed transaction.
#[derive(Clone, Debug, PartialEq)]
pub struct JsonSigned {
    /// Signature, request id and, when this build knows its shape, the payload.
    pub signed: SignedTransaction,
    /// Name of the oneof member, as written, when its content could not be taken over.
    pub opaque: Option<String>,
}

/// Why a block has no JSON or no protobuf form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// A JSON member whose protobuf tag or shape this build does not know.
    #[error("transaction {index}: `{member}` has no protobuf form in this build")]
    NoProtobufForm {
        /// Position in the block.
        index: usize,
        /// The member's name.
        member: String,
    },
}

impl JsonBlock {
    /// The JSON form of `block`. Nothing is lost: see `rawTransaction` in the module's text.
    pub fn from_proto(block: &core_pb::Block) -> Self {
        Self {
            height: block.height,
            hash: block.hash.clone(),
            chain_id: block.chain_id.clone(),
            proposer: block.proposer.clone(),
            timestamp: block.timestamp,
            transactions: block.transactions.iter().map(JsonTransaction::from_proto).collect(),
        }
    }

    /// The protobuf form.
    ///
    /// # Errors
    /// A member that is known only by its name has no protobuf form.
    pub fn into_proto(self) -> Result<core_pb::Block, FormError> {
        let transactions = self
            .transactions
            .into_iter()
            .enumerate()
            .map(|(index, tx)| tx.into_proto(index))
            .collect::<Result<_, _>>()?;
        Ok(core_pb::Block {
            height: self.height,
            hash: self.hash,
            chain_id: self.chain_id,
            proposer: self.proposer,
            timestamp: self.timestamp,
            transactions,
        })
    }
}

impl JsonTransaction {
    fn from_proto(tx: &core_pb::Transaction) -> Self {
        let Some(bytes) = &tx.transaction else {
            return Self { hash: tx.hash.clone(), ..Self::default() };
        };
        let signed = SignedTransaction::decode(bytes.clone()).ok();
        let whole = signed.as_ref().is_some_and(|signed| {
            member_has_json_form(signed.payload.as_ref()) && signed.encode_to_vec() == bytes[..]
        });
        Self {
            hash: tx.hash.clone(),
            transaction: signed.map(|signed| JsonSigned { signed, opaque: None }),
            raw_transaction: (!whole).then(|| bytes.clone()),
        }
    }

    fn into_proto(self, index: usize) -> Result<core_pb::Transaction, FormError> {
        let transaction = match (self.raw_transaction, self.transaction) {
            (Some(raw), _) => Some(raw),
            (None, None) => None,
            (None, Some(JsonSigned { opaque: Some(member), .. })) => {
                return Err(FormError::NoProtobufForm { index, member });
            }
            (None, Some(JsonSigned { signed, opaque: None })) => {
                Some(signed.encode_to_vec().into())
            }
        };
        Ok(core_pb::Transaction { hash: self.hash, transaction, ..Default::default() })
    }
}

fn member_has_json_form(payload: Option<&Payload>) -> bool {
    match payload {
        Some(
            Payload::Release(_)
            | Payload::Reward(_)
            | Payload::FileUpload(_)
            | Payload::RewardPool(_),
        ) => false,
        Some(Payload::Plays(plays)) => {
            plays.plays.iter().all(|play| time_form::has_json_form(play.timestamp.as_ref()))
        }
        Some(Payload::SlaRollup(rollup)) => time_form::has_json_form(rollup.timestamp.as_ref()),
        _ => true,
    }
}

impl Serialize for JsonSigned {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("signature", &self.signed.signature)?;
        map.serialize_entry("requestId", &self.signed.request_id)?;
        match &self.signed.payload {
            Some(Payload::Plays(m)) => map.serialize_entry("plays", m)?,
            Some(Payload::ValidatorRegistration(m)) => {
                map.serialize_entry("validatorRegistration", m)?;
            }
            Some(Payload::SlaRollup(m)) => map.serialize_entry("slaRollup", m)?,
            Some(Payload::ManageEntity(m)) => map.serialize_entry("manageEntity", m)?,
            Some(Payload::ManageEntityMigration(m)) => {
                map.serialize_entry("manageEntityMigration", m)?;
            }
            Some(Payload::ValidatorDeregistration(m)) => {
                map.serialize_entry("validatorDeregistration", m)?;
            }
            Some(Payload::StorageProof(m)) => map.serialize_entry("storageProof", m)?,
            Some(Payload::StorageProofVerification(m)) => {
                map.serialize_entry("storageProofVerification", m)?;
            }
            Some(Payload::Attestation(m)) => map.serialize_entry("attestation", m)?,
            // Their content is only in `rawTransaction`.
            Some(
                Payload::Release(_)
                | Payload::Reward(_)
                | Payload::FileUpload(_)
                | Payload::RewardPool(_),
            )
            | None => {}
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for JsonSigned {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(SignedVisitor)
    }
}

struct SignedVisitor;

impl<'de> Visitor<'de> for SignedVisitor {
    type Value = JsonSigned;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a signed transaction")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<JsonSigned, A::Error> {
        let mut signed = SignedTransaction::default();
        let mut opaque = None;
        while let Some(name) = map.next_key::<String>()? {
            let payload = match name.as_str() {
                "signature" => {
                    signed.signature = map.next_value::<Option<_>>()?.unwrap_or_default();
                    continue;
                }
                "requestId" | "request_id" => {
                    signed.request_id = map.next_value::<Option<_>>()?.unwrap_or_default();
                    continue;
                }
                "plays" => member(&mut map, Payload::Plays)?,
                "validatorRegistration" | "validator_registration" => {
                    member(&mut map, Payload::ValidatorRegistration)?
                }
                "slaRollup" | "sla_rollup" => member(&mut map, Payload::SlaRollup)?,
                "manageEntity" | "manage_entity" => member(&mut map, Payload::ManageEntity)?,
                "manageEntityMigration" | "manage_entity_migration" => {
                    member(&mut map, Payload::ManageEntityMigration)?
                }
                "validatorDeregistration" | "validator_deregistration" => {
                    member(&mut map, Payload::ValidatorDeregistration)?
                }
                "storageProof" | "storage_proof" => member(&mut map, Payload::StorageProof)?,
                "storageProofVerification" | "storage_proof_verification" => {
                    member(&mut map, Payload::StorageProofVerification)?
                }
                "attestation" => member(&mut map, Payload::Attestation)?,
                _ => {
                    // Every oneof member is a message, so only an object can be one.
                    if map.next_value::<IsObject>()?.0 {
                        opaque = Some(name);
                    }
                    continue;
                }
            };
            signed.payload = payload.or(signed.payload);
        }
        if signed.payload.is_some() {
            opaque = None;
        }
        Ok(JsonSigned { signed, opaque })
    }
}

fn member<'de, A: MapAccess<'de>, T: Deserialize<'de>>(
    map: &mut A,
    wrap: impl Fn(T) -> Payload,
) -> Result<Option<Payload>, A::Error> {
    Ok(map.next_value::<Option<T>>()?.map(wrap))
}

/// Whether a value of any kind is an object; its content is skipped.
struct IsObject(bool);

impl<'de> Deserialize<'de> for IsObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Kind;
        impl<'de> Visitor<'de> for Kind {
            type Value = IsObject;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any value")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<IsObject, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(IsObject(true))
            }
            fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<IsObject, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(IsObject(false))
            }
            fn visit_unit<E>(self) -> Result<IsObject, E> {
                Ok(IsObject(false))
            }
            fn visit_bool<E>(self, _: bool) -> Result<IsObject, E> {
                Ok(IsObject(false))
            }
            fn visit_i64<E>(self, _: i64) -> Result<IsObject, E> {
                Ok(IsObject(false))
            }
            fn visit_u64<E>(self, _: u64) -> Result<IsObject, E> {
                Ok(IsObject(false))
            }
            fn visit_f64<E>(self, _: f64) -> Result<IsObject, E> {
                Ok(IsObject(false))
            }
            fn visit_str<E>(self, _: &str) -> Result<IsObject, E> {
                Ok(IsObject(false))
            }
        }
        deserializer.deserialize_any(Kind)
    }
}

/// `null` is the default, as in the protobuf JSON mapping.
pub(super) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// Integers: written as strings from 64 bits on, read from strings and numbers.
pub(super) mod int_form {
    use super::{Deserializer, Serializer, Visitor, de, fmt};

    /// An integer of the wire format.
    pub(crate) trait WireInt: Copy + TryFrom<i64> {
        /// Writes it as the JSON mapping does.
        fn write<S: Serializer>(self, serializer: S) -> Result<S::Ok, S::Error>;
    }

    impl WireInt for i64 {
        fn write<S: Serializer>(self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_str(&self)
        }
    }

    impl WireInt for i32 {
        fn write<S: Serializer>(self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_i32(self)
        }
    }

    pub(crate) fn serialize<S: Serializer, T: WireInt>(
        value: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value.write(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>, T: WireInt>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        let wide = deserializer.deserialize_any(Int)?;
        T::try_from(wide).ok().ok_or_else(|| de::Error::custom("integer out of range"))
    }

    struct Int;

    impl Visitor<'_> for Int {
        type Value = i64;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an integer, as a number or a string")
        }

        fn visit_i64<E>(self, value: i64) -> Result<i64, E> {
            Ok(value)
        }

        fn visit_u64<E: de::Error>(self, value: u64) -> Result<i64, E> {
            i64::try_from(value).ok().ok_or_else(|| E::custom("integer out of range"))
        }

        fn visit_f64<E: de::Error>(self, value: f64) -> Result<i64, E> {
            // 2^53: above it a JSON number no longer names one integer.
            if value.fract() != 0.0 || value.abs() > 9_007_199_254_740_992.0 {
                return Err(E::invalid_type(de::Unexpected::Float(value), &self));
            }
            #[expect(clippy::cast_possible_truncation, reason = "integral and within 2^53")]
            Ok(value as i64)
        }

        fn visit_str<E: de::Error>(self, value: &str) -> Result<i64, E> {
            value.parse().ok().ok_or_else(|| E::invalid_value(de::Unexpected::Str(value), &self))
        }

        fn visit_unit<E>(self) -> Result<i64, E> {
            Ok(0)
        }
    }
}

/// Times: RFC 3339 in UTC.
pub(super) mod time_form {
    use chrono::{DateTime, SecondsFormat, Utc};
    use prost_types::Timestamp;

    use super::{Deserialize, Deserializer, Serialize, Serializer, de};

    /// The seconds of 0001-01-01T00:00:00Z to 9999-12-31T23:59:59Z, all that RFC 3339 can write.
    const WRITABLE: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

    pub(crate) fn has_json_form(value: Option<&Timestamp>) -> bool {
        value.is_none_or(|at| {
            WRITABLE.contains(&at.seconds) && (0..1_000_000_000).contains(&at.nanos)
        })
    }

    #[expect(clippy::ref_option, reason = "the signature serde calls")]
    pub(crate) fn serialize<S: Serializer>(
        value: &Option<Timestamp>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let text = value.filter(|at| has_json_form(Some(at))).and_then(|at| {
            let nanos = u32::try_from(at.nanos).ok()?;
            let at = DateTime::<Utc>::from_timestamp(at.seconds, nanos)?;
            Some(at.to_rfc3339_opts(SecondsFormat::AutoSi, true))
        });
        text.serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
        let at = DateTime::parse_from_rfc3339(&text).map_err(|error| {
            de::Error::custom(format_args!("`{text}` is not an RFC 3339 time: {error}"))
        })?;
        let nanos = i32::try_from(at.timestamp_subsec_nanos().min(999_999_999)).unwrap_or_default();
        Ok(Some(Timestamp { seconds: at.timestamp(), nanos }))
    }
}

/// Bytes: base64, read in the standard and the URL alphabet, padded or not.
pub(super) mod bytes_form {
    use std::borrow::Cow;

    use base64::Engine as _;
    use base64::alphabet;
    use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

    use super::{Deserialize, Deserializer, Serializer, de};

    const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
    const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

    pub(crate) fn serialize<S: Serializer>(value: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(value))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<u8>, D::Error> {
        let text = Option::<Cow<'_, str>>::deserialize(deserializer)?.unwrap_or_default();
        let engine = if text.contains(['-', '_']) { &URL_SAFE } else { &STANDARD };
        engine
            .decode(text.as_bytes())
            .map_err(|error| de::Error::custom(format_args!("not base64: {error}")))
    }
}

mod optional_bytes_form {
    use super::{Bytes, Deserializer, Serializer, bytes_form};

    #[expect(clippy::ref_option, reason = "the signature serde calls")]
    pub(super) fn serialize<S: Serializer>(
        value: &Option<Bytes>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        bytes_form::serialize(value.as_deref().unwrap_or_default(), serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Bytes>, D::Error> {
        let bytes = bytes_form::deserialize(deserializer)?;
        Ok((!bytes.is_empty()).then(|| bytes.into()))
    }
}

/// Reads one JSON text as `T`, naming the path of the value that did not fit.
///
/// # Errors
/// The path (`transactions[3].transaction`, empty when the text as a whole is not JSON) and what
/// was wrong there.
pub fn parse<T: DeserializeOwned>(text: &[u8]) -> Result<T, PathError> {
    // The fast pass keeps no path; only a failed text is read again with one.
    if let Ok(value) = serde_json::from_slice(text) {
        return Ok(value);
    }
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let value: T = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        PathError {
            path: if path == "." { String::new() } else { path },
            error: error.into_inner(),
        }
    })?;
    match deserializer.end() {
        Ok(()) => Ok(value),
        Err(error) => Err(PathError { path: String::new(), error }),
    }
}

/// Where a JSON text does not fit and why.
#[derive(Debug, thiserror::Error)]
#[error("{}{error}", if path.is_empty() { String::new() } else { format!("{path}: ") })]
pub struct PathError {
    /// Path of the value, empty for the whole text.
    pub path: String,
    /// What is wrong.
    pub error: serde_json::Error,
}
