//! Reading the calldata of batched calls: which contracts are called, with what, and what they
//! returned.
//!
//! The six functions of Multicall3 and its predecessors are read, also inside one another.
//! Functions whose signature is [known](signature) are shown by name with their arguments.
//!
//! # Hostile input
//!
//! Calldata is anybody's bytes. Every read is bounded by the part it belongs to, and an error names
//! the byte. Offsets may point anywhere, so a few bytes could claim to be millions of calls: an array
//! has no more elements than there are words for their offsets, the sub-calls of a batch together
//! are no longer than the batch, and batches inside batches are read to a depth of
//! [`MOST_DEPTH`]. So time and output stay within a small multiple of the input.

mod frame;
mod outcome;
mod render;
pub mod signature;

use std::cell::Cell;

use alloy::primitives::{Address, B256, U256};

pub use frame::{Error, Frame};
pub use outcome::{Outcome, Returned};
pub use render::{extra_words, single_to_json, to_json};
pub use signature::{Signatures, Value};

/// Batches inside batches are read to this depth.
pub const MOST_DEPTH: usize = 8;

/// A function that carries sub-calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// `aggregate`: all or nothing.
    Aggregate,
    /// `tryAggregate`: one flag for all.
    TryAggregate,
    /// `blockAndAggregate`: all or nothing, with the block.
    BlockAndAggregate,
    /// `tryBlockAndAggregate`: one flag for all, with the block.
    TryBlockAndAggregate,
    /// `aggregate3`: a flag for each.
    Aggregate3,
    /// `aggregate3Value`: a flag and an amount of ether for each.
    Aggregate3Value,
}

impl Function {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Aggregate,
        Self::TryAggregate,
        Self::BlockAndAggregate,
        Self::TryBlockAndAggregate,
        Self::Aggregate3,
        Self::Aggregate3Value,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Aggregate => "aggregate",
            Self::TryAggregate => "tryAggregate",
            Self::BlockAndAggregate => "blockAndAggregate",
            Self::TryBlockAndAggregate => "tryBlockAndAggregate",
            Self::Aggregate3 => "aggregate3",
            Self::Aggregate3Value => "aggregate3Value",
        }
    }

    /// The first four bytes of its calldata.
    pub const fn selector(self) -> [u8; 4] {
        match self {
            Self::Aggregate => [0x25, 0x2d, 0xba, 0x42],
            Self::TryAggregate => [0xbc, 0xe3, 0x8b, 0xd7],
            Self::BlockAndAggregate => [0xc3, 0x07, 0x7f, 0xa9],
            Self::TryBlockAndAggregate => [0x39, 0x95, 0x42, 0xe9],
            Self::Aggregate3 => [0x82, 0xad, 0x56, 0xcb],
            Self::Aggregate3Value => [0x17, 0x4d, 0xea, 0x71],
        }
    }

    /// The function with this selector.
    pub fn of(selector: [u8; 4]) -> Option<Self> {
        Self::ALL.into_iter().find(|function| function.selector() == selector)
    }

    /// Whether its first argument is the flag `requireSuccess`.
    const fn has_flag(self) -> bool {
        matches!(self, Self::TryAggregate | Self::TryBlockAndAggregate)
    }
}

/// A batch of calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// How they are called.
    pub function: Function,
    /// `requireSuccess`, where there is one for all.
    pub require_success: Option<bool>,
    /// Bytes of the calldata.
    pub size: usize,
    /// The calls, in order.
    pub calls: Vec<SubCall>,
    /// Bytes of the calldata that stand behind all that the function takes.
    pub extra: Vec<u8>,
    /// Number and hash of the block, where return data was given and has them.
    pub block: Option<(U256, Option<B256>)>,
}

/// One call of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubCall {
    /// The contract called.
    pub target: Address,
    /// `allowFailure`, where each call has its own.
    pub allow_failure: Option<bool>,
    /// Wei sent along, where each call has its own.
    pub value: Option<U256>,
    /// Where its calldata begins in the whole input.
    pub position: usize,
    /// Bytes of its calldata.
    pub size: usize,
    /// First four bytes of its calldata, if it has as many.
    pub selector: Option<[u8; 4]>,
    /// What the calldata says.
    pub meaning: Meaning,
    /// What came of it, where return data was given.
    pub outcome: Option<Outcome>,
}

/// What the calldata of a sub-call says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// A function we know.
    Known {
        /// Its name.
        name: &'static str,
        /// Its arguments, with their names.
        arguments: Vec<(&'static str, Value)>,
        /// Bytes that stand behind them.
        extra: Vec<u8>,
    },
    /// A batch in the batch.
    Batch(Batch),
    /// A function we know, or a batch, that cannot be read.
    Unreadable {
        /// Its name.
        name: &'static str,
        /// Why not.
        error: Error,
    },
    /// A batch deeper inside others than is read.
    TooDeep(Function),
    /// A function we do not know.
    Unknown,
    /// No selector: ether is sent, or the fallback function is called.
    Bare,
}

impl SubCall {
    /// Bytes that stand behind all that the function takes: marks of who made the call, or something
    /// that the contract reads by itself.
    pub fn extra(&self) -> &[u8] {
        match &self.meaning {
            Meaning::Known { extra, .. } | Meaning::Batch(Batch { extra, .. }) => extra,
            _ => &[],
        }
    }
}

/// Reads the calldata of a batch.
///
/// ```
/// use alloy::{primitives::Address, sol_types::SolCall};
/// use audius_etl::eth::{abi::{Multicall3, Token}, calldata::{Meaning, decode}};
///
/// let call = Multicall3::Call3 {
///     target: Address::repeat_byte(1),
///     allowFailure: true,
///     callData: Token::balanceOfCall { account: Address::repeat_byte(7) }.abi_encode().into(),
/// };
/// let calldata = Multicall3::aggregate3Call { calls: vec![call] }.abi_encode();
///
/// let batch = decode(&calldata)?;
/// assert!(matches!(batch.calls[0].meaning, Meaning::Known { name: "balanceOf", .. }));
///
/// let error = decode(&calldata[..100]).unwrap_err();
/// assert_eq!(error.to_string(), "byte 68: the offset of a call is 32, there are 32 bytes");
/// # Ok::<(), audius_etl::eth::calldata::Error>(())
/// ```
///
/// # Errors
/// It is no batch, or not one that a contract would accept; with the byte position.
pub fn decode(calldata: &[u8]) -> Result<Batch, Error> {
    let whole = Frame::whole(calldata);
    match read(calldata, None, &Signatures::default())? {
        Decoded::Batch(batch) => Ok(batch),
        Decoded::Single(call) => {
            let selector = call.selector.map(alloy::hex::encode_prefixed).unwrap_or_default();
            let text = format!("the selector {selector} is none of a batch of calls");
            Err(whole.problem(text))
        }
    }
}

/// Calldata that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decoded {
    /// A batch of calls.
    Batch(Batch),
    /// A call of some other function.
    Single(Box<SubCall>),
}

/// Reads calldata, of a batch or of anything else; `to` is the contract it goes to, where that is
/// known.
///
/// # Errors
/// It is not what a contract would accept; with the byte position.
pub fn read(calldata: &[u8], to: Option<Address>, known: &Signatures) -> Result<Decoded, Error> {
    let whole = Frame::whole(calldata);
    let selector = selector_of(whole).ok_or_else(|| whole.problem("there is no selector"))?;
    if let Some(function) = Function::of(selector) {
        return Ok(Decoded::Batch(batch(function, whole, 1, known)?));
    }
    let call = SubCall {
        target: to.unwrap_or_default(),
        allow_failure: None,
        value: None,
        position: 0,
        size: calldata.len(),
        selector: Some(selector),
        meaning: meaning(whole, 1, known),
        outcome: None,
    };
    match call.meaning {
        Meaning::Unreadable { error, .. } => Err(error),
        _ => Ok(Decoded::Single(Box::new(call))),
    }
}

fn selector_of(calldata: Frame<'_>) -> Option<[u8; 4]> {
    calldata.content().get(..4)?.try_into().ok()
}

/// Reads a batch from its calldata, selector included.
fn batch(
    function: Function,
    calldata: Frame<'_>,
    depth: usize,
    known: &Signatures,
) -> Result<Batch, Error> {
    let reach = Cell::new(0);
    let calldata = calldata.measured(&reach);
    let arguments = calldata.skip(4, "the arguments")?;
    let require_success =
        if function.has_flag() { Some(arguments.flag(0, "requireSuccess")?) } else { None };
    let at = if function.has_flag() { 32 } else { 0 };
    let (count, elements) = arguments.follow(at, "the calls")?.array("the number of calls")?;
    let mut room = calldata.content().len();
    let mut calls = Vec::with_capacity(count);
    for index in 0..count {
        let element = elements.follow(32 * index, "a call")?;
        let call = sub_call(function, element, depth, known)?;
        room = room.checked_sub(call.size).ok_or_else(|| {
            element.problem("the calls claim more bytes than there are: they overlap")
        })?;
        calls.push(call);
    }
    let (size, extra) = (calldata.content().len(), calldata.unread().to_vec());
    Ok(Batch { function, require_success, size, calls, extra, block: None })
}

fn sub_call(
    function: Function,
    element: Frame<'_>,
    depth: usize,
    known: &Signatures,
) -> Result<SubCall, Error> {
    let target = element.address(0, "target")?;
    let (allow_failure, value, at) = match function {
        Function::Aggregate3 => (Some(element.flag(32, "allowFailure")?), None, 64),
        Function::Aggregate3Value => {
            let allow_failure = element.flag(32, "allowFailure")?;
            let value = U256::from_be_bytes(*element.word(64, "value")?);
            (Some(allow_failure), Some(value), 96)
        }
        _ => (None, None, 32),
    };
    let data = element.follow(at, "callData")?.bytes("the length of callData")?;
    Ok(SubCall {
        target,
        allow_failure,
        value,
        position: data.position(),
        size: data.content().len(),
        selector: selector_of(data),
        meaning: meaning(data, depth, known),
        outcome: None,
    })
}

fn meaning(data: Frame<'_>, depth: usize, known: &Signatures) -> Meaning {
    let Some(selector) = selector_of(data) else { return Meaning::Bare };
    if let Some(function) = Function::of(selector) {
        if depth >= MOST_DEPTH {
            return Meaning::TooDeep(function);
        }
        return match batch(function, data, depth + 1, known) {
            Ok(batch) => Meaning::Batch(batch),
            Err(error) => Meaning::Unreadable { name: function.name(), error },
        };
    }
    let Some(known) = known.find(selector) else { return Meaning::Unknown };
    let reach = Cell::new(0);
    let data = data.measured(&reach);
    match data.skip(4, "the arguments").and_then(|arguments| known.inputs(arguments)) {
        Ok(arguments) => {
            Meaning::Known { name: known.name, arguments, extra: data.unread().to_vec() }
        }
        Err(error) => Meaning::Unreadable { name: known.name, error },
    }
}

#[cfg(test)]
mod tests;
