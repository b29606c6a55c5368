//! JSON values with the reference's (Python's) reading of them.
//!
//! Nothing here recurses over a value, so parsing, cloning, comparing, rendering and dropping are
//! safe on any stack for every value the parser accepts (nesting up to [`MAX_DEPTH`]).

use std::fmt;

mod equality;
mod go;
mod number;
mod object;
mod parse;
mod render;
mod text;
mod walk;

pub use number::float_repr;
pub use object::Object;
pub use parse::{MAX_DEPTH, ParseError};
pub use render::NotStorable;
pub use text::{numeric_text, python_str};

/// A JSON value as Python's `json` module reads it.
///
/// Integers are exact at any size, `NaN` and the infinities exist, objects keep the order of first
/// insertion and the last value of a repeated key.
///
/// `==` is equality of the stored `jsonb` values: numbers by the decimal value PostgreSQL keeps
/// (`1` equals `1.0`), objects without regard to order. Python's `==` is [`Json::python_eq`].
#[derive(Default)]
pub enum Json {
    /// `null`.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer that fits 64 bits.
    Int(i64),
    /// An integer that does not: its decimal digits with an optional leading minus. Also another
    /// number whose digits all count ([`Json::parse_exact`]).
    Big(String),
    /// A number with a fraction or an exponent, or `NaN`, `Infinity`, `-Infinity`.
    Float(f64),
    /// Text. Lone surrogates were dropped on parsing.
    Str(String),
    /// An array.
    List(Vec<Self>),
    /// An object.
    Object(Object),
}

/// The type of a value as Python sees it; integers of any size are one type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `None`.
    Null,
    /// `bool`.
    Bool,
    /// `int`.
    Int,
    /// `float`.
    Float,
    /// `str`.
    Str,
    /// `list`.
    List,
    /// `dict`.
    Object,
}

impl Json {
    /// The Python type of the value.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Null => Kind::Null,
            Self::Bool(_) => Kind::Bool,
            Self::Int(_) | Self::Big(_) => Kind::Int,
            Self::Float(_) => Kind::Float,
            Self::Str(_) => Kind::Str,
            Self::List(_) => Kind::List,
            Self::Object(_) => Kind::Object,
        }
    }

    /// Python's `bool(value)`: null, false, zero and everything empty are false; `NaN` is true.
    pub fn truthy(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Bool(value) => *value,
            Self::Int(value) => *value != 0,
            Self::Big(_) => true,
            Self::Float(value) => *value != 0.0,
            Self::Str(text) => !text.is_empty(),
            Self::List(items) => !items.is_empty(),
            Self::Object(object) => !object.is_empty(),
        }
    }

    /// Whether Python can look it up in a set or a `dict`.
    pub const fn is_hashable(&self) -> bool {
        !matches!(self, Self::List(_) | Self::Object(_))
    }

    /// Whether this is `null`.
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Whether this is an integer of any size; booleans are not.
    pub const fn is_int(&self) -> bool {
        matches!(self, Self::Int(_) | Self::Big(_))
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }

    /// An integer of 64 bits; not a boolean, not a float, not a bigger integer.
    pub const fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(*value),
            _ => None,
        }
    }

    /// An integer of 64 bits where Python's `isinstance(value, int)` passes: booleans are 0 and 1.
    pub const fn as_i64_or_bool(&self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(*value),
            Self::Bool(value) => Some(*value as i64),
            _ => None,
        }
    }

    /// A number as a float, rounded to nearest; not a boolean.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Int(value) => Some(number::int_as_f64(*value)),
            Self::Big(digits) => digits.parse().ok(),
            Self::Float(value) => Some(*value),
            _ => None,
        }
    }

    /// `true` or `false`.
    pub const fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The object.
    pub const fn as_object(&self) -> Option<&Object> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The items of an array.
    pub fn as_list(&self) -> Option<&[Self]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// `self[key]` where `self` is an object that has the key.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.as_object()?.get(key)
    }

    /// Takes the value out and leaves `null`: variants cannot be moved out of by a pattern.
    #[must_use]
    pub const fn take(&mut self) -> Self {
        std::mem::replace(self, Self::Null)
    }

    /// The text of a string, by value.
    pub fn into_string(mut self) -> Option<String> {
        match &mut self {
            Self::Str(text) => Some(std::mem::take(text)),
            _ => None,
        }
    }

    /// The items of an array, by value.
    pub fn into_list(mut self) -> Option<Vec<Self>> {
        match &mut self {
            Self::List(items) => Some(std::mem::take(items)),
            _ => None,
        }
    }

    /// The object, by value.
    pub fn into_object(mut self) -> Option<Object> {
        match &mut self {
            Self::Object(object) => Some(std::mem::take(object)),
            _ => None,
        }
    }

    /// An object of the given entries, in order.
    pub fn object<K: Into<String>>(entries: impl IntoIterator<Item = (K, Self)>) -> Self {
        Self::Object(entries.into_iter().map(|(key, value)| (key.into(), value)).collect())
    }

    /// An array of the given items.
    pub fn list(items: impl IntoIterator<Item = Self>) -> Self {
        Self::List(items.into_iter().collect())
    }
}

impl From<bool> for Json {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Json {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<i32> for Json {
    fn from(value: i32) -> Self {
        Self::Int(value.into())
    }
}

impl From<f64> for Json {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Self::Str(text.to_owned())
    }
}

impl From<String> for Json {
    fn from(text: String) -> Self {
        Self::Str(text)
    }
}

impl From<Object> for Json {
    fn from(object: Object) -> Self {
        Self::Object(object)
    }
}

impl From<Vec<Self>> for Json {
    fn from(items: Vec<Self>) -> Self {
        Self::List(items)
    }
}

impl<T: Into<Self>> From<Option<T>> for Json {
    /// `None` is `null`.
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl fmt::Debug for Json {
    /// The JSON text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_json_text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn truth_is_pythons() {
        for falsy in ["null", "false", "0", "0.0", "-0.0", "\"\"", "[]", "{}"] {
            assert!(!Json::parse(falsy).unwrap().truthy(), "{falsy}");
        }
        for truthy in ["true", "1", "NaN", "99999999999999999999", "\"0\"", "[0]", "{\"\":null}"] {
            assert!(Json::parse(truthy).unwrap().truthy(), "{truthy}");
        }
    }

    #[test]
    fn a_boolean_is_an_int_only_where_asked_for() {
        assert_eq!(Json::Bool(true).as_int(), None);
        assert_eq!(Json::Bool(true).as_i64_or_bool(), Some(1));
        assert_eq!(Json::Float(5.0).as_int(), None);
        assert!(Json::Big("1".repeat(30)).is_int());
        assert_eq!(Json::Big("1".repeat(30)).kind(), Kind::Int);
    }
}
