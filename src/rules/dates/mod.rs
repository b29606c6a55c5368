//! Texts and numbers that the reference reads as dates and integers.

use crate::model::{Json, Timestamp};

mod calendar;
mod database;
mod go_release;
mod iso;
mod release;
mod rfc3339;
mod stored;

pub use database::{a_month_before, hour_of, month_of, timestamp_text};
pub use go_release::go_release_date;
pub use iso::{IsoDate, from_isoformat};
pub use release::{ReleaseDate, parse_release_date, release_date};
pub use rfc3339::{GoTime, Unstorable, rfc3339, wall_clock};
pub use stored::stored_timestamp;

use super::unicode;

/// Python refuses to read longer integers from text.
const MAX_INT_DIGITS: usize = 4300;

/// Seconds of 0001-01-01, the first day Python knows.
const MIN_SECONDS: i64 = -62_135_596_800;

/// Seconds of 9999-12-31T23:59:59, the last second Python knows.
const MAX_SECONDS: i64 = 253_402_300_799;

/// The last and first second that the C library can turn into a calendar date.
const C_LIBRARY_SECONDS: std::ops::RangeInclusive<i64> =
    -67_768_040_609_740_800..=67_768_036_191_676_799;

/// Why a number of seconds is no date to Python.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateRange {
    /// `ValueError`: outside the years 1 to 9999, or `NaN`.
    Year,
    /// `OverflowError` or `OSError`: beyond what the C library takes.
    Overflow,
}

/// Python's `int(text)`: white space around, a sign, digits of any script with single underscores
/// between them (handlers-a 0.10 "Integer timestamps"). Gives [`Json::Int`] or [`Json::Big`];
/// `None` is Python's `ValueError`.
pub fn python_int(text: &str) -> Option<Json> {
    // Not `unicode::is_space`: int() does not strip U+001C to U+001F.
    let text = text.trim_matches(char::is_whitespace);
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut plain = String::with_capacity(digits.len() + 1);
    let mut after_digit = false;
    for character in digits.chars() {
        if character == '_' && after_digit {
            after_digit = false;
            continue;
        }
        plain.push(char::from(b'0' + unicode::decimal_digit(character)?));
        after_digit = true;
    }
    if !after_digit || plain.len() > MAX_INT_DIGITS {
        return None;
    }
    let significant = plain.trim_start_matches('0');
    let sign = if negative && !significant.is_empty() { "-" } else { "" };
    let canonical = format!("{sign}{}", if significant.is_empty() { "0" } else { significant });
    Some(canonical.parse().map_or(Json::Big(canonical), Json::Int))
}

/// Python's `datetime.utcfromtimestamp(seconds)` of a number or boolean; floats are rounded half
/// to even to the microsecond. `None` is the `TypeError` of a value that is no number.
pub fn utc_from_timestamp(seconds: &Json) -> Option<Result<Timestamp, DateRange>> {
    match seconds {
        Json::Big(_) => Some(Err(DateRange::Overflow)),
        Json::Float(seconds) => Some(utc_from_float(*seconds)),
        other => other.as_i64_or_bool().map(utc_from_seconds),
    }
}

/// [`utc_from_timestamp`] of whole seconds.
///
/// # Errors
/// Which limit of Python's dates the number exceeds.
pub fn utc_from_seconds(seconds: i64) -> Result<Timestamp, DateRange> {
    if (MIN_SECONDS..=MAX_SECONDS).contains(&seconds) {
        Ok(Timestamp::from_seconds(seconds))
    } else if C_LIBRARY_SECONDS.contains(&seconds) {
        Err(DateRange::Year)
    } else {
        Err(DateRange::Overflow)
    }
}

fn utc_from_float(seconds: f64) -> Result<Timestamp, DateRange> {
    /// 2^63; every float below is a valid 64-bit integer once cut.
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if seconds.is_nan() {
        return Err(DateRange::Year);
    }
    if !(-LIMIT..LIMIT).contains(&seconds) {
        return Err(DateRange::Overflow);
    }
    let mut micros = (seconds.fract() * 1e6).round_ties_even();
    let mut whole = seconds.trunc();
    if micros >= 1e6 {
        whole += 1.0;
        micros -= 1e6;
    } else if micros < 0.0 {
        whole -= 1.0;
        micros += 1e6;
    }
    let start = utc_from_seconds(to_i64(whole))?;
    Ok(Timestamp::from_micros(start.micros() + to_i64(micros)))
}

#[expect(clippy::cast_possible_truncation, reason = "callers pass integral floats in range")]
const fn to_i64(value: f64) -> i64 {
    value as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_read_as_python_reads_them() {
        for (text, expected) in [
            ("1706263200", "1706263200"),
            (" 5 ", "5"),
            ("\u{85}5\u{3000}", "5"),
            ("5\u{b}", "5"),
            ("+5", "5"),
            ("-٣", "-3"),
            ("007", "7"),
            ("-0", "0"),
            ("1_000", "1000"),
            ("٣_9", "39"),
            ("99999999999999999999", "99999999999999999999"),
            ("-00099999999999999999999", "-99999999999999999999"),
        ] {
            assert_eq!(python_int(text).unwrap().to_json_text(), expected, "{text}");
        }
        for text in
            ["", " ", "+", "+ 5", "0x5", "1__0", "_1", "1_", "²", "5\0", "1.0", "\u{1c}5", "1e3"]
        {
            assert!(python_int(text).is_none(), "{text:?}");
        }
        assert!(python_int(&"9".repeat(4301)).is_none());
    }

    #[test]
    fn seconds_become_dates_within_pythons_years() {
        let of = |text: &str| utc_from_timestamp(&Json::parse(text).unwrap());
        assert_eq!(of("0"), Some(Ok(Timestamp::from_seconds(0))));
        assert_eq!(of("true"), Some(Ok(Timestamp::from_seconds(1))));
        assert_eq!(of("-62135596800"), Some(Ok(Timestamp::from_seconds(-62_135_596_800))));
        assert_eq!(of("-62135596801"), Some(Err(DateRange::Year)));
        assert_eq!(of("253402300799"), Some(Ok(Timestamp::from_seconds(253_402_300_799))));
        assert_eq!(of("253402300800"), Some(Err(DateRange::Year)));
        assert_eq!(of("67768036191676799"), Some(Err(DateRange::Year)));
        assert_eq!(of("67768036191676800"), Some(Err(DateRange::Overflow)));
        assert_eq!(of("99999999999999999999"), Some(Err(DateRange::Overflow)));
        assert_eq!(of("1.5"), Some(Ok(Timestamp::from_micros(1_500_000))));
        assert_eq!(of("-0.25"), Some(Ok(Timestamp::from_micros(-250_000))));
        assert_eq!(of("1.9999999"), Some(Ok(Timestamp::from_micros(2_000_000))));
        assert_eq!(of("-0.0000001"), Some(Ok(Timestamp::from_micros(0))));
        assert_eq!(of("NaN"), Some(Err(DateRange::Year)));
        assert_eq!(of("Infinity"), Some(Err(DateRange::Overflow)));
        assert_eq!(of("1e300"), Some(Err(DateRange::Overflow)));
        assert_eq!(of("\"5\""), None);
        assert_eq!(of("null"), None);
    }
}
