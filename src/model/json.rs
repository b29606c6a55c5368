//! JSON values with the reference's (Python's) reading of them.

/// A JSON value as Python's `json` module reads it.
///
/// Integers are exact at any size, `NaN` and the infinities exist, objects keep the order of first
/// insertion and the last value of a repeated key.
#[derive(Clone, Debug)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer that fits 64 bits.
    Int(i64),
    /// An integer that does not: its decimal digits with an optional leading minus.
    Big(String),
    /// A number with a fraction or an exponent, or `NaN`, `Infinity`, `-Infinity`.
    Float(f64),
    /// Text. Lone surrogates were dropped on parsing.
    Str(String),
    /// An array.
    List(Vec<Json>),
    /// An object.
    Object(Object),
}

/// A JSON object: Python `dict` semantics over insertion order.
#[derive(Clone, Debug, Default)]
pub struct Object(Vec<(String, Json)>);

/// Why a text is not JSON: the byte offset and what was expected there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// Byte offset into the text.
    pub offset: usize,
    /// What is wrong, as a lower-case fragment.
    pub problem: &'static str,
}
