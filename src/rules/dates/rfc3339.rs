//! RFC 3339 as Go's `time.Parse` reads it, and as PostgreSQL reads the same text afterwards
//! (social.md 5.1, frame.md 7.1).
//!
//! Go is lenient in a few places: the hour may have one digit, a comma may begin the fraction, and
//! an offset may say 24 hours or 60 minutes. Letters and separators are exact.

use chrono::NaiveDate;

use crate::model::Timestamp;

/// A text that Go takes for a point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GoTime<'a> {
    /// Seconds of the wall clock, as if it were UTC.
    wall: i64,
    /// Digits of the fraction of a second; may be empty.
    fraction: &'a str,
    /// The fraction begins with a comma.
    has_comma: bool,
    /// What the wall clock is ahead of UTC, in seconds; 0 without a zone.
    offset: i64,
    /// Bytes of the whole text.
    length: usize,
}

/// Why PostgreSQL does not take the text of a [`GoTime`] for a `timestamp`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unstorable {
    /// 22007: the form is not its own.
    Form,
    /// 22008: there is no year 0.
    Range,
    /// 22009: an offset of 16 hours or more.
    Offset,
}

/// PostgreSQL takes no longer texts.
const LENGTH_LIMIT: usize = 149;

/// The first second of the year 1.
const YEAR_ONE: i64 = -62_135_596_800;

impl GoTime<'_> {
    /// The point in time, cut to the microsecond.
    pub fn instant(&self) -> Timestamp {
        Timestamp::from_micros((self.wall - self.offset) * 1_000_000 + self.cut_micros())
    }

    /// The wall clock cut to the microsecond, what is left where the driver drops the offset.
    pub fn wall_clock(&self) -> Timestamp {
        Timestamp::from_micros(self.wall * 1_000_000 + self.cut_micros())
    }

    /// What a `timestamp` column makes of the text itself: the wall clock, its fraction rounded.
    ///
    /// # Errors
    /// What PostgreSQL objects to.
    pub fn stored(&self) -> Result<Timestamp, Unstorable> {
        if self.has_comma || self.length > LENGTH_LIMIT {
            return Err(Unstorable::Form);
        }
        if self.wall < YEAR_ONE {
            return Err(Unstorable::Range);
        }
        let minutes = self.offset.abs() / 60;
        if minutes >= 16 * 60 {
            return Err(Unstorable::Offset);
        }
        Ok(Timestamp::from_micros(self.wall * 1_000_000 + self.rounded_micros()))
    }

    fn cut_micros(&self) -> i64 {
        let digits = self.fraction.bytes().chain(std::iter::repeat(b'0')).take(6);
        digits.fold(0, |micros, digit| micros * 10 + i64::from(digit - b'0'))
    }

    fn rounded_micros(&self) -> i64 {
        let fraction: f64 = format!("0.{}", self.fraction).parse().unwrap_or_default();
        #[expect(clippy::cast_possible_truncation, reason = "from 0 to a million, and whole")]
        let micros = (fraction * 1e6).round_ties_even() as i64;
        micros
    }
}

/// Reads `2006-01-02T15:04:05Z07:00` with any fraction.
pub fn rfc3339(text: &str) -> Option<GoTime<'_>> {
    let (time, zone) = clock(text, b'T')?;
    Some(GoTime { offset: offset(zone)?, ..time })
}

/// Reads `2006-01-02T15:04:05` with any fraction and this separator, but without a zone.
pub fn wall_clock(text: &str, separator: u8) -> Option<GoTime<'_>> {
    let (time, rest) = clock(text, separator)?;
    rest.is_empty().then_some(time)
}

/// Date and time, and the text after them.
fn clock(text: &str, separator: u8) -> Option<(GoTime<'_>, &str)> {
    let length = text.len();
    let (year, text) = digits(text, 4)?;
    let (month, text) = digits(text.strip_prefix('-')?, 2)?;
    let (day, text) = digits(text.strip_prefix('-')?, 2)?;
    let text = text.strip_prefix(char::from(separator))?;
    let (hour, text) = digits(text, 2).or_else(|| digits(text, 1))?;
    let (minute, text) = digits(text.strip_prefix(':')?, 2)?;
    let (second, text) = digits(text.strip_prefix(':')?, 2)?;
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
    let wall = date.and_hms_opt(hour, minute, second)?.and_utc().timestamp();
    let (fraction, text) = fraction(text);
    let has_comma = fraction.starts_with(',');
    let fraction = fraction.get(1..).unwrap_or_default();
    Some((GoTime { wall, fraction, has_comma, offset: 0, length }, text))
}

/// A number of `count` digits, and the text after it.
fn digits(text: &str, count: usize) -> Option<(u32, &str)> {
    let (number, rest) = text.split_at_checked(count)?;
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| number.parse().ok()).flatten().map(|number| (number, rest))
}

/// A fraction with its separator, if there is one, and the text after it.
fn fraction(text: &str) -> (&str, &str) {
    let Some(digits) = text.strip_prefix(['.', ',']) else { return ("", text) };
    let count = digits.bytes().take_while(u8::is_ascii_digit).count();
    if count == 0 { ("", text) } else { text.split_at(1 + count) }
}

/// `Z` or `±hh:mm`, in seconds.
fn offset(zone: &str) -> Option<i64> {
    if zone == "Z" {
        return Some(0);
    }
    let sign = match zone.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, rest) = digits(&zone[1..], 2)?;
    let (minutes, rest) = digits(rest.strip_prefix(':')?, 2)?;
    let is_valid = hours <= 24 && minutes <= 60 && rest.is_empty();
    is_valid.then(|| sign * (i64::from(hours) * 3600 + i64::from(minutes) * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(text: &str) -> Option<Result<String, Unstorable>> {
        let time = rfc3339(text).or_else(|| wall_clock(text, b'T'))?;
        Some(time.stored().map(|time| time.to_string()))
    }

    #[test]
    fn what_go_accepts_is_stored_without_its_offset() {
        for (text, expected) in [
            ("2035-01-01T10:00:00Z", "2035-01-01T10:00:00Z"),
            ("2035-01-01T10:00:00+02:00", "2035-01-01T10:00:00Z"),
            ("2035-01-01T10:00:00-15:59", "2035-01-01T10:00:00Z"),
            ("2035-01-01T1:00:00", "2035-01-01T01:00:00Z"),
            ("2035-01-01T10:00:00.123456789Z", "2035-01-01T10:00:00.123457Z"),
            ("2035-12-31T23:59:59.9999999", "2036-01-01T00:00:00Z"),
        ] {
            assert_eq!(stored(text), Some(Ok(expected.into())), "{text}");
        }
    }

    #[test]
    fn what_postgres_refuses_is_told_apart() {
        for (text, expected) in [
            ("2035-01-01T10:00:00,5Z", Unstorable::Form),
            ("2035-01-01T10:00:00+24:00", Unstorable::Offset),
            ("2035-01-01T10:00:00-16:00", Unstorable::Offset),
            ("0000-01-01T10:00:00Z", Unstorable::Range),
        ] {
            assert_eq!(stored(text), Some(Err(expected)), "{text}");
        }
        let long = |digits| stored(&format!("2035-01-01T10:00:00.{}", "1".repeat(digits)));
        assert!(long(100).unwrap().is_ok());
        assert_eq!(long(200), Some(Err(Unstorable::Form)));
    }

    #[test]
    fn other_forms_are_no_times() {
        for text in [
            "2035-01-01",
            "2035-01-01 10:00:00",
            "2035-01-01t10:00:00Z",
            "2035-01-01T10:00:00z",
            "2035-01-01T10:00:00+0200",
            "2035-01-01T10:00:00+25:00",
            "2035-01-01T24:00:00Z",
            "2035-01-01T10:00:60Z",
            "2035-01-01T10:0:00Z",
            "2035-02-29T10:00:00Z",
            "2035-01-01T10:00:00.Z",
            "+035-01-01T10:00:00Z",
            "2035-01-01T10:00:00Z ",
            "",
        ] {
            assert_eq!(stored(text), None, "{text}");
        }
    }

    #[test]
    fn an_instant_is_cut_to_the_microsecond() {
        let time = rfc3339("2035-01-01T10:00:00.1234569+02:00").unwrap();
        assert_eq!(time.instant().to_string(), "2035-01-01T08:00:00.123456Z");
        assert_eq!(time.wall_clock().to_string(), "2035-01-01T10:00:00.123456Z");
        assert!(wall_clock("2035-01-01 10:00:00", b' ').is_some());
    }
}
