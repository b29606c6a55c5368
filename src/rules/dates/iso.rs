//! Python 3.11's `datetime.fromisoformat`, as its C implementation behaves, for an event's
//! `end_date` (handlers-c 4.1).
//!
//! The C code is more lenient than documented: any one character separates date and time, a
//! fraction may follow hours or minutes or a colon, and before an offset one stray character may
//! end the time. Those texts reach the column, so they are read the same way here.

use chrono::{Datelike, NaiveDate, Weekday};

use super::calendar;
use crate::model::Timestamp;

/// A date text that Python accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IsoDate {
    /// The point in time; a text without zone counts as UTC.
    pub instant: Timestamp,
}

/// Reads an ISO 8601 text; `None` where Python raises `ValueError`.
pub fn from_isoformat(text: &str) -> Option<IsoDate> {
    let bytes = text.as_bytes();
    if bytes.len() < 7 {
        return None;
    }
    let separator = separator_at(bytes)?;
    let date = parse_date(bytes.get(..separator)?)?;
    let mut clock = Clock::default();
    let mut offset = Clock::default();
    let mut negative = false;
    if bytes.len() > separator {
        // The separator is one character, which may take several bytes.
        let width = text.get(separator..)?.chars().next()?.len_utf8();
        let time = &bytes[separator + width..];
        let zone_at = time.iter().position(|byte| matches!(byte, b'+' | b'-' | b'Z'));
        let (local, zone) = time.split_at(zone_at.unwrap_or(time.len()));
        let (parsed, complete) = Clock::parse(local, zone.first().copied())?;
        clock = parsed;
        match zone {
            [] if !complete => return None,
            // The C code takes U+0000 for the end of the text.
            [] | [b'Z'] | [b'Z', 0, ..] => {}
            [b'Z', ..] => return None,
            [sign, rest @ ..] => {
                negative = *sign == b'-';
                offset = Clock::parse(rest, None).filter(|(_, complete)| *complete)?.0;
            }
        }
    }
    let offset_micros = offset.micros();
    if offset_micros >= 86_400_000_000 {
        return None;
    }
    let time = [clock.parts[0], clock.parts[1], clock.parts[2]];
    let local = calendar::wall_clock_micros(date, time, clock.micros)?;
    let offset_micros = if negative { -offset_micros } else { offset_micros };
    Some(IsoDate { instant: Timestamp::from_micros(local - offset_micros) })
}

/// Where the date ends; the formats differ by their fifth and sixth character.
fn separator_at(text: &[u8]) -> Option<usize> {
    let len = text.len();
    if len == 7 {
        return Some(7);
    }
    match (text[4], text[5]) {
        (b'-', b'W') if text[8..].first() != Some(&b'-') => Some(8),
        (b'-', b'W') if len == 9 => None,
        // `YYYY-Www-##`: the dash is taken as the separator, the digits as hours.
        (b'-', b'W') if len > 10 && text[10].is_ascii_digit() => Some(8),
        (b'-', _) => Some(10),
        (b'W', _) => {
            let digits = text[7..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            let end = 7 + digits;
            // Time components come in pairs, so the parity tells whether there is a weekday.
            Some(match end {
                ..9 => end,
                _ if end % 2 == 0 => 7,
                _ => 8,
            })
        }
        _ => Some(8),
    }
}

fn digits<const N: usize>(text: &[u8], at: usize) -> Option<u32> {
    let digits = text.get(at..at + N)?;
    digits.iter().try_fold(0, |value, byte| {
        byte.is_ascii_digit().then(|| value * 10 + u32::from(byte - b'0'))
    })
}

fn parse_date(text: &[u8]) -> Option<NaiveDate> {
    let year = digits::<4>(text, 0)?;
    let dashed = text.get(4) == Some(&b'-');
    let mut at = 4 + usize::from(dashed);
    if text.get(at) == Some(&b'W') {
        let week = digits::<2>(text, at + 1)?;
        at += 3;
        if at == text.len() {
            return week_date(year, week, 1);
        }
        if dashed && text.get(at) != Some(&b'-') {
            return None;
        }
        return week_date(year, week, digits::<1>(text, at + usize::from(dashed))?);
    }
    let month = digits::<2>(text, at)?;
    at += 2;
    if dashed && text.get(at) != Some(&b'-') {
        return None;
    }
    calendar::date(year, month, digits::<2>(text, at + usize::from(dashed))?)
}

fn week_date(year: u32, week: u32, day: u32) -> Option<NaiveDate> {
    let year = i32::try_from(year).ok().filter(|year| (1..=9999).contains(year))?;
    let day = u8::try_from(day.checked_sub(1)?).ok()?;
    let date = NaiveDate::from_isoywd_opt(year, week, Weekday::try_from(day).ok()?)?;
    (1..=9999).contains(&date.year()).then_some(date)
}

/// `HH[:?MM[:?SS]]` with a fraction.
#[derive(Clone, Copy, Default)]
struct Clock {
    parts: [u32; 3],
    micros: u32,
}

impl Clock {
    /// Reads a time and tells whether the text ended with it. `after` is the byte that follows
    /// `text` in the whole; it decides like the byte the C code sees there.
    fn parse(text: &[u8], after: Option<u8>) -> Option<(Self, bool)> {
        let mut clock = Self::default();
        let mut at = 0;
        let mut colons = true;
        for part in 0..3 {
            clock.parts[part] = digits::<2>(text, at)?;
            at += 2;
            let next = text.get(at).copied().or(after);
            at += 1;
            if part == 0 {
                colons = next == Some(b':');
            }
            if at >= text.len() {
                return Some((clock, matches!(next, None | Some(0))));
            }
            match next {
                Some(b':') if colons => {}
                Some(b'.' | b',') => break,
                _ if !colons => at -= 1,
                _ => return None,
            }
        }
        let fraction = &text[at..];
        let kept = &fraction[..fraction.len().min(6)];
        for byte in kept {
            clock.micros = clock.micros * 10 + digits::<1>(&[*byte], 0)?;
        }
        clock.micros *= 10_u32.pow(u32::try_from(6 - kept.len()).ok()?);
        let rest = fraction[kept.len()..].iter().find(|byte| !byte.is_ascii_digit());
        Some((clock, matches!(rest.copied().or(after), None | Some(0))))
    }

    /// The length as an offset; the C code forgets the fraction of an offset below a second.
    fn micros(&self) -> i64 {
        if self.parts == [0; 3] {
            return 0;
        }
        let [hours, minutes, seconds] = self.parts.map(i64::from);
        (hours * 3600 + minutes * 60 + seconds) * 1_000_000 + i64::from(self.micros)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn micros(text: &str) -> Option<i64> {
        from_isoformat(text).map(|date| date.instant.micros())
    }

    /// 2035-01-02T00:00:00Z.
    const DAY: i64 = 2_051_308_800_000_000;
    const HOUR: i64 = 3_600_000_000;
    const MINUTE: i64 = 60_000_000;
    const SECOND: i64 = 1_000_000;

    #[test]
    fn every_documented_form_is_read() {
        for (text, expected) in [
            ("2035-01-02", DAY),
            ("20350102", DAY),
            ("2035-W01-2", DAY),
            ("2035W012", DAY),
            ("2035-W01", DAY - 24 * HOUR),
            ("2035W01", DAY - 24 * HOUR),
            ("2035-01-02T10", DAY + 10 * HOUR),
            ("2035-01-02 10:30", DAY + 10 * HOUR + 30 * MINUTE),
            ("2035-01-02T1030", DAY + 10 * HOUR + 30 * MINUTE),
            ("2035-01-02T103015", DAY + 10 * HOUR + 30 * MINUTE + 15 * SECOND),
            ("2035-01-02T10:30:15.1234567", DAY + 10 * HOUR + 30 * MINUTE + 15_123_456),
            ("2035-01-02T10:30:15,5", DAY + 10 * HOUR + 30 * MINUTE + 15_500_000),
            ("2035-01-02T10:30:00Z", DAY + 10 * HOUR + 30 * MINUTE),
            ("2035-01-02T10:30:00+02:00", DAY + 8 * HOUR + 30 * MINUTE),
            ("2035-01-02T10:30:00-0230", DAY + 13 * HOUR),
            ("2035-01-02T10+23:59:59.999999", DAY - 14 * HOUR + 1),
            ("2035-01-02x10", DAY + 10 * HOUR),
            ("2035-01-02\u{301}10", DAY + 10 * HOUR),
            ("2035W011010", DAY - 14 * HOUR),
            ("2035-W01-10", DAY - 14 * HOUR),
            ("0001-01-01T00:00:00+23:59", -62_135_596_800_000_000 - 24 * HOUR + MINUTE),
        ] {
            assert_eq!(micros(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn the_leniency_of_the_c_code_is_kept() {
        for (text, expected) in [
            ("2035-01-02T10.5", DAY + 10 * HOUR + 500_000),
            ("2035-01-02T10:30:15:5", DAY + 10 * HOUR + 30 * MINUTE + 15_500_000),
            ("2035-01-02T10301550", DAY + 10 * HOUR + 30 * MINUTE + 15_500_000),
            ("2035-01-02T10:30 +00:00", DAY + 10 * HOUR + 30 * MINUTE),
            ("2035-01-02T10x+01", DAY + 9 * HOUR),
            ("2035-01-02T10+00.5", DAY + 10 * HOUR),
            ("2035-01-02T10Z\0junk", DAY + 10 * HOUR),
        ] {
            assert_eq!(micros(text), Some(expected), "{text:?}");
        }
    }

    #[test]
    fn what_python_refuses_is_refused() {
        for text in [
            "",
            "2035",
            "2035-01",
            "2035-1-2",
            "2035-13-01",
            "2035-02-29",
            "0000-01-01",
            "2035-01-02T",
            "2035-01-02T24:00",
            "2035-01-02T10:60",
            "2035-01-02T10:30:60",
            "2035-01-02T10:3",
            "2035-01-02T10:30:15.",
            "2035-01-02T10:30x",
            "2035-01-02T10:3015",
            "2035-01-02T10+2",
            "2035-01-02T10+24:00",
            "2035-01-02T10ZZ",
            "2035-01-02T10Z ",
            "2035-W54-1",
            "2035-W53",
            "2035-W00",
            "2035-W01-0",
            "2035-W01-8",
            "2035W0122",
            "9999-W52-7",
            "2035-01-02é",
            "２０３５-01-02",
            " 2035-01-02",
            "next week",
        ] {
            assert_eq!(micros(text), None, "{text:?}");
        }
    }
}
