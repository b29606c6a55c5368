//! The parser: what Python 3.11's `json.loads` accepts, without recursion.

use std::fmt;

use super::Json;
use super::walk::Builder;

/// Arrays and objects may be nested this deep; it is the reference's recursion limit.
pub const MAX_DEPTH: usize = 100_000;

/// Python refuses to read longer integers (`sys.int_info.default_max_str_digits`).
const MAX_INT_DIGITS: usize = 4300;

/// Why a text is not JSON: the byte offset and what was expected there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// Byte offset into the text.
    pub offset: usize,
    /// What is wrong, as a lower-case fragment.
    pub problem: &'static str,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.problem, self.offset)
    }
}

impl std::error::Error for ParseError {}

impl Json {
    /// Parses a text as Python's `json.loads` does.
    ///
    /// `NaN`, `Infinity` and `-Infinity` are numbers, integers are exact, the last value of a
    /// repeated key wins; control characters in strings, a byte order mark and trailing text are
    /// errors. Lone surrogate escapes are dropped, see [`Json::parse_flagged`].
    ///
    /// ```
    /// use audius_etl::model::Json;
    ///
    /// let value = Json::parse(r#"{"a": 1, "price": 100.0, "big": 99999999999999999999, "a": NaN}"#)?;
    /// assert_eq!(value.to_json_text(), r#"{"a":NaN,"price":100.0,"big":99999999999999999999}"#);
    ///
    /// let error = Json::parse(r#"{"a": }"#).unwrap_err();
    /// assert_eq!(error.to_string(), "expected a value at byte 6");
    /// # Ok::<(), audius_etl::model::json::ParseError>(())
    /// ```
    ///
    /// # Errors
    /// [`ParseError`] with the position of the first thing Python would refuse; nesting beyond
    /// [`MAX_DEPTH`] and integers of more than 4300 digits are refused too.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        Self::parse_flagged(text).map(|(value, _)| value)
    }

    /// [`Json::parse`], and whether a lone surrogate escape was dropped on the way. Python keeps
    /// it in the text, where it makes every later step that encodes the text fail.
    ///
    /// # Errors
    /// See [`Json::parse`].
    pub fn parse_flagged(text: &str) -> Result<(Self, bool), ParseError> {
        let mut parser = Parser::new(text, None);
        let value = parser.document()?;
        Ok((value, parser.lone_surrogate))
    }

    /// [`Json::parse`] with every number as it is written: those with a fraction or an exponent are
    /// kept as [`Json::Big`], for a column that holds all their digits.
    ///
    /// # Errors
    /// See [`Json::parse`].
    pub fn parse_exact(text: &str) -> Result<Self, ParseError> {
        let mut parser = Parser { keeps_digits: true, ..Parser::new(text, None) };
        parser.document()
    }

    /// [`Json::parse`] with a character in the place of each lone surrogate escape.
    pub(super) fn parse_with(text: &str, replacement: char) -> Result<Self, ParseError> {
        Parser::new(text, Some(replacement)).document()
    }

    /// Reads a value back from the text of a `jsonb` column.
    ///
    /// # Errors
    /// See [`Json::parse`]; PostgreSQL never writes such a text.
    pub fn parse_stored(text: &str) -> Result<Self, ParseError> {
        Self::parse(text)
    }
}

struct Parser<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    lone_surrogate: bool,
    /// Stands in for lone surrogates; without, they are dropped.
    replacement: Option<char>,
    /// Numbers that are no integers are kept as they are written.
    keeps_digits: bool,
}

impl<'a> Parser<'a> {
    const fn new(text: &'a str, replacement: Option<char>) -> Self {
        Self {
            text,
            bytes: text.as_bytes(),
            at: 0,
            lone_surrogate: false,
            replacement,
            keeps_digits: false,
        }
    }
}

impl Parser<'_> {
    fn error<T>(&self, problem: &'static str) -> Result<T, ParseError> {
        Err(ParseError { offset: self.at, problem })
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_whitespace(&mut self) {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn document(&mut self) -> Result<Json, ParseError> {
        let mut builder = Builder::default();
        loop {
            // Here a value is due; after it the commas and brackets up to the next one.
            self.skip_whitespace();
            let mut done = match self.peek() {
                Some(b'[') => self.open_list(&mut builder)?,
                Some(b'{') => self.open_object(&mut builder)?,
                _ => {
                    let scalar = self.scalar()?;
                    Some(builder.value(scalar))
                }
            };
            while let Some(finished) = done {
                self.skip_whitespace();
                if let Some(value) = finished {
                    return self.end(value);
                }
                done = self.after_value(&mut builder)?;
            }
        }
    }

    fn end(&self, value: Json) -> Result<Json, ParseError> {
        if self.at == self.bytes.len() { Ok(value) } else { self.error("extra data") }
    }

    /// `[`: an empty array is a finished value, else the first item is due (`None`).
    fn open_list(&mut self, builder: &mut Builder) -> Result<Option<Option<Json>>, ParseError> {
        self.check_depth(builder)?;
        self.at += 1;
        builder.open_list(0);
        self.skip_whitespace();
        Ok(self.close_if(b']', builder))
    }

    /// `{`: an empty object is a finished value, else its first key was read and a value is due.
    fn open_object(&mut self, builder: &mut Builder) -> Result<Option<Option<Json>>, ParseError> {
        self.check_depth(builder)?;
        self.at += 1;
        builder.open_object(0);
        self.skip_whitespace();
        let done = self.close_if(b'}', builder);
        if done.is_none() {
            self.key(builder)?;
        }
        Ok(done)
    }

    fn check_depth(&self, builder: &Builder) -> Result<(), ParseError> {
        if builder.depth() < MAX_DEPTH { Ok(()) } else { self.error("nested too deeply") }
    }

    fn close_if(&mut self, bracket: u8, builder: &mut Builder) -> Option<Option<Json>> {
        (self.peek() == Some(bracket)).then(|| {
            self.at += 1;
            builder.close()
        })
    }

    /// After a value inside a container: `None` after a comma (a value is due), else the container
    /// ended and is itself a finished value.
    fn after_value(&mut self, builder: &mut Builder) -> Result<Option<Option<Json>>, ParseError> {
        let in_object = builder.in_object() == Some(true);
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                if in_object {
                    self.skip_whitespace();
                    self.key(builder)?;
                }
                Ok(None)
            }
            Some(b']') if !in_object => Ok(self.close_if(b']', builder)),
            Some(b'}') if in_object => Ok(self.close_if(b'}', builder)),
            _ => self.error("expected a comma or the closing bracket"),
        }
    }

    fn key(&mut self, builder: &mut Builder) -> Result<(), ParseError> {
        if self.peek() != Some(b'"') {
            return self.error("expected a property name in double quotes");
        }
        let key = self.string()?;
        self.skip_whitespace();
        if self.peek() != Some(b':') {
            return self.error("expected a colon");
        }
        self.at += 1;
        builder.key(key);
        Ok(())
    }

    fn scalar(&mut self) -> Result<Json, ParseError> {
        match self.peek() {
            Some(b'"') => self.string().map(Json::Str),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b'n') => self.word("null", Json::Null),
            Some(b't') => self.word("true", Json::Bool(true)),
            Some(b'f') => self.word("false", Json::Bool(false)),
            Some(b'N') => self.word("NaN", Json::Float(f64::NAN)),
            Some(b'I') => self.word("Infinity", Json::Float(f64::INFINITY)),
            _ => self.error("expected a value"),
        }
    }

    fn word(&mut self, word: &str, value: Json) -> Result<Json, ParseError> {
        if self.bytes[self.at..].starts_with(word.as_bytes()) {
            self.at += word.len();
            Ok(value)
        } else {
            self.error("expected a value")
        }
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        self.at - start
    }

    fn number(&mut self) -> Result<Json, ParseError> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
            if self.peek() == Some(b'I') {
                return self.word("Infinity", Json::Float(f64::NEG_INFINITY));
            }
        }
        let leading_zero = self.peek() == Some(b'0');
        let int_digits = if leading_zero {
            self.at += 1;
            1
        } else {
            self.digits()
        };
        if int_digits == 0 {
            self.at = start;
            return self.error("expected a value");
        }
        let int_end = self.at;
        self.fraction_and_exponent();
        let text = &self.text[start..self.at];
        if self.at > int_end && self.keeps_digits {
            return Ok(Json::Big(text.to_owned()));
        }
        if self.at > int_end {
            let value = text.parse().map_err(|_| self.number_error(start))?;
            return Ok(Json::Float(value));
        }
        if int_digits > MAX_INT_DIGITS {
            self.at = start;
            return self.error("integer of too many digits");
        }
        Ok(text.parse().map_or_else(|_| Json::Big(text.to_owned()), Json::Int))
    }

    fn number_error(&self, offset: usize) -> ParseError {
        ParseError { offset, problem: "expected a value" }
    }

    /// Steps over `.digits` and `e±digits` where they are complete, else stays before them.
    fn fraction_and_exponent(&mut self) {
        let mut end = self.at;
        if self.peek() == Some(b'.') {
            self.at += 1;
            if self.digits() > 0 {
                end = self.at;
            } else {
                self.at = end;
            }
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            if self.digits() == 0 {
                self.at = end;
            }
        }
    }

    /// A string, from its opening quote.
    fn string(&mut self) -> Result<String, ParseError> {
        let opening = self.at;
        self.at += 1;
        let start = self.at;
        self.skip_plain();
        if self.peek() == Some(b'"') {
            self.at += 1;
            return Ok(self.text[start..self.at - 1].to_owned());
        }
        let mut text = self.text[start..self.at].to_owned();
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') => self.escape(&mut text)?,
                Some(_) => return self.error("control character in a string"),
                None => {
                    self.at = opening;
                    return self.error("unterminated string");
                }
            }
            let start = self.at;
            self.skip_plain();
            text.push_str(&self.text[start..self.at]);
        }
    }

    /// Steps to the next quote, backslash or control character.
    fn skip_plain(&mut self) {
        let rest = &self.bytes[self.at..];
        let stop = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20));
        self.at += stop.unwrap_or(rest.len());
    }

    fn escape(&mut self, text: &mut String) -> Result<(), ParseError> {
        let letter = self.bytes.get(self.at + 1).copied();
        let plain = match letter {
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(text),
            _ => return self.error("invalid escape in a string"),
        };
        text.push(plain);
        self.at += 2;
        Ok(())
    }

    fn unicode_escape(&mut self, text: &mut String) -> Result<(), ParseError> {
        let Some(unit) = self.code_unit(self.at) else {
            return self.error("invalid \\u escape in a string");
        };
        self.at += 6;
        let mut code = u32::from(unit);
        if (0xD800..0xDC00).contains(&unit)
            && let Some(low @ 0xDC00..=0xDFFF) = self.code_unit(self.at)
        {
            self.at += 6;
            code = 0x10000 + ((code - 0xD800) << 10) + (u32::from(low) - 0xDC00);
        }
        match char::from_u32(code) {
            Some(character) => text.push(character),
            None => {
                self.lone_surrogate = true;
                text.extend(self.replacement);
            }
        }
        Ok(())
    }

    /// The UTF-16 unit of a `\uXXXX` that starts at `at`.
    fn code_unit(&self, at: usize) -> Option<u16> {
        let hex = self.bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
        hex.iter().try_fold(0_u16, |unit, digit| {
            let value = char::from(*digit).to_digit(16)?;
            Some(unit << 4 | u16::try_from(value).ok()?)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts and what Python 3.11 prints for `json.dumps(json.loads(text), separators=(",", ":"))`.
    const ACCEPTED: &[(&str, &str)] = &[
        (" \t\n\r{ \"a\" : [ 1 , 2 ] , \"b\" : { } } ", "{\"a\":[1,2],\"b\":{}}"),
        ("{\"a\":1,\"b\":2,\"a\":3}", "{\"a\":3,\"b\":2}"),
        ("[NaN,Infinity,-Infinity]", "[NaN,Infinity,-Infinity]"),
        ("1E2", "100.0"),
        ("-0", "0"),
        ("-0.0", "-0.0"),
        ("1e400", "Infinity"),
        ("-1e-400", "-0.0"),
        ("9223372036854775807", "9223372036854775807"),
        ("9223372036854775808", "9223372036854775808"),
        ("-9223372036854775809", "-9223372036854775809"),
        ("123456789012345678901234567890.5", "1.2345678901234568e+29"),
        ("\"\\u0041\\n\\/\\\"\\\\\"", "\"A\\n/\\\"\\\\\""),
        ("\"\\ud83d\\ude00\"", "\"\u{1f600}\""),
        ("\"\u{7f}\u{2028}\"", "\"\u{7f}\u{2028}\""),
        ("\"\\u0000\"", "\"\\u0000\""),
        ("\"\"", "\"\""),
        ("[]", "[]"),
        ("[[],[[]],{}]", "[[],[[]],{}]"),
        ("0.1", "0.1"),
        ("1.0e5", "100000.0"),
        ("[true,false,null]", "[true,false,null]"),
    ];

    const REFUSED: &[&str] = &[
        "",
        " ",
        "\u{feff}1",
        "01",
        "-",
        "1.",
        ".5",
        "1e",
        "1e+",
        "+1",
        "-NaN",
        "nan",
        "-Inf",
        "[1,]",
        "{\"a\":1,}",
        "{,}",
        "{a:1}",
        "{'a':1}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\" 1}",
        "[1 2]",
        "[1",
        "{\"a\":1",
        "]",
        "[}",
        "{]",
        "[1}",
        "1 2",
        "\"abc",
        "\"a\nb\"",
        "\"a\u{0}b\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\",
        "1\u{a0}",
        "tru",
        "nulll",
        "1_000",
        "\u{661}",
        "0x10",
        "3,4,5",
    ];

    #[test]
    fn what_python_accepts_reads_the_same() {
        for (text, expected) in ACCEPTED {
            assert_eq!(Json::parse(text).unwrap().to_json_text(), *expected, "{text}");
        }
    }

    #[test]
    fn what_python_refuses_is_refused() {
        for text in REFUSED {
            assert!(Json::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn lone_surrogates_are_dropped_and_reported() {
        for (text, expected, lone) in [
            ("\"a\\ud800b\"", "ab", true),
            ("\"\\udc00\"", "", true),
            ("\"\\ud800\\ud83d\\ude00\"", "\u{1f600}", true),
            ("\"\\ud83d\\u0041\"", "A", true),
            ("\"\\uDBFF\\uDFFF\"", "\u{10ffff}", false),
            ("\"plain\"", "plain", false),
        ] {
            let (value, flag) = Json::parse_flagged(text).unwrap();
            assert_eq!(value.as_str(), Some(expected), "{text}");
            assert_eq!(flag, lone, "{text}");
        }
    }

    #[test]
    fn integers_are_exact_up_to_pythons_digit_limit() {
        let digits = "9".repeat(4300);
        assert_eq!(Json::parse(&digits).unwrap().to_json_text(), digits);
        assert!(Json::parse(&format!("-{digits}")).is_ok());
        assert!(Json::parse(&"9".repeat(4301)).is_err());
        assert!(Json::parse(&format!("{}.5", "9".repeat(5000))).is_ok());
    }

    #[test]
    fn nesting_ends_at_the_limit() {
        let deep = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(Json::parse(&deep(MAX_DEPTH)).is_ok());
        assert_eq!(Json::parse(&deep(MAX_DEPTH + 1)).unwrap_err().problem, "nested too deeply");
        assert!(Json::parse(&"[".repeat(3_000_000)).is_err());
    }

    #[test]
    fn an_error_tells_where() {
        let error = Json::parse("{\"a\": tru}").unwrap_err();
        assert_eq!(error.to_string(), "expected a value at byte 6");
    }
}
