//! Points in time as the chain and PostgreSQL know them: microseconds, UTC.

use std::{cmp::Ordering, fmt};

use chrono::{DateTime, Utc};

/// Microseconds from the Unix epoch to 2000-01-01, where PostgreSQL's times begin.
const EPOCH_MICROS: i64 = 946_684_800_000_000;
/// Microseconds of a day.
const DAY_MICROS: i64 = 86_400_000_000;

/// Microseconds since 1970-01-01T00:00:00Z. Stored in `timestamp` columns as UTC without a zone.
///
/// PostgreSQL counts from the year 2000, so its years go thirty further than the sum can: those last
/// ones are kept as what it wraps to, and order and text take them for what they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
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

    /// The time `micros` microseconds after 2000-01-01, as PostgreSQL counts.
    pub const fn from_since_2000(micros: i64) -> Self {
        Self(micros.wrapping_add(EPOCH_MICROS))
    }

    /// Microseconds since the Unix epoch.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Microseconds since 2000-01-01, as PostgreSQL counts.
    pub const fn since_2000(self) -> i64 {
        self.0.wrapping_sub(EPOCH_MICROS)
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

    /// Whether a `timestamp` column holds it: 4714-11-24 BC to 294276-12-31, or an infinity.
    pub const fn is_storable(self) -> bool {
        let since_2000 = self.since_2000();
        since_2000 == i64::MIN
            || since_2000 == i64::MAX
            || -211_813_488_000_000_000 <= since_2000 && since_2000 < 9_223_371_331_200_000_000
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

impl Ord for Timestamp {
    fn cmp(&self, other: &Self) -> Ordering {
        self.since_2000().cmp(&other.since_2000())
    }
}

impl PartialOrd for Timestamp {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 with a `Z`, the fraction only where there is one. Years beyond four digits are as
    /// long as they are, and those before the first end in ` BC`: PostgreSQL reads both.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since_2000 = self.since_2000();
        let (year, month, day) = civil(since_2000.div_euclid(DAY_MICROS));
        let (year, era) = if year > 0 { (year, "") } else { (1 - year, " BC") };
        let clock = since_2000.rem_euclid(DAY_MICROS);
        let (second, micros) = (clock / 1_000_000, clock % 1_000_000);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        if micros != 0 {
            write!(f, ".{micros:06}")?;
        }
        write!(f, "Z{era}")
    }
}

/// Year (0 is 1 BC), month and day of a day of the Gregorian calendar, counted from 2000-01-01.
const fn civil(day: i64) -> (i64, i64, i64) {
    // Years that begin in March, of which every four hundred have the same number of days.
    const DAYS_TO_MARCH: i64 = 60;
    const DAYS_OF_400_YEARS: i64 = 146_097;
    let day = day - DAYS_TO_MARCH;
    let (cycle, day) = (day.div_euclid(DAYS_OF_400_YEARS), day.rem_euclid(DAYS_OF_400_YEARS));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (2000 + cycle * 400 + year + next, month, day_of_month)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_of_a_column_has_its_text_and_its_place() {
        let times = [
            (-211_813_488_000_000_000, "4714-11-24T00:00:00Z BC"),
            (-63_082_281_600_000_001, "0001-12-31T23:59:59.999999Z BC"),
            (-63_082_281_600_000_000, "0001-01-01T00:00:00Z"),
            (-EPOCH_MICROS, "1970-01-01T00:00:00Z"),
            (0, "2000-01-01T00:00:00Z"),
            (5_097_600_000_000 + 500_000, "2000-02-29T00:00:00.500000Z"),
            (252_455_616_000_000_000, "10000-01-01T00:00:00Z"),
            (9_223_371_331_199_000_000, "294276-12-31T23:59:59Z"),
        ];
        for (micros, text) in times {
            let time = Timestamp::from_since_2000(micros);
            assert_eq!(time.to_string(), text);
            assert!(time.is_storable(), "{text}");
        }
        assert!(times.map(|(micros, _)| Timestamp::from_since_2000(micros)).is_sorted());
        for micros in [-211_813_488_000_000_001, 9_223_371_331_200_000_000] {
            assert!(!Timestamp::from_since_2000(micros).is_storable());
        }
    }

    #[test]
    fn the_calendar_is_the_librarys() {
        for day in (-2_000_000..2_000_000).step_by(97) {
            let time = Timestamp::from_since_2000(day * DAY_MICROS);
            let expected = time.to_datetime().map(|time| time.format("%Y-%m-%d").to_string());
            let text = time.to_string();
            if (1..=9999).contains(&civil(day).0) {
                assert_eq!(text.split('T').next().map(str::to_owned), expected);
            }
        }
    }
}
