//! Bounded reads of ABI-encoded bytes. Every error names the byte in the whole input.

use std::cell::Cell;

use alloy::primitives::{Address, U256};

/// Why bytes cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("byte {position}: {problem}")]
pub struct Error {
    /// The byte of the whole input, from 0.
    pub position: usize,
    /// What is wrong there.
    pub problem: String,
}

/// A part of the input that offsets are counted from, and that nothing in it may leave.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    content: &'a [u8],
    /// Where it begins in the whole input.
    position: usize,
    /// How far the whole input was read, where somebody wants to know.
    reach: Option<&'a Cell<usize>>,
}

impl<'a> Frame<'a> {
    /// The whole input.
    pub const fn whole(content: &'a [u8]) -> Self {
        Self { content, position: 0, reach: None }
    }

    /// The same frame, noting in `reach` how far it is read, from now on and by all its parts.
    pub fn measured<'m>(self, reach: &'m Cell<usize>) -> Frame<'m>
    where
        'a: 'm,
    {
        reach.set(self.position);
        Frame { content: self.content, position: self.position, reach: Some(reach) }
    }

    /// What lies behind everything that was read of a [measured](Self::measured) frame.
    pub fn unread(&self) -> &'a [u8] {
        let read = self.reach.map_or(usize::MAX, |reach| reach.get() - self.position);
        self.content.get(read..).unwrap_or_default()
    }

    /// Notes that the first `count` bytes were read.
    fn has_read(&self, count: usize) {
        if let Some(reach) = self.reach {
            reach.set(reach.get().max(self.position.saturating_add(count)));
        }
    }

    /// The part from `from` on.
    fn part(&self, content: &'a [u8], from: usize) -> Self {
        Self { content, position: self.position + from, reach: self.reach }
    }

    /// Its bytes.
    pub const fn content(&self) -> &'a [u8] {
        self.content
    }

    /// Where it begins in the whole input.
    pub const fn position(&self) -> usize {
        self.position
    }

    /// An error at the beginning of the frame.
    pub fn problem(&self, problem: impl Into<String>) -> Error {
        Error { position: self.position, problem: problem.into() }
    }

    fn problem_at(&self, at: usize, problem: String) -> Error {
        Error { position: self.position.saturating_add(at), problem }
    }

    /// What follows the first `count` bytes.
    ///
    /// # Errors
    /// There are not as many.
    pub fn skip(&self, count: usize, what: &str) -> Result<Self, Error> {
        match self.content.get(count..) {
            Some(content) => {
                self.has_read(count);
                Ok(self.part(content, count))
            }
            None => Err(self.problem(format!("the input ends before {what}"))),
        }
    }

    /// The 32 bytes at `at`.
    ///
    /// # Errors
    /// The frame ends before; the error is at its end, where `at` lies beyond it.
    pub fn word(&self, at: usize, what: &str) -> Result<&'a [u8; 32], Error> {
        let rest = self.content.get(at..).unwrap_or_default();
        let word = rest.first_chunk().ok_or_else(|| {
            let text = format!("{what} has 32 bytes, there are {}", rest.len());
            self.problem_at(at.min(self.content.len()), text)
        })?;
        self.has_read(at + 32);
        Ok(word)
    }

    /// A number that counts bytes or elements.
    fn size(&self, at: usize, what: &str) -> Result<usize, Error> {
        let number = U256::from_be_bytes(*self.word(at, what)?);
        // What does not fit is beyond any input.
        Ok(usize::try_from(number).unwrap_or(usize::MAX))
    }

    /// An address.
    ///
    /// # Errors
    /// The frame ends before, or the upper 12 bytes are not zero.
    pub fn address(&self, at: usize, what: &str) -> Result<Address, Error> {
        let word = self.word(at, what)?;
        if word[..12].iter().any(|&byte| byte != 0) {
            return Err(self.problem_at(at, format!("{what} is no address: {}", hex(word))));
        }
        Ok(Address::from_slice(&word[12..]))
    }

    /// A flag.
    ///
    /// # Errors
    /// The frame ends before, or it is neither 0 nor 1.
    pub fn flag(&self, at: usize, what: &str) -> Result<bool, Error> {
        let word = self.word(at, what)?;
        match (word[..31].iter().all(|&byte| byte == 0), word[31]) {
            (true, flag @ (0 | 1)) => Ok(flag == 1),
            _ => Err(self.problem_at(at, format!("{what} is neither 0 nor 1: {}", hex(word)))),
        }
    }

    /// The part that the offset at `at` points to, up to the end of this one.
    ///
    /// # Errors
    /// The offset or what it points to lies beyond the end.
    pub fn follow(&self, at: usize, what: &str) -> Result<Self, Error> {
        let offset = self.size(at, &format!("the offset of {what}"))?;
        match self.content.get(offset..) {
            Some(content) if !content.is_empty() => Ok(self.part(content, offset)),
            _ => {
                let length = self.content.len();
                let text =
                    format!("the offset of {what} is {}, there are {length} bytes", shown(offset));
                Err(self.problem_at(at, text))
            }
        }
    }

    /// Number of the elements of an array at the beginning, and the part their offsets count from.
    /// There are words for as many.
    ///
    /// # Errors
    /// There are not.
    pub fn array(&self, what: &str) -> Result<(usize, Self), Error> {
        let count = self.size(0, what)?;
        let elements = self.skip(32, what)?;
        let most = elements.content.len() / 32;
        if count > most {
            let text = format!("{what} is {}, there is room for {most}", shown(count));
            return Err(self.problem(text));
        }
        elements.has_read(32 * count);
        Ok((count, elements))
    }

    /// Bytes at the beginning, with their length before them. Zeros that fill up the last word count
    /// as read with them; anything else that stands there does not.
    ///
    /// # Errors
    /// The length leads beyond the end.
    pub fn bytes(&self, what: &str) -> Result<Self, Error> {
        let length = self.size(0, what)?;
        let rest = self.skip(32, what)?;
        match rest.content.get(..length) {
            Some(content) => {
                let word = length.next_multiple_of(32).min(rest.content.len());
                let is_filled = rest.content[length..word].iter().all(|&byte| byte == 0);
                rest.has_read(if is_filled { word } else { length });
                Ok(rest.part(content, 0))
            }
            None => {
                let text =
                    format!("{what} is {}, there are {} bytes", shown(length), rest.content.len());
                Err(self.problem(text))
            }
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    alloy::hex::encode_prefixed(bytes)
}

fn shown(number: usize) -> String {
    if number == usize::MAX { "more than any input has".to_owned() } else { number.to_string() }
}
