//! Headers, logs and call parameters as nodes write them. Unknown fields are ignored.

use std::fmt;

use alloy::hex;
use alloy::primitives::{Address, B256, Bloom, Bytes, U64, U256};
use serde::de::{Deserializer, Error as _};
use serde::ser::{SerializeSeq, Serializer};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// A block by number and hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BlockRef {
    /// Height.
    pub number: u64,
    /// Hash.
    pub hash: B256,
}

impl fmt::Display for BlockRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.number, self.hash)
    }
}

/// What is needed of a block header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Header {
    /// Height.
    #[serde(deserialize_with = "quantity")]
    pub number: u64,
    /// Hash.
    pub hash: B256,
    /// Hash of the block below.
    pub parent_hash: B256,
    /// Seconds since the epoch.
    #[serde(deserialize_with = "quantity")]
    pub timestamp: u64,
    /// Which addresses and topics its logs may have; `None` where the node does not say.
    #[serde(default, deserialize_with = "bloom")]
    pub logs_bloom: Option<Bloom>,
}

impl Header {
    /// The block.
    pub const fn block(&self) -> BlockRef {
        BlockRef { number: self.number, hash: self.hash }
    }
}

/// What is needed of a log. Its data is left out: balances are read, never added up.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Log {
    /// The contract.
    pub address: Address,
    /// Topics, the event's signature first.
    pub topics: SmallVec<[B256; 4]>,
    /// Height of the block.
    #[serde(deserialize_with = "quantity")]
    pub block_number: u64,
    /// Hash of the block.
    pub block_hash: B256,
    /// Position among the logs of the block.
    #[serde(deserialize_with = "quantity")]
    pub log_index: u64,
    /// Whether the node takes the log back; only in subscriptions.
    #[serde(default)]
    pub removed: bool,
}

impl Log {
    /// The address in an indexed argument: the last 20 bytes of topic `index`.
    pub fn address_in(&self, index: usize) -> Option<Address> {
        self.topics.get(index).map(|topic| Address::from_word(*topic))
    }
}

/// What is needed of a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Transaction {
    /// Who sent it.
    pub from: Address,
    /// What it called; `None` where it created a contract.
    pub to: Option<Address>,
    /// Wei that went along.
    pub value: U256,
    /// Its calldata.
    pub input: Bytes,
    /// Height of its block; `None` while it waits for one.
    #[serde(default)]
    pub block_number: Option<U64>,
}

/// A number in hexadecimal with `0x`, as JSON-RPC has it.
fn quantity<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let text = <&str>::deserialize(deserializer)?;
    let digits =
        text.strip_prefix("0x").ok_or_else(|| D::Error::custom("a quantity without 0x"))?;
    u64::from_str_radix(digits, 16).map_err(D::Error::custom)
}

/// A bloom filter; nodes that keep none write `null`, `0x` or a filter of another length.
fn bloom<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Bloom>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.and_then(|text| text.parse().ok()))
}

/// A list that some nodes write as `null` where it is empty.
#[derive(Debug, Deserialize)]
#[serde(bound = "T: Deserialize<'de>")]
pub(super) struct MaybeList<T>(Option<Vec<T>>);

impl<T> MaybeList<T> {
    pub(super) fn items(self) -> Vec<T> {
        self.0.unwrap_or_default()
    }
}

/// The parameters of `eth_call`, written without a copy of the data as a JSON value.
pub(super) struct CallParams<'a> {
    pub(super) to: Address,
    pub(super) data: &'a Bytes,
    pub(super) block: &'a serde_json::Value,
}

impl Serialize for CallParams<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Call<'a> {
            to: Address,
            data: &'a str,
        }
        let data = hex::encode_prefixed(self.data);
        let mut sequence = serializer.serialize_seq(Some(2))?;
        sequence.serialize_element(&Call { to: self.to, data: &data })?;
        sequence.serialize_element(self.block)?;
        sequence.end()
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{address, b256};

    use super::*;

    #[test]
    fn a_log_is_read_with_fields_we_do_not_know() {
        let text = r#"{"address":"0x18aaa7115705e8be94bffebde57af9bfc265b998","topics":["0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef","0x000000000000000000000000000000000000000000000000000000000000dead"],"data":"0x01","blockNumber":"0x10","blockHash":"0x0000000000000000000000000000000000000000000000000000000000000001","logIndex":"0x2","transactionIndex":"0x0","blockTimestamp":"0x5","odd":[1],"removed":false}"#;
        let log: Log = serde_json::from_str(text).unwrap();
        assert_eq!((log.block_number, log.log_index), (16, 2));
        let dead = address!("000000000000000000000000000000000000dead");
        assert_eq!(log.address_in(1), Some(dead));
        assert_eq!(log.address_in(2), None);
    }

    #[test]
    fn a_quantity_is_hexadecimal() {
        let header = |number: &str| {
            let hash = B256::ZERO;
            serde_json::from_str::<Header>(&format!(
                r#"{{"number":{number},"hash":"{hash}","parentHash":"{hash}","timestamp":"0x5"}}"#
            ))
        };
        assert_eq!(header(r#""0x1f""#).unwrap().number, 31);
        for wrong in [r#""31""#, "31", r#""0x""#, r#""0x1ffffffffffffffff""#, "null"] {
            assert!(header(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_bloom_that_is_not_there_is_none() {
        let bloom = |field: &str| {
            let hash = B256::ZERO;
            let text = format!(
                r#"{{"number":"0x1","hash":"{hash}","parentHash":"{hash}","timestamp":"0x5"{field}}}"#
            );
            serde_json::from_str::<Header>(&text).unwrap().logs_bloom
        };
        for absent in ["", r#","logsBloom":null"#, r#","logsBloom":"0x""#, r#","logsBloom":"0x00""#]
        {
            assert_eq!(bloom(absent), None, "{absent}");
        }
        let full = format!(r#","logsBloom":"0x{}""#, "ff".repeat(256));
        assert_eq!(bloom(&full), Some(Bloom::repeat_byte(0xff)));
    }

    #[test]
    fn call_parameters_are_what_nodes_expect() {
        let block = serde_json::json!({"blockHash": b256!("0x0000000000000000000000000000000000000000000000000000000000000007"), "requireCanonical": true});
        let to = address!("000000000000000000000000000000000000dead");
        let data = Bytes::from_static(&[0xab, 0xcd]);
        let text = serde_json::to_string(&CallParams { to, data: &data, block: &block }).unwrap();
        let wanted = r#"[{"to":"0x000000000000000000000000000000000000dead","data":"0xabcd"},{"blockHash":"0x0000000000000000000000000000000000000000000000000000000000000007","requireCanonical":true}]"#;
        assert_eq!(text, wanted);
    }
}
