//! Keys of rows and of lookups: short tuples of integers and texts.

use std::fmt;

use smallvec::SmallVec;

/// One component of a [`Key`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyPart {
    /// Integers of every width, and timestamps as microseconds.
    Int(i64),
    /// Texts and enum labels.
    Text(Box<str>),
}

/// The natural key of a row, or the value of a lookup.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(SmallVec<[KeyPart; 2]>);

impl Key {
    /// A key of the given parts, in the order of the key columns.
    pub fn from_parts(parts: impl IntoIterator<Item = KeyPart>) -> Self {
        Self(parts.into_iter().collect())
    }

    /// A key of the given parts if none of them is missing.
    pub fn of_all(parts: impl IntoIterator<Item = Option<KeyPart>>) -> Option<Self> {
        parts.into_iter().collect::<Option<_>>().map(Self)
    }

    /// The components in the order of the key columns.
    pub fn parts(&self) -> &[KeyPart] {
        &self.0
    }

    /// Approximate heap and inline size in bytes, for the memory budget.
    pub fn size(&self) -> usize {
        let heap: usize = self
            .0
            .iter()
            .map(|part| match part {
                KeyPart::Int(_) => 0,
                KeyPart::Text(text) => text.len(),
            })
            .sum();
        size_of::<Self>() + heap
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(")?;
        for (i, part) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            match part {
                KeyPart::Int(value) => write!(f, "{value}")?,
                KeyPart::Text(value) => write!(f, "{value:?}")?,
            }
        }
        f.write_str(")")
    }
}

impl From<i64> for KeyPart {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<bool> for KeyPart {
    fn from(value: bool) -> Self {
        Self::Int(value.into())
    }
}

impl From<&str> for KeyPart {
    fn from(value: &str) -> Self {
        Self::Text(value.into())
    }
}

impl From<&String> for KeyPart {
    fn from(value: &String) -> Self {
        Self::Text(value.as_str().into())
    }
}

impl From<String> for KeyPart {
    fn from(value: String) -> Self {
        Self::Text(value.into())
    }
}

impl From<super::Timestamp> for KeyPart {
    fn from(value: super::Timestamp) -> Self {
        Self::Int(value.micros())
    }
}

macro_rules! key_from {
    ($($single:ty),*) => {$(
        impl From<$single> for Key {
            fn from(value: $single) -> Self {
                Self(SmallVec::from_iter([KeyPart::from(value)]))
            }
        }
    )*};
}
key_from!(i64, &str, &String, String);

impl<A: Into<KeyPart>, B: Into<KeyPart>> From<(A, B)> for Key {
    fn from((a, b): (A, B)) -> Self {
        Self(SmallVec::from_iter([a.into(), b.into()]))
    }
}

impl<A: Into<KeyPart>, B: Into<KeyPart>, C: Into<KeyPart>> From<(A, B, C)> for Key {
    fn from((a, b, c): (A, B, C)) -> Self {
        Self(SmallVec::from_iter([a.into(), b.into(), c.into()]))
    }
}
