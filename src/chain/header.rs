//! The few fields a source needs to see of a block: height, hash and chain id.
//!
//! They are found without decoding the block, so that blocks below the start cost next to nothing.

use std::fmt;

use prost::bytes::Buf;
use prost::encoding::{self, DecodeContext, WireType};
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, Visitor};

use super::core_json::int_form;

/// Height, hash and chain id of a block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Header {
    /// Height; 0 when absent.
    pub(super) height: i64,
    /// Hash, lower-case.
    pub(super) hash: String,
    /// Chain id.
    pub(super) chain_id: String,
}

impl Header {
    /// Reads the header of an encoded `core.v1.Block`.
    pub(super) fn of_proto(mut block: &[u8]) -> Result<Self, prost::DecodeError> {
        let mut header = Self::default();
        while block.has_remaining() {
            let (tag, wire) = encoding::decode_key(&mut block)?;
            let context = DecodeContext::default();
            match tag {
                1 => encoding::int64::merge(wire, &mut header.height, &mut block, context)?,
                2 => encoding::string::merge(wire, &mut header.hash, &mut block, context)?,
                3 => encoding::string::merge(wire, &mut header.chain_id, &mut block, context)?,
                6 if wire == WireType::LengthDelimited && header.is_complete() => break,
                _ => encoding::skip_field(wire, tag, &mut block, context)?,
            }
        }
        header.hash.make_ascii_lowercase();
        Ok(header)
    }

    /// Reads the header of a JSON block. Stops as soon as it has all, so the rest is not checked.
    pub(super) fn of_json(line: &[u8]) -> Result<Self, serde_json::Error> {
        let mut header = Self::default();
        let mut deserializer = serde_json::Deserializer::from_slice(line);
        let outcome = HeaderSeed(&mut header).deserialize(&mut deserializer);
        if !header.is_complete() {
            outcome.and_then(|()| deserializer.end())?;
        }
        header.hash.make_ascii_lowercase();
        Ok(header)
    }

    const fn is_complete(&self) -> bool {
        self.height != 0 && !self.hash.is_empty() && !self.chain_id.is_empty()
    }
}

struct HeaderSeed<'a>(&'a mut Header);

impl<'de> DeserializeSeed<'de> for HeaderSeed<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for HeaderSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a block object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<std::borrow::Cow<'_, str>>()? {
            match name.as_ref() {
                "height" => self.0.height = map.next_value_seed(HeightSeed)?,
                "hash" => self.0.hash = map.next_value::<Option<_>>()?.unwrap_or_default(),
                "chainId" | "chain_id" => {
                    self.0.chain_id = map.next_value::<Option<_>>()?.unwrap_or_default();
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            if self.0.is_complete() {
                // Leaves the map unread on purpose; the caller looks at the header, not at this.
                return Err(A::Error::custom("header complete"));
            }
        }
        Ok(())
    }
}

struct HeightSeed;

impl<'de> DeserializeSeed<'de> for HeightSeed {
    type Value = i64;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<i64, D::Error> {
        int_form::deserialize(deserializer)
    }
}
