//! What the calls of a batch returned.

use alloy::primitives::{B256, U256};

use super::frame::{Error, Frame};
use super::signature::{Signatures, Value};
use super::{Batch, Function, Meaning, SubCall};

/// Characters of a revert reason that are shown.
const REASON: usize = 200;

/// What came of a sub-call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Whether it succeeded.
    pub success: bool,
    /// Bytes returned.
    pub size: usize,
    /// What they say.
    pub returned: Returned,
}

/// What returned bytes say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Returned {
    /// The results of a function we know.
    Values(Vec<Value>),
    /// The results of the calls in the batch are at those.
    Batch,
    /// Why a call failed, in the contract's words.
    Reason(String),
    /// Why it failed: a fault that the compiler checks for, by its code.
    Panic(U256),
    /// Why it failed: an error of the contract's own that we know.
    Error {
        /// Its name.
        name: &'static str,
        /// What it tells, with names.
        arguments: Vec<(&'static str, Value)>,
    },
    /// Bytes that cannot be told anything about: their first 32.
    Raw(Vec<u8>),
    /// Nothing.
    Nothing,
}

impl Batch {
    /// Adds what the batch returned.
    ///
    /// # Errors
    /// It is not what this batch can have returned; with the byte position.
    pub fn add_returned(&mut self, data: &[u8], known: &Signatures) -> Result<(), Error> {
        self.add(Frame::whole(data), known)
    }

    fn add(&mut self, data: Frame<'_>, known: &Signatures) -> Result<(), Error> {
        let (list_at, flags) = match self.function {
            Function::Aggregate => (32, false),
            Function::BlockAndAggregate | Function::TryBlockAndAggregate => (64, true),
            Function::TryAggregate | Function::Aggregate3 | Function::Aggregate3Value => (0, true),
        };
        if list_at > 0 {
            let number = U256::from_be_bytes(*data.word(0, "the block number")?);
            let hash = if list_at > 32 { Some(data.word(32, "the block hash")?) } else { None };
            self.block = Some((number, hash.map(|hash| B256::from(*hash))));
        }
        let list = data.follow(list_at, "the results")?;
        let (count, elements) = list.array("the number of results")?;
        if count != self.calls.len() {
            let text = format!("{count} results for {} calls", self.calls.len());
            return Err(list.problem(text));
        }
        let mut room = data.content().len();
        for (index, call) in self.calls.iter_mut().enumerate() {
            let element = elements.follow(32 * index, "a result")?;
            let (success, returned) = if flags {
                let success = element.flag(0, "success")?;
                (success, element.follow(32, "returnData")?.bytes("the length of returnData")?)
            } else {
                (true, element.bytes("the length of returnData")?)
            };
            room = room.checked_sub(returned.content().len()).ok_or_else(|| {
                element.problem("the results claim more bytes than there are: they overlap")
            })?;
            call.outcome = Some(outcome(call, success, returned, known));
        }
        Ok(())
    }
}

impl SubCall {
    /// Adds what a call that is no part of a batch returned.
    pub fn add_returned(&mut self, data: &[u8], known: &Signatures) {
        self.outcome = Some(outcome(self, true, Frame::whole(data), known));
    }
}

fn outcome(call: &mut SubCall, success: bool, data: Frame<'_>, known: &Signatures) -> Outcome {
    let returned = if success { results(call, data, known) } else { failure(data, known) };
    Outcome { success, size: data.content().len(), returned }
}

fn results(call: &mut SubCall, data: Frame<'_>, known: &Signatures) -> Returned {
    if data.content().is_empty() {
        return Returned::Nothing;
    }
    if let Meaning::Batch(batch) = &mut call.meaning
        && batch.add(data, known).is_ok()
    {
        return Returned::Batch;
    }
    let known = call.selector.and_then(|selector| known.find(selector));
    known
        .and_then(|known| known.outputs(data))
        .filter(|values| !values.is_empty())
        .map_or_else(|| raw(data), Returned::Values)
}

/// `Error(string)`, `Panic(uint256)`, an error that is known by its selector, or anything.
fn failure(data: Frame<'_>, known: &Signatures) -> Returned {
    let content = data.content();
    let arguments = data.skip(4, "the reason").ok();
    match (content.get(..4), arguments) {
        (Some([0x08, 0xc3, 0x79, 0xa0]), Some(arguments)) => {
            let reason =
                arguments.follow(0, "the reason").and_then(|text| text.bytes("its length"));
            reason.map_or_else(
                |_odd| raw(data),
                |text| {
                    let text = String::from_utf8_lossy(text.content());
                    Returned::Reason(text.chars().take(REASON).collect())
                },
            )
        }
        (Some([0x4e, 0x48, 0x7b, 0x71]), Some(arguments)) => {
            let code = arguments.word(0, "the code");
            code.map_or_else(|_odd| raw(data), |code| Returned::Panic(U256::from_be_bytes(*code)))
        }
        (Some(selector), Some(arguments)) => {
            let known = selector.try_into().ok().and_then(|selector| known.find_error(selector));
            let read = known.and_then(|known| Some((known.name, known.inputs(arguments).ok()?)));
            read.map_or_else(|| raw(data), |(name, arguments)| Returned::Error { name, arguments })
        }
        _ if content.is_empty() => Returned::Nothing,
        _ => raw(data),
    }
}

fn raw(data: Frame<'_>) -> Returned {
    let content = data.content();
    Returned::Raw(content[..content.len().min(32)].to_vec())
}
