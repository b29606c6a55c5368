//! `release_date` of tracks and playlists (handlers-b 4.1): three formats, first match wins.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::calendar;
use crate::model::{Json, Timestamp};
use crate::rules::{Refusal, unicode};

/// What a `release_date` text says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReleaseDate {
    /// Nothing the reference understands; the column is left alone.
    NoDate,
    /// A date, in UTC.
    Date(Timestamp),
    /// A date beyond Python's range: the reference's handler fails.
    Overflow,
}

/// A JavaScript date, `Fri Jan 26 2024 10:00:00 GMT-0800`, as `strptime` reads
/// `%a %b %d %Y %H:%M:%S GMT%z`.
static JAVASCRIPT: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = concat!(
        r"(?i)\A(?:mon|tue|wed|thu|fri|sat|sun)\s+",
        r"(?P<b>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\s+",
        r"(?P<d>3[0-1]|[1-2]\d|0[1-9]|[1-9]| [1-9])\s+(?P<Y>\d\d\d\d)\s+",
        r"(?P<H>2[0-3]|[0-1]\d|\d):(?P<M>[0-5]\d|\d):(?P<S>6[0-1]|[0-5]\d|\d)\s+GMT",
        r"(?P<z>[+-]\d\d:?[0-5]\d(?::?[0-5]\d(?:\.\d{1,6})?)?|(?-i:Z))\z",
    );
    // Python's white space includes the separators U+001C to U+001F.
    Regex::new(&pattern.replace(r"\s", r"[\s\x1c-\x1f]")).expect("the pattern is constant")
});

/// `%Y-%m-%dT%H:%M:%S.%fZ`.
static ISO_WITH_FRACTION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?i)\A(?P<Y>\d\d\d\d)-(?P<m>1[0-2]|0[1-9]|[1-9])",
        r"-(?P<d>3[0-1]|[1-2]\d|0[1-9]|[1-9]| [1-9])",
        r"T(?P<H>2[0-3]|[0-1]\d|\d):(?P<M>[0-5]\d|\d):(?P<S>6[0-1]|[0-5]\d|\d)",
        r"\.(?P<f>[0-9]{1,6})Z\z",
    ))
    .expect("the pattern is constant")
});

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// Python converts a date without zone through the local one, which fails on the very first day.
const MIN_LOCAL_MICROS: i64 = -62_135_510_400_000_000;

/// The metadata value of `release_date`: falsy is no date, a text is parsed.
///
/// # Errors
/// Skip for a truthy value that is not a text, and for a date out of range.
pub fn release_date(value: &Json) -> Result<Option<Timestamp>, Refusal> {
    if !value.truthy() {
        return Ok(None);
    }
    let text = value.as_str().ok_or(Refusal::Skip("release_date_not_text"))?;
    match parse_release_date(text) {
        ReleaseDate::NoDate => Ok(None),
        ReleaseDate::Date(at) => Ok(Some(at)),
        ReleaseDate::Overflow => Err(Refusal::Skip("release_date_overflow")),
    }
}

/// Reads a `release_date` text: a JavaScript date, an ISO date with a mandatory fraction and `Z`,
/// or whole seconds since the epoch.
pub fn parse_release_date(text: &str) -> ReleaseDate {
    if let Some(found) = JAVASCRIPT.captures(text)
        && let Some(result) = javascript(&found)
    {
        return result;
    }
    if let Some(found) = ISO_WITH_FRACTION.captures(text)
        && let Some(micros) = iso_with_fraction(&found)
        && micros >= MIN_LOCAL_MICROS
    {
        return ReleaseDate::Date(Timestamp::from_micros(micros));
    }
    let Some(seconds) = super::python_int(text) else { return ReleaseDate::NoDate };
    match super::utc_from_timestamp(&seconds) {
        Some(Ok(at)) if at.micros() >= MIN_LOCAL_MICROS => ReleaseDate::Date(at),
        Some(Err(super::DateRange::Overflow)) => ReleaseDate::Overflow,
        _ => ReleaseDate::NoDate,
    }
}

fn number(text: &str) -> Option<u32> {
    let digits = unicode::strip(text).chars();
    digits
        .map(unicode::decimal_digit)
        .try_fold(0_u32, |sum, digit| sum.checked_mul(10)?.checked_add(u32::from(digit?)))
}

fn group(found: &Captures<'_>, name: &str) -> Option<u32> {
    number(found.name(name)?.as_str())
}

fn time_of_day(found: &Captures<'_>) -> Option<[u32; 3]> {
    Some([group(found, "H")?, group(found, "M")?, group(found, "S")?])
}

fn javascript(found: &Captures<'_>) -> Option<ReleaseDate> {
    let month_name = unicode::lower(found.name("b")?.as_str());
    let month = MONTHS.iter().zip(1..).find(|(name, _)| **name == month_name)?.1;
    let date = calendar::date(group(found, "Y")?, month, group(found, "d")?)?;
    let offset = zone_micros(found.name("z")?.as_str())?;
    let local = calendar::wall_clock_micros(date, time_of_day(found)?, 0)?;
    let micros = local - offset;
    Some(match super::utc_from_seconds(micros.div_euclid(1_000_000)) {
        Ok(_) => ReleaseDate::Date(Timestamp::from_micros(micros)),
        Err(_) => ReleaseDate::Overflow,
    })
}

/// The offset of a `%z` field in microseconds; `None` where the reference refuses it: colons used
/// only half, or a day and more.
fn zone_micros(zone: &str) -> Option<i64> {
    if zone == "Z" {
        return Some(0);
    }
    let negative = zone.starts_with('-');
    let (whole, fraction) = zone[1..].split_once('.').unwrap_or((&zone[1..], ""));
    let parts: Vec<u32> = if whole.contains(':') {
        let parts = whole.split(':').map(|part| (part.chars().count() == 2).then(|| number(part)));
        parts.collect::<Option<Option<Vec<_>>>>().flatten()?
    } else {
        let digits: Vec<char> = whole.chars().collect();
        digits.chunks(2).map(|pair| number(&String::from_iter(pair))).collect::<Option<_>>()?
    };
    let seconds = parts.iter().zip([3600, 60, 1]).map(|(part, unit)| i64::from(*part) * unit);
    let fraction_micros =
        number(fraction)? * 10_u32.pow(6 - u32::try_from(fraction.chars().count()).ok()?);
    let micros = seconds.sum::<i64>() * 1_000_000 + i64::from(fraction_micros);
    let within_a_day = micros < 86_400_000_000;
    within_a_day.then_some(if negative { -micros } else { micros })
}

fn iso_with_fraction(found: &Captures<'_>) -> Option<i64> {
    let date = calendar::date(group(found, "Y")?, group(found, "m")?, group(found, "d")?)?;
    let fraction = found.name("f")?.as_str();
    let micros = number(&format!("{fraction:0<6}"))?;
    calendar::wall_clock_micros(date, time_of_day(found)?, micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts and the UTC microseconds Python gives for them.
    const DATES: &[(&str, i64)] = &[
        ("Fri Jan 26 2100 00:00:00 GMT+0000", 4_104_604_800_000_000),
        ("fri jan  26 2100  0:0:0 gmt-08:00", 4_104_633_600_000_000),
        ("Fri Jan 26 2024 10:00:00 GMT-0800", 1_706_292_000_000_000),
        ("Mon Jan 01 2001 00:00:00 GMT+2359", 978_220_860_000_000),
        ("Mon Jan 01 2001 00:00:00 GMT+23:59:59.5", 978_220_800_500_000),
        ("Mon Jan 01 2001 00:00:00 GMT-00:00:00.5", 978_307_200_500_000),
        ("Mon Jan 01 2001 00:00:00 GMT+000001", 978_307_199_000_000),
        ("Mon Jan 01 2001 00:00:00 GMTZ", 978_307_200_000_000),
        ("Mon Jan 1 ٢٠٠١ 00:00:00 GMT+0000", 978_307_200_000_000),
        ("Mon Jan 1 2001 00:00:00 GMT+٠٠00", 978_307_200_000_000),
        ("Mon\u{3000}Jan 1 2001 00:00:00 GMT+0000", 978_307_200_000_000),
        ("Mon\u{1c}Jan 1 2001 00:00:00 GMT+0000", 978_307_200_000_000),
        ("2030-11-30T08:00:00.000Z", 1_922_256_000_000_000),
        ("2030-1-3T8:0:0.1Z", 1_893_657_600_100_000),
        ("2030-11- 3T08:00:00.0Z", 1_919_923_200_000_000),
        ("2030-11-30t08:00:00.000z", 1_922_256_000_000_000),
        ("1969-12-31T23:59:59.5Z", -500_000),
        ("٢٠٣٠-11-30T08:00:00.00Z", 1_922_256_000_000_000),
        ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999),
        ("0001-01-02T00:00:00.001Z", -62_135_510_399_999_000),
        ("1706263200", 1_706_263_200_000_000),
        (" 1_706_263_200 ", 1_706_263_200_000_000),
        ("-1", -1_000_000),
        ("0", 0),
        ("253402300799", 253_402_300_799_000_000),
    ];

    const NO_DATES: &[&str] = &[
        "",
        "2024-01-26",
        "2020-07-11 08:22:15",
        "2024-01-26T10:00:00Z",
        "2024-01-26T10:00:00.000+00:00",
        "1706263200.5",
        "1706263200000",
        "253402300800",
        "Fri Jan 26 2024 10:00:00 GMT",
        "Fri Jan 26 2024 10:00:00 GMT-0800 (PST)",
        "Mon Dec 31 9999 23:59:60 GMT-0100",
        "Mon Jan 01 2001 00:00:00 GMT+2400",
        "Mon Jan 01 2001 00:00:00 GMT+235960",
        "Mon Jan 01 2001 00:00:00 GMT+2359:59",
        "Mon Jan 01 2001 00:00:00 GMT+23:5959",
        "Mon Jan 01 2001 00:00:00 GMTz",
        "Mon Feb 30 2001 00:00:00 GMT+0000",
        "Monday Jan 1 2001 00:00:00 GMT+0000",
        "Mon January 1 2001 00:00:00 GMT+0000",
        "Mon Jan ٢١ 2001 00:00:00 GMT+0000",
        " Mon Jan 1 2001 00:00:00 GMT+0000",
        "Mon Jan 1 2001 00:00:00 GMT+0000\n",
        "Mon Jan 1 0000 00:00:00 GMT+0000",
        "Mon Jan 0 2001 00:00:00 GMT+0000",
        "Mon Jan 1 2001 24:00:00 GMT+0000",
        "Mon Feb 29 1900 00:00:00 GMT+0000",
        "Mon \u{17f}ep 1 2001 00:00:00 GMT+0000",
        "0001-01-01T00:00:00.001Z",
        "-62135596799",
        "2030-11-30T08:00:00.٠٠Z",
        "2030-11-30T08:00:61.00Z",
        "2030-11-30T08:00:00.1234567Z",
        "2030-13-30T08:00:00.0Z",
    ];

    #[test]
    fn the_three_formats_give_utc() {
        for (text, micros) in DATES {
            let expected = ReleaseDate::Date(Timestamp::from_micros(*micros));
            assert_eq!(parse_release_date(text), expected, "{text}");
        }
    }

    #[test]
    fn other_texts_are_silently_no_date() {
        for text in NO_DATES {
            assert_eq!(parse_release_date(text), ReleaseDate::NoDate, "{text}");
        }
    }

    #[test]
    fn dates_out_of_range_fail() {
        for text in [
            "Mon Jan 01 0001 00:00:00 GMT+0100",
            "Mon Dec 31 9999 23:59:59 GMT-0100",
            "99999999999999999999",
            "67768036191676800",
        ] {
            assert_eq!(parse_release_date(text), ReleaseDate::Overflow, "{text}");
        }
    }

    #[test]
    fn falsy_is_no_date_and_other_types_fail() {
        for falsy in ["null", "\"\"", "0", "false", "[]"] {
            assert_eq!(release_date(&Json::parse(falsy).unwrap()), Ok(None));
        }
        for other in ["1706263200", "true", "{\"a\":1}"] {
            let error = release_date(&Json::parse(other).unwrap()).unwrap_err();
            assert!(matches!(error, Refusal::Skip(_)));
        }
    }
}
