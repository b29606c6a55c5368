//! Durations and sizes as people type them: a number and a unit, `90s`, `10m`, `512M`.

use std::time::Duration;

/// Units of time with their length in seconds.
const TIMES: &[(&str, f64)] = &[
    ("ms", 0.001),
    ("s", 1.0),
    ("", 1.0),
    ("m", 60.0),
    ("min", 60.0),
    ("h", 3_600.0),
    ("d", 86_400.0),
];

/// Units of size with the power of two that they are; a number alone is megabytes.
const SIZES: &[(&str, u32)] = &[("k", 10), ("m", 20), ("", 20), ("g", 30), ("t", 40)];

/// The longest time that makes sense anywhere.
const LONGEST: f64 = 10.0 * 365.0 * 86_400.0;

/// A time above zero: a number with ms, s, m, h or d; seconds without a unit.
///
/// # Errors
/// Text for people: no number, no unit, nothing or too much.
pub fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = split(text, "as in 90s, 10m or 2h")?;
    let unit = unit.to_ascii_lowercase();
    let length = TIMES.iter().find(|(name, _)| *name == unit).map(|(_, length)| length);
    let length = length.ok_or_else(|| format!("unknown unit `{unit}`: ms, s, m, h or d"))?;
    let seconds = number * length;
    if seconds <= 0.0 {
        return Err("must be above 0".to_owned());
    }
    if seconds > LONGEST {
        return Err("longer than ten years".to_owned());
    }
    Ok(Duration::from_secs_f64(seconds))
}

/// A time as [`duration`] reads it, or 0.
///
/// # Errors
/// As [`duration`].
pub fn duration_or_zero(text: &str) -> Result<Duration, String> {
    let (number, _) = split(text, "as in 90s, 10m or 2h")?;
    if number == 0.0 { Ok(Duration::ZERO) } else { duration(text) }
}

/// A size in bytes: a number with k, M, G or T (powers of 1024, with or without B or iB); megabytes
/// without a unit.
///
/// # Errors
/// Text for people: no number, no unit, or too much.
pub fn size(text: &str) -> Result<usize, String> {
    let (number, unit) = split(text, "as in 512M or 2G")?;
    let short = unit.to_ascii_lowercase();
    let short = short.strip_suffix("ib").or_else(|| short.strip_suffix('b')).unwrap_or(&short);
    let power = SIZES.iter().find(|(name, _)| *name == short).map(|(_, power)| *power);
    let power = power.ok_or_else(|| format!("unknown unit `{unit}`: k, M, G or T"))?;
    let bytes = number * 2_f64.powi(power.try_into().unwrap_or(0));
    if bytes >= 2_f64.powi(50) {
        return Err("must be below 1024 T".to_owned());
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked above")]
    Ok(bytes as usize)
}

/// The number in front and the unit behind it.
fn split<'t>(text: &'t str, example: &str) -> Result<(f64, &'t str), String> {
    let text = text.trim();
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let number: f64 = number.parse().map_err(|_none| format!("no number, {example}"))?;
    Ok((number, unit.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_a_duration_where_it_may_be_one() {
        assert_eq!(duration_or_zero("0"), Ok(Duration::ZERO));
        assert_eq!(duration_or_zero("11m"), Ok(Duration::from_secs(660)));
        assert!(duration_or_zero("x").is_err() && duration_or_zero("-1").is_err());
    }

    #[test]
    fn durations_are_numbers_with_a_unit() {
        let millis = |text| duration(text).map(|span| span.as_millis());
        for (text, expected) in [
            ("90", 90_000),
            ("90s", 90_000),
            ("0.5", 500),
            ("250ms", 250),
            ("10m", 600_000),
            ("10 min", 600_000),
            ("2h", 7_200_000),
            ("1d", 86_400_000),
        ] {
            assert_eq!(millis(text), Ok(expected), "{text}");
        }
        for wrong in ["", "m", "1w", "-1s", "0", "0s", "1e9", "99999999999999999999d", "1.2.3"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn sizes_are_numbers_with_a_unit_and_megabytes_without() {
        let sizes = [
            ("90", 90 << 20),
            ("64k", 64 << 10),
            ("512M", 512 << 20),
            ("1.5GiB", 3 << 29),
            ("0", 0),
        ];
        for (text, expected) in sizes {
            assert_eq!(size(text), Ok(expected), "{text}");
        }
        for wrong in ["", "G", "1X", "-1G", "99999999T"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }
}
