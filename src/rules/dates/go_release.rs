//! `release_date` of tracks and playlists as the Go ETL reads it (tracks.md 6): three forms, first
//! match wins.

use chrono::NaiveDate;

use super::rfc3339;
use crate::model::Timestamp;

const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// Reads `Fri May 01 2026 00:00:00 GMT-0700`, RFC 3339, or whole seconds since the epoch.
///
/// Parity: seconds too big for microseconds in 64 bits wrap; what comes of it is a time like any
/// other, or one that no column holds (corrections, tracks.md 1).
pub fn go_release_date(text: &str) -> Option<Timestamp> {
    if let Some(time) = javascript(text) {
        return Some(time);
    }
    if let Some(time) = rfc3339(text) {
        return Some(time.instant());
    }
    let seconds: i64 = text.parse().ok()?;
    Some(Timestamp::from_micros(seconds.wrapping_mul(1_000_000)))
}

/// Go's layout `Mon Jan 02 2006 15:04:05 GMT-0700`: a blank stands for one or more, the weekday is
/// any.
fn javascript(text: &str) -> Option<Timestamp> {
    let (_, text) = name(text, &WEEKDAYS)?;
    let (month, text) = name(blank(text)?, &MONTHS)?;
    let (day, text) = digits(blank(text)?, 2)?;
    let (year, text) = digits(blank(text)?, 4)?;
    let text = blank(text)?;
    let (hour, text) = digits(text, 2).or_else(|| digits(text, 1))?;
    let (minute, text) = digits(text.strip_prefix(':')?, 2)?;
    let (second, text) = digits(text.strip_prefix(':')?, 2)?;
    let (micros, text) = fraction(text);
    let offset = offset(blank(text)?.strip_prefix("GMT")?)?;
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
    let wall = date.and_hms_opt(hour, minute, second)?.and_utc().timestamp();
    Some(Timestamp::from_micros((wall - offset) * 1_000_000 + micros))
}

/// The number of the name that a text begins with, from 1, and the text after it.
fn name<'a>(text: &'a str, names: &[&str]) -> Option<(u32, &'a str)> {
    let (name, rest) = text.split_at_checked(3)?;
    let (number, _) = (1..).zip(names).find(|(_, other)| name.eq_ignore_ascii_case(other))?;
    Some((number, rest))
}

fn blank(text: &str) -> Option<&str> {
    text.starts_with(' ').then(|| text.trim_start_matches(' '))
}

/// A number of `count` digits, and the text after it.
fn digits(text: &str, count: usize) -> Option<(u32, &str)> {
    let (number, rest) = text.split_at_checked(count)?;
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| number.parse().ok()).flatten().map(|number| (number, rest))
}

/// The microseconds of a fraction, if there is one, and the text after it.
fn fraction(text: &str) -> (i64, &str) {
    let Some(rest) = text.strip_prefix(['.', ',']) else { return (0, text) };
    let count = rest.bytes().take_while(u8::is_ascii_digit).count();
    if count == 0 {
        return (0, text);
    }
    let (fraction, rest) = rest.split_at(count);
    let six = fraction.bytes().chain(std::iter::repeat(b'0')).take(6);
    (six.fold(0, |micros, digit| micros * 10 + i64::from(digit - b'0')), rest)
}

/// `±hhmm` in seconds, and nothing after it. Go takes 24 hours and 60 minutes, too.
fn offset(zone: &str) -> Option<i64> {
    let sign = match zone.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, rest) = digits(&zone[1..], 2)?;
    let (minutes, rest) = digits(rest, 2)?;
    let is_valid = hours <= 24 && minutes <= 60 && rest.is_empty();
    is_valid.then(|| sign * (i64::from(hours) * 3600 + i64::from(minutes) * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_forms_give_utc() {
        for (text, expected) in [
            ("Fri Jan 26 2024 10:00:00 GMT-0800", "2024-01-26T18:00:00Z"),
            ("mON jAN  26 2024 9:00:00.25 GMT+2400", "2024-01-25T09:00:00.250000Z"),
            ("2024-01-26T10:00:00.5+01:00", "2024-01-26T09:00:00.500000Z"),
            ("1706263200", "2024-01-26T10:00:00Z"),
            ("+5", "1970-01-01T00:00:05Z"),
            ("-1", "1969-12-31T23:59:59Z"),
            ("1706263200000", "56039-04-30T16:00:00Z"),
            ("999999999999999", "124789-11-06T00:08:03.212736Z"),
            ("1706263200000000", "292325-11-02T21:12:01.251328Z"),
            ("9224318015999", "294276-12-31T23:59:59Z"),
            ("18235877270510", "4714-11-24T00:00:00.448384Z BC"),
            ("-210866803200", "4714-11-24T00:00:00Z BC"),
            ("-9223372036854775808", "1970-01-01T00:00:00Z"),
            ("-18446744073709", "1970-01-01T00:00:00.551616Z"),
            ("9223372036854775807", "1969-12-31T23:59:59Z"),
        ] {
            let time = go_release_date(text).map(|time| time.to_string());
            assert_eq!(time.as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_no_column_holds_is_told_apart() {
        let is_storable = |text| go_release_date(text).unwrap().is_storable();
        for text in ["9224318015999", "18235877270510", "-210866803200", "999999999999999"] {
            assert!(is_storable(text), "{text}");
        }
        for text in ["9224318016000", "18235877270509", "1706263200000000000", "-210866803201"] {
            assert!(!is_storable(text), "{text}");
        }
    }

    #[test]
    fn other_texts_are_no_date() {
        for text in [
            "",
            "2024-01-26",
            "1706263200.5",
            " 5",
            "1_000",
            "9223372036854775808",
            "Fri Jan 6 2024 10:00:00 GMT-0800",
            "Fri Jan 26 2024 10:00:00 GMT",
            "Fri Jan 26 2024 10:00:00 GMTZ",
            "Fri Jan 26 2024 10:00:00 GMT-08:00",
            "Fri Jan 26 2024 10:00:00 GMT-0800 (PST)",
            "Fri Jan 32 2024 10:00:00 GMT-0800",
            "Fri Jan 26 2024 10:0:00 GMT-0800",
            "Fri Jan 26 2024 24:00:00 GMT-0800",
            "Fri Jan 26 2024 10:00:00. GMT-0800",
            "Xxx Jan 26 2024 10:00:00 GMT-0800",
        ] {
            assert_eq!(go_release_date(text), None, "{text}");
        }
    }
}
