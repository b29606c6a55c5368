//! Batches as text: values for people, and everything as JSON for programs.

use std::fmt;

use alloy::hex;
use alloy::primitives::U256;
use serde_json::{Value as Json, json};

use super::outcome::{Outcome, Returned};
use super::signature::Value;
use super::{Batch, Meaning, SubCall};

/// Bytes of a value that people are shown.
const SHOWN: usize = 32;

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Uint(number) => number.fmt(f),
            Self::Int(number) => number.fmt(f),
            Self::Bool(flag) => flag.fmt(f),
            Self::Bytes(bytes) if bytes.len() > SHOWN => {
                write!(f, "{}… ({} bytes)", hex::encode_prefixed(&bytes[..SHOWN]), bytes.len())
            }
            Self::Bytes(bytes) => f.write_str(&hex::encode_prefixed(bytes)),
            // Control characters of a stranger have no business on a terminal.
            Self::Text(text) => {
                let start: String = text.chars().take(200).collect();
                write!(f, "{start:?}")
            }
            Self::List(values, count) => {
                f.write_str("[")?;
                for (index, value) in values.iter().take(4).enumerate() {
                    write!(f, "{}{value}", if index > 0 { ", " } else { "" })?;
                }
                if *count > 4 {
                    write!(f, ", … {count} in all")?;
                }
                f.write_str("]")
            }
        }
    }
}

impl fmt::Display for Meaning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known { name, arguments, .. } => {
                write!(f, "{name}(")?;
                for (index, (_, value)) in arguments.iter().enumerate() {
                    write!(f, "{}{value}", if index > 0 { ", " } else { "" })?;
                }
                f.write_str(")")
            }
            Self::Batch(batch) => {
                write!(f, "{}, {} sub-calls:", batch.function.name(), batch.calls.len())
            }
            Self::Unreadable { name, error } => write!(f, "{name}, not readable: {error}"),
            Self::TooDeep(function) => write!(f, "{}, too deep to read", function.name()),
            Self::Unknown => f.write_str("?"),
            Self::Bare => f.write_str("no selector"),
        }
    }
}

impl SubCall {
    /// Its calldata, of the whole input.
    pub fn data<'i>(&self, input: &'i [u8]) -> &'i [u8] {
        input.get(self.position..self.position + self.size).unwrap_or_default()
    }

    /// What is called, for people: by name, or as selector and size.
    pub fn called(&self) -> String {
        match (&self.meaning, self.selector) {
            (Meaning::Unknown, Some(selector)) => {
                format!("{} ({} bytes)", hex::encode_prefixed(selector), self.size)
            }
            (Meaning::Bare, _) => format!("no selector ({} bytes)", self.size),
            (meaning, _) => meaning.to_string(),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.success {
            f.write_str("failed: ")?;
        }
        match &self.returned {
            Returned::Values(values) => {
                for (index, value) in values.iter().enumerate() {
                    write!(f, "{}{value}", if index > 0 { ", " } else { "" })?;
                }
                Ok(())
            }
            Returned::Batch => f.write_str("see below"),
            Returned::Reason(reason) => write!(f, "{reason:?}"),
            Returned::Panic(code) => {
                write!(f, "panic 0x{code:02x}{}", panic_words(*code))
            }
            Returned::Error { name, arguments } => {
                let meaning =
                    Meaning::Known { name, arguments: arguments.clone(), extra: Vec::new() };
                meaning.fmt(f)
            }
            Returned::Raw(bytes) => {
                let more = if self.size > bytes.len() { "…" } else { "" };
                write!(f, "{}{more} ({} bytes)", hex::encode_prefixed(bytes), self.size)
            }
            Returned::Nothing if self.success => f.write_str("nothing"),
            Returned::Nothing => f.write_str("no reason given"),
        }
    }
}

/// What the compiler checks for under a code of `Panic(uint256)`, in brackets.
fn panic_words(code: U256) -> &'static str {
    match code.try_into().unwrap_or(u8::MAX) {
        0x01 => " (an assertion)",
        0x11 => " (overflow)",
        0x12 => " (division by zero)",
        0x21 => " (no such label of an enumeration)",
        0x22 => " (a broken array in the storage)",
        0x31 => " (taking from an empty array)",
        0x32 => " (beyond the end of an array)",
        0x41 => " (too much memory)",
        0x51 => " (a function that is not set)",
        _ => "",
    }
}

/// Bytes of a stranger for people: how many, and the first of them.
pub fn extra_words(extra: &[u8]) -> String {
    let (more, first) = (extra.len() > SHOWN, &extra[..extra.len().min(SHOWN)]);
    let plural = if extra.len() == 1 { "" } else { "s" };
    format!(
        "{} byte{plural} after the arguments: {}{}",
        extra.len(),
        hex::encode_prefixed(first),
        if more { "…" } else { "" }
    )
}

/// A batch for programs. Numbers are decimal text, for they are larger than those of JSON.
///
/// `input` is the whole calldata, of which calls of unknown functions are shown.
pub fn to_json(batch: &Batch, input: &[u8]) -> Json {
    let mut out = json!({
        "function": batch.function.name(),
        "selector": hex::encode_prefixed(batch.function.selector()),
        "size": batch.size,
    });
    if let Some(flag) = batch.require_success {
        out["require_success"] = json!(flag);
    }
    if let Some((number, hash)) = batch.block {
        out["block_number"] = json!(number.to_string());
        if let Some(hash) = hash {
            out["block_hash"] = json!(hash);
        }
    }
    if !batch.extra.is_empty() {
        out["extra"] = json!(hex::encode_prefixed(&batch.extra));
    }
    out["calls"] = batch.calls.iter().map(|one| call(one, input)).collect();
    out
}

/// A call that is no part of a batch.
pub fn single_to_json(single: &SubCall, input: &[u8]) -> Json {
    let mut out = call(single, input);
    // Calldata alone does not say which contract it goes to.
    if single.target.is_zero() {
        out["target"] = Json::Null;
    }
    out
}

fn call(call: &SubCall, input: &[u8]) -> Json {
    let mut out = json!({"target": call.target});
    if let Some(flag) = call.allow_failure {
        out["allow_failure"] = json!(flag);
    }
    if let Some(value) = call.value {
        out["value"] = json!(value.to_string());
    }
    out["position"] = json!(call.position);
    out["size"] = json!(call.size);
    out["selector"] = json!(call.selector.map(hex::encode_prefixed));
    match &call.meaning {
        Meaning::Known { name, arguments, .. } => {
            out["name"] = json!(name);
            let argument =
                |(name, value): &(&str, Value)| json!({"name": name, "value": plain(value)});
            out["arguments"] = arguments.iter().map(argument).collect();
            if !call.extra().is_empty() {
                out["extra"] = json!(hex::encode_prefixed(call.extra()));
            }
        }
        Meaning::Batch(batch) => out["batch"] = to_json(batch, input),
        Meaning::Unreadable { name, error } => {
            out["name"] = json!(name);
            out["error"] = json!({"position": error.position, "problem": error.problem});
        }
        Meaning::TooDeep(function) => {
            out["name"] = json!(function.name());
            out["error"] = json!({"position": call.position, "problem": "too deep to read"});
        }
        Meaning::Unknown | Meaning::Bare => {
            out["data"] = json!(hex::encode_prefixed(call.data(input)));
        }
    }
    if let Some(outcome) = &call.outcome {
        out["result"] = result(outcome);
    }
    out
}

fn result(outcome: &Outcome) -> Json {
    let mut out = json!({"success": outcome.success, "size": outcome.size});
    match &outcome.returned {
        Returned::Values(values) => out["values"] = values.iter().map(plain).collect(),
        Returned::Reason(reason) => out["reason"] = json!(reason),
        Returned::Panic(code) => out["panic"] = json!(code.to_string()),
        Returned::Error { name, arguments } => {
            let argument =
                |(name, value): &(&str, Value)| json!({"name": name, "value": plain(value)});
            let arguments: Json = arguments.iter().map(argument).collect();
            out["error"] = json!({"name": name, "arguments": arguments});
        }
        Returned::Raw(bytes) => out["begins_with"] = json!(hex::encode_prefixed(bytes)),
        Returned::Batch | Returned::Nothing => {}
    }
    out
}

fn plain(value: &Value) -> Json {
    match value {
        Value::Address(address) => json!(address),
        Value::Uint(number) => json!(number.to_string()),
        Value::Int(number) => json!(number.to_string()),
        Value::Bool(flag) => json!(flag),
        Value::Bytes(bytes) => json!(hex::encode_prefixed(bytes)),
        Value::Text(text) => json!(text),
        Value::List(values, count) if *count == values.len() => values.iter().map(plain).collect(),
        Value::List(values, count) => {
            let first: Vec<Json> = values.iter().map(plain).collect();
            json!({"first": first, "count": count})
        }
    }
}
