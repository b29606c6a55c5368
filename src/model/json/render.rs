//! Writing values as JSON text, and what `jsonb` refuses to store.

use super::walk::{Event, Walk};
use super::{Json, Object, number};

/// Why PostgreSQL would refuse to store a value as `jsonb`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotStorable {
    /// The numbers `NaN`, `Infinity` and `-Infinity` have no JSON text.
    #[error("number that is not finite in a jsonb value")]
    NotFinite,
    /// U+0000 cannot be stored in text.
    #[error("U+0000 in a jsonb value")]
    Nul,
    /// Deeper than the server's parser goes.
    #[error("more than {MOST_LEVELS} levels in a jsonb value")]
    TooDeep,
}

/// Levels of a value that is stored. With the stack that PostgreSQL allows itself by default it reads
/// some 13,000; values are wrapped in others as before-images, and servers are set up differently.
const MOST_LEVELS: usize = 12_000;

impl Json {
    /// The compact JSON text, numbers as Python prints them: `100.0` stays `100.0`, big floats get
    /// an exponent, `NaN` and the infinities print as such (and are not valid for `jsonb`).
    pub fn to_json_text(&self) -> String {
        let mut text = String::new();
        self.write_json_text(&mut text);
        text
    }

    /// Appends [`Json::to_json_text`] to `text`.
    pub fn write_json_text(&self, text: &mut String) {
        // A value is preceded by a comma unless it is the first of its container or has a key.
        let mut first = true;
        for event in Walk::new(self) {
            let closes = matches!(event, Event::CloseList | Event::CloseObject);
            if !first && !closes {
                text.push(',');
            }
            first = false;
            match event {
                Event::Scalar(value) => write_scalar(value, text),
                Event::Key(key) => {
                    write_string(key, text);
                    text.push(':');
                    first = true;
                }
                Event::OpenList(_) => {
                    text.push('[');
                    first = true;
                }
                Event::OpenObject(_) => {
                    text.push('{');
                    first = true;
                }
                Event::CloseList => text.push(']'),
                Event::CloseObject => text.push('}'),
            }
        }
    }

    /// Whether a `jsonb` column takes the value.
    ///
    /// # Errors
    /// The first thing in it that PostgreSQL refuses.
    pub fn json_storable(&self) -> Result<(), NotStorable> {
        let mut depth = 0_usize;
        Walk::new(self).try_for_each(|event| match event {
            Event::OpenList(_) | Event::OpenObject(_) => {
                depth += 1;
                if depth > MOST_LEVELS { Err(NotStorable::TooDeep) } else { Ok(()) }
            }
            Event::CloseList | Event::CloseObject => {
                depth -= 1;
                Ok(())
            }
            Event::Scalar(Self::Float(value)) if !value.is_finite() => Err(NotStorable::NotFinite),
            Event::Scalar(Self::Str(text)) => check_text(text),
            Event::Key(key) => check_text(key),
            Event::Scalar(_) => Ok(()),
        })
    }
}

impl Object {
    /// See [`Json::to_json_text`].
    pub fn to_json_text(&self) -> String {
        let mut text = String::from("{");
        for (at, (key, value)) in self.iter().enumerate() {
            if at > 0 {
                text.push(',');
            }
            write_string(key, &mut text);
            text.push(':');
            value.write_json_text(&mut text);
        }
        text.push('}');
        text
    }
}

impl std::fmt::Debug for Object {
    /// The JSON text.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.to_json_text())
    }
}

fn check_text(text: &str) -> Result<(), NotStorable> {
    if text.contains('\0') { Err(NotStorable::Nul) } else { Ok(()) }
}

fn write_scalar(value: &Json, text: &mut String) {
    match value {
        Json::Bool(true) => text.push_str("true"),
        Json::Bool(false) => text.push_str("false"),
        Json::Int(value) => text.push_str(&value.to_string()),
        Json::Big(digits) => text.push_str(digits),
        Json::Float(value) => text.push_str(match value {
            _ if value.is_nan() => "NaN",
            _ if value.is_finite() => return text.push_str(&number::float_repr(*value)),
            _ if *value > 0.0 => "Infinity",
            _ => "-Infinity",
        }),
        Json::Str(string) => write_string(string, text),
        Json::Null | Json::List(_) | Json::Object(_) => text.push_str("null"),
    }
}

fn write_string(string: &str, text: &mut String) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    text.reserve(string.len() + 2);
    text.push('"');
    let mut plain_from = 0;
    for (at, byte) in string.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0x08 => "\\b",
            0x0c => "\\f",
            0..0x20 => "\\u00",
            _ => continue,
        };
        text.push_str(&string[plain_from..at]);
        text.push_str(escape);
        if escape == "\\u00" {
            text.push(char::from(HEX[usize::from(byte >> 4)]));
            text.push(char::from(HEX[usize::from(byte & 15)]));
        }
        plain_from = at + 1;
    }
    text.push_str(&string[plain_from..]);
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_reads_back_as_the_same_value() {
        for text in [
            "{\"a\":[1,2.5,\"x\"],\"b\":{\"c\":null,\"d\":[]},\"e\":true}",
            "[[],{},[[1]],{\"\":\"\"}]",
            "\"\\u0001\\u001f\\b\\f\\n\\r\\t\\\"\\\\/é😀\u{7f}\"",
            "1e+16",
            "-12345678901234567890",
        ] {
            assert_eq!(Json::parse(text).unwrap().to_json_text(), text);
        }
        let object = Json::parse("{\"a\":[1],\"b\":{}}").unwrap().into_object().unwrap();
        assert_eq!(object.to_json_text(), "{\"a\":[1],\"b\":{}}");
    }

    #[test]
    fn jsonb_refuses_nul_and_numbers_that_are_not_finite() {
        let check = |text: &str| Json::parse(text).unwrap().json_storable();
        assert_eq!(check("{\"a\":[1e400]}"), Err(NotStorable::NotFinite));
        assert_eq!(check("NaN"), Err(NotStorable::NotFinite));
        assert_eq!(check("{\"a\":{\"b\\u0000\":1}}"), Err(NotStorable::Nul));
        assert_eq!(check("[\"\\u0000\"]"), Err(NotStorable::Nul));
        assert_eq!(check("{\"a\":[1,\"\\u0001\"]}"), Ok(()));
        let nested =
            |levels: usize| check(&format!("{}{}", "[".repeat(levels), "]".repeat(levels)));
        assert_eq!(nested(MOST_LEVELS), Ok(()));
        assert_eq!(nested(MOST_LEVELS + 1), Err(NotStorable::TooDeep));
        assert_eq!(check(&format!("[{}]", vec!["[]"; MOST_LEVELS + 1].join(","))), Ok(()));
    }
}
