//! Points in time as the chain and PostgreSQL know them: microseconds, UTC.

use std::fmt;

use chrono::{DateTime, Utc};

/// Microseconds since 1970-01-01T00:00:00Z. Stored in `timestamp` columns as UTC without a zone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The time `micros` microseconds after the Unix epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// The time `seconds` seconds after the Unix epoch.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds * 1_000_000)
    }

    /// Microseconds since the Unix epoch.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, rounded down.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// The same time without its fraction of a second, as entity rows store it.
    #[must_use]
    pub const fn truncated_to_seconds(self) -> Self {
        Self::from_seconds(self.seconds())
    }

    /// Whether a `timestamp` column holds it: 4714-11-24 BC to 294276-12-31. Such columns count
    /// from the year 2000, so they go thirty years further than this type; those last years are kept
    /// as what the sum wraps to.
    pub const fn is_storable(self) -> bool {
        let since_2000 = self.0.wrapping_sub(946_684_800_000_000);
        -211_813_488_000_000_000 <= since_2000 && since_2000 < 9_223_371_331_200_000_000
    }

    /// The calendar form, or `None` outside chrono's range of about ±262,000 years.
    pub fn to_datetime(self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp_micros(self.0)
    }
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(value: DateTime<Utc>) -> Self {
        Self(value.timestamp_micros())
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 with a `Z`, the fraction only where there is one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_datetime() {
            Some(at) if self.0.rem_euclid(1_000_000) == 0 => {
                write!(f, "{}", at.format("%Y-%m-%dT%H:%M:%SZ"))
            }
            Some(at) => write!(f, "{}", at.format("%Y-%m-%dT%H:%M:%S%.6fZ")),
            None => write!(f, "{}us", self.0),
        }
    }
}
