//! A date and time of day in Python's calendar (years 1 to 9999).

use chrono::NaiveDate;

/// Microseconds since the epoch of a wall-clock time as if it were UTC; `None` where Python's
/// `datetime(...)` would refuse it.
pub(super) fn wall_clock_micros(date: NaiveDate, time: [u32; 3], micros: u32) -> Option<i64> {
    let [hour, minute, second] = time;
    if !(hour < 24 && minute < 60 && second < 60) {
        return None;
    }
    let at = date.and_hms_micro_opt(hour, minute, second, micros)?;
    Some(at.and_utc().timestamp_micros())
}

/// A date from year, month and day, or `None` outside Python's calendar.
pub(super) fn date(year: u32, month: u32, day: u32) -> Option<NaiveDate> {
    let year = i32::try_from(year).ok().filter(|year| (1..=9999).contains(year))?;
    NaiveDate::from_ymd_opt(year, month, day)
}
