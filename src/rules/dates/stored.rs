//! What PostgreSQL makes of a date text that goes into a `timestamp` column as it is
//! (handlers-c 4.1): the wall clock is stored, the offset is read and dropped.
//!
//! The accepted forms were learned by giving PostgreSQL 15 every form that Python's
//! `fromisoformat` accepts. Left out, as if refused: separators and stray characters that
//! PostgreSQL would take for the name of a time zone.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::calendar;
use crate::model::Timestamp;

/// A date, one separating character, a time, an offset.
static TEXT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"\A(?:(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)(?:\z|[/:]|(?s:(?P<other>.)))",
        r"|(?P<year8>\d{4})(?P<month8>\d\d)(?P<day8>\d\d)(?:\z|(?s:(?P<other8>.))))(?P<time>.*)\z",
    ))
    .expect("the pattern is constant")
});

static TIME: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"\A(?:(?P<h>\d\d):(?:(?P<m>\d\d)(?::(?P<s>\d\d)?)?)?(?:\.(?P<f>\d*))?",
        r"|(?P<hh>\d\d)(?P<mm>\d\d)(?P<ss>\d\d)?(?:\.(?P<ff>\d+))?)(?P<blank> )?(?P<zone>.*)\z",
    ))
    .expect("the pattern is constant")
});

static ZONE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\A(?:[Zz]|[+-](?:0\d|1[0-5])(?::?[0-5]\d|:[0-5]\d:[0-5]\d)?)?\z")
        .expect("the pattern is constant")
});

/// What PostgreSQL steps over between date and time; after a dashed date also `/` and `:`.
const SEPARATORS: &str = "Tt \t\n\r\u{b}\u{c}\"'(,;@_";

/// The value a `timestamp` column gets for the text; `None` where PostgreSQL refuses it (poison):
/// week dates, hours alone, a comma before the fraction, offsets of 16 hours and more.
pub fn stored_timestamp(text: &str) -> Option<Timestamp> {
    let found = TEXT.captures(text)?;
    let part = |name: &str| number(&found, name);
    let (year, month, day) = match part("year") {
        Some(year) => (year, part("month")?, part("day")?),
        None => (part("year8")?, part("month8")?, part("day8")?),
    };
    let separator = found.name("other").or_else(|| found.name("other8"));
    if separator.is_some_and(|character| !SEPARATORS.contains(character.as_str())) {
        return None;
    }
    let date = calendar::date(year, month, day)?;
    let midnight = calendar::wall_clock_micros(date, [0, 0, 0], 0)?;
    let time = match found.name("time")?.as_str() {
        "" => 0,
        time => time_of_day(&TIME.captures(time)?)?,
    };
    Some(Timestamp::from_micros(midnight + time))
}

fn number(found: &Captures<'_>, name: &str) -> Option<u32> {
    found.name(name)?.as_str().parse().ok()
}

/// Microseconds since midnight; rounding up may give a whole day.
fn time_of_day(found: &Captures<'_>) -> Option<i64> {
    let part = |name: &str| number(found, name);
    let zone = found.name("zone")?.as_str();
    let fraction = found.name("f").or_else(|| found.name("ff")).map(|digits| digits.as_str());
    if !ZONE.is_match(zone) {
        return None;
    }
    let [hour, minute, second] = match (part("h"), part("hh")) {
        // `10:30.5` is minutes and seconds to PostgreSQL; hours need their minutes.
        (Some(minute), _) if fraction.is_some() && part("s").is_none() => [0, minute, part("m")?],
        (Some(hour), _) => [hour, part("m").unwrap_or(0), part("s").unwrap_or(0)],
        (None, hour) => {
            // Directly after plain digits a dash starts another date field.
            let dash = zone.starts_with('-') && zone.contains(':');
            if dash && fraction.is_none() && found.name("blank").is_none() {
                return None;
            }
            [hour?, part("mm")?, part("ss").unwrap_or(0)]
        }
    };
    let whole_day = [hour, minute, second] == [24, 0, 0] && fraction.is_none();
    if !(hour < 24 || whole_day) || minute > 59 || second > 60 {
        return None;
    }
    let seconds = i64::from(hour * 3600 + minute * 60 + second);
    Some(seconds * 1_000_000 + fraction_micros(fraction.unwrap_or("")))
}

/// A fraction of a second rounded half to even, as PostgreSQL does in floating point.
fn fraction_micros(digits: &str) -> i64 {
    let fraction: f64 = format!("0.{digits}").parse().unwrap_or(0.0);
    super::to_i64((fraction * 1e6).round_ties_even())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2035-01-02T00:00:00Z.
    const DAY: i64 = 2_051_308_800_000_000;

    #[test]
    fn the_wall_clock_is_stored_whatever_the_offset() {
        for (text, micros) in [
            ("2035-01-02", 0),
            ("20350102", 0),
            ("2035-01-02T10:30:15+02:00", 37_815_000_000),
            ("2035-01-02T10:30:15-15:59:59", 37_815_000_000),
            ("2035-01-02 10:30:15 Z", 37_815_000_000),
            ("2035-01-02T10:30", 37_800_000_000),
            ("2035-01-02T1030", 37_800_000_000),
            ("2035-01-02T103015-0200", 37_815_000_000),
            ("2035-01-02/103015.5-02:00", 37_815_500_000),
            ("20350102T1030.5", 37_800_500_000),
            ("2035-01-02T10:30.5", 630_500_000),
            ("2035-01-02T10:+00", 36_000_000_000),
            ("2035-01-02T10:30:15.1234567", 37_815_123_457),
            ("2035-01-02T10:30:15.1234565", 37_815_123_456),
            ("2035-01-02T23:59:59.9999999", 86_400_000_000),
            ("2035-01-02_00:00", 0),
        ] {
            let expected = Some(Timestamp::from_micros(DAY + micros));
            assert_eq!(stored_timestamp(text), expected, "{text}");
        }
    }

    #[test]
    fn forms_only_python_reads_are_refused() {
        for text in [
            "2035-W01-2",
            "2035W012",
            "2035W01",
            "2035-01-02T10",
            "2035-01-02T10Z",
            "2035-01-02T10.5",
            "2035-01-02T10:30:15,5",
            "2035-01-02T10:30:15:5",
            "2035-01-02T1030155",
            "2035-01-02T10:30+16:00",
            "2035-01-02T10:30+023015",
            "2035-01-02T10:30+02.5",
            "2035-01-02T1030-02:00",
            "2035-01-02é10:30",
            "20350102/1030",
            "2035-01-02T25:00",
            "2035-01-02T10:60",
            "2035-01-02T10:30:61",
            "2035-02-29",
            "2035-01-02T10:30\0",
        ] {
            assert_eq!(stored_timestamp(text), None, "{text:?}");
        }
    }
}
