//! JSON values that keep numbers exactly, with a parser that has no depth limit of note.
//!
//! Independent of the crate's own JSON reader on purpose: what checks a program must not share its
//! mistakes.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

/// A JSON value, plus two marks that only comparing needs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Value {
    /// `null`; in a column: SQL NULL.
    Null,
    /// A `jsonb` column that holds JSON `null`, which is not SQL NULL.
    JsonNull,
    /// A recorded value that came from a machine's clock: equal to everything.
    Any,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Self>),
    Object(BTreeMap<String, Self>),
}

/// A decimal number of any size; `100`, `100.0` and `1e2` are equal.
#[derive(Clone, Debug)]
pub(crate) struct Number {
    /// As it was written.
    raw: String,
    negative: bool,
    /// Significant digits without leading or trailing zeros; empty for zero.
    digits: String,
    /// Power of ten of the last digit.
    exponent: i64,
}

/// Why a text is not JSON.
#[derive(Debug, thiserror::Error)]
#[error("not JSON: {problem} at byte {offset}")]
pub(crate) struct ParseError {
    problem: &'static str,
    offset: usize,
}

impl Value {
    /// Reads one JSON document.
    pub(crate) fn parse(text: &str) -> Result<Self, ParseError> {
        let mut parser = Parser { bytes: text.as_bytes(), at: 0 };
        let value = parser.value()?;
        parser.skip_space();
        if parser.at == parser.bytes.len() { Ok(value) } else { Err(parser.fail("more text")) }
    }

    /// The integer, if this is one of 64 bits.
    pub(crate) fn as_int(&self) -> Option<i64> {
        match self {
            Self::Number(number) => number.to_int(),
            _ => None,
        }
    }

    /// The text, if this is one.
    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The elements, if this is a list; else none.
    pub(crate) fn items(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }

    /// The member `key`, if this is an object that has it.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.get(key),
            _ => None,
        }
    }

    /// Equality in which a masked value matches whatever stands on the other side.
    pub(crate) fn matches(&self, other: &Self) -> bool {
        matches!(self, Self::Any) || matches!(other, Self::Any) || self == other
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(Number::new(&number.to_string()))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl fmt::Display for Value {
    /// JSON text; the marks print as words in angle brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::JsonNull => f.write_str("<json null>"),
            Self::Any => f.write_str("<any>"),
            Self::Bool(flag) => write!(f, "{flag}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => write_text(f, text),
            Self::List(items) => {
                f.write_char('[')?;
                for (at, item) in items.iter().enumerate() {
                    f.write_str(if at == 0 { "" } else { "," })?;
                    write!(f, "{item}")?;
                }
                f.write_char(']')
            }
            Self::Object(members) => {
                f.write_char('{')?;
                for (at, (key, item)) in members.iter().enumerate() {
                    f.write_str(if at == 0 { "" } else { "," })?;
                    write_text(f, key)?;
                    write!(f, ":{item}")?;
                }
                f.write_char('}')
            }
        }
    }
}

fn write_text(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            c if u32::from(c) < 0x20 => write!(f, "\\u{:04x}", u32::from(c))?,
            c => f.write_char(c)?,
        }
    }
    f.write_char('"')
}

impl Number {
    /// From JSON or PostgreSQL number text, which the caller has checked to be one.
    pub(crate) fn new(raw: &str) -> Self {
        let (negative, rest) = match raw.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, raw),
        };
        let (mantissa, power) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        let digits = all.trim_start_matches('0');
        let kept = digits.trim_end_matches('0');
        let dropped = i64::try_from(digits.len() - kept.len()).unwrap_or(0);
        let after_point = i64::try_from(fraction.len()).unwrap_or(0);
        let power = power.parse::<i64>().unwrap_or(0);
        let zero = kept.is_empty();
        Self {
            raw: raw.to_owned(),
            negative: negative && !zero,
            digits: kept.to_owned(),
            exponent: if zero { 0 } else { power - after_point + dropped },
        }
    }

    fn to_int(&self) -> Option<i64> {
        let zeros = usize::try_from(self.exponent).ok().filter(|&zeros| zeros < 19)?;
        let sign = if self.negative { "-" } else { "" };
        let digits = if self.digits.is_empty() { "0" } else { &self.digits };
        format!("{sign}{digits}{}", "0".repeat(zeros)).parse().ok()
    }
}

impl fmt::Display for Number {
    /// The number as it was written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.raw)
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Number {}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    /// Some total order that agrees with equality of value; not the order of numbers.
    fn cmp(&self, other: &Self) -> Ordering {
        (self.negative, self.exponent, &self.digits).cmp(&(
            other.negative,
            other.exponent,
            &other.digits,
        ))
    }
}

struct Parser<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Parser<'_> {
    fn fail(&self, problem: &'static str) -> ParseError {
        ParseError { problem, offset: self.at }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Skips white space and takes `byte` if it is next.
    fn take(&mut self, byte: u8) -> bool {
        self.skip_space();
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn value(&mut self) -> Result<Value, ParseError> {
        self.skip_space();
        match self.peek() {
            Some(b'{') => self.object(),
            Some(b'[') => self.list(),
            Some(b'"') => Ok(Value::Text(self.text()?)),
            Some(b'-' | b'0'..=b'9') => Ok(Value::Number(self.number())),
            _ => self.word(),
        }
    }

    fn word(&mut self) -> Result<Value, ParseError> {
        let words = [
            ("null", Value::Null),
            ("true", Value::Bool(true)),
            ("false", Value::Bool(false)),
            ("NaN", Value::from("nan")),
            ("Infinity", Value::from("inf")),
        ];
        for (word, value) in words {
            if self.bytes[self.at..].starts_with(word.as_bytes()) {
                self.at += word.len();
                return Ok(value);
            }
        }
        Err(self.fail("no value"))
    }

    fn number(&mut self) -> Number {
        let start = self.at;
        while matches!(self.peek(), Some(b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9')) {
            self.at += 1;
        }
        Number::new(&String::from_utf8_lossy(&self.bytes[start..self.at]))
    }

    fn list(&mut self) -> Result<Value, ParseError> {
        self.at += 1;
        let mut items = Vec::new();
        if self.take(b']') {
            return Ok(Value::List(items));
        }
        loop {
            items.push(self.value()?);
            if self.take(b']') {
                return Ok(Value::List(items));
            }
            if !self.take(b',') {
                return Err(self.fail("no comma in a list"));
            }
        }
    }

    fn object(&mut self) -> Result<Value, ParseError> {
        self.at += 1;
        let mut members = BTreeMap::new();
        if self.take(b'}') {
            return Ok(Value::Object(members));
        }
        loop {
            self.skip_space();
            if self.peek() != Some(b'"') {
                return Err(self.fail("no key"));
            }
            let key = self.text()?;
            if !self.take(b':') {
                return Err(self.fail("no colon"));
            }
            members.insert(key, self.value()?);
            if self.take(b'}') {
                return Ok(Value::Object(members));
            }
            if !self.take(b',') {
                return Err(self.fail("no comma in an object"));
            }
        }
    }

    fn text(&mut self) -> Result<String, ParseError> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let start = self.at;
            while !matches!(self.peek(), None | Some(b'"' | b'\\')) {
                self.at += 1;
            }
            out.push_str(&String::from_utf8_lossy(&self.bytes[start..self.at]));
            match self.peek() {
                None => return Err(self.fail("text without end")),
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(_) => out.push(self.escape()?),
            }
        }
    }

    fn escape(&mut self) -> Result<char, ParseError> {
        let code = self.bytes.get(self.at + 1).copied();
        self.at += 2;
        match code {
            Some(b'n') => Ok('\n'),
            Some(b't') => Ok('\t'),
            Some(b'r') => Ok('\r'),
            Some(b'b') => Ok('\u{8}'),
            Some(b'f') => Ok('\u{c}'),
            Some(b'u') => self.unicode(),
            Some(c @ (b'"' | b'\\' | b'/')) => Ok(char::from(c)),
            _ => Err(self.fail("unknown escape")),
        }
    }

    /// The character of a `\u` escape; half a surrogate pair becomes U+FFFD.
    fn unicode(&mut self) -> Result<char, ParseError> {
        let high = self.hex4()?;
        if !(0xd800..0xdc00).contains(&high) || !self.bytes[self.at..].starts_with(b"\\u") {
            return Ok(char::from_u32(high).unwrap_or('\u{fffd}'));
        }
        let back = self.at;
        self.at += 2;
        let low = self.hex4()?;
        if (0xdc00..0xe000).contains(&low) {
            let code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
            return Ok(char::from_u32(code).unwrap_or('\u{fffd}'));
        }
        self.at = back;
        Ok('\u{fffd}')
    }

    fn hex4(&mut self) -> Result<u32, ParseError> {
        let digits =
            self.bytes.get(self.at..self.at + 4).ok_or_else(|| self.fail("short escape"))?;
        let code =
            std::str::from_utf8(digits).ok().and_then(|hex| u32::from_str_radix(hex, 16).ok());
        self.at += 4;
        code.ok_or_else(|| self.fail("escape without four digits"))
    }
}
