//! Arithmetic of PostgreSQL on timestamps, and its text of one.

use chrono::{Datelike as _, Months, NaiveTime};

use crate::model::Timestamp;

/// `date_trunc('month', time)`.
pub fn month_of(time: Timestamp) -> Timestamp {
    time.to_datetime()
        .and_then(|at| at.date_naive().with_day(1))
        .map_or(time, |day| Timestamp::from(day.and_time(NaiveTime::MIN).and_utc()))
}

/// `date_trunc('hour', time)`.
pub const fn hour_of(time: Timestamp) -> Timestamp {
    const HOUR: i64 = 3_600_000_000;
    Timestamp::from_micros(time.micros().div_euclid(HOUR) * HOUR)
}

/// `time - interval '1 month'`: the same day of the month before, or its last day.
pub fn a_month_before(time: Timestamp) -> Timestamp {
    time.to_datetime()
        .and_then(|at| at.checked_sub_months(Months::new(1)))
        .map_or(time, Timestamp::from)
}

/// A timestamp as PostgreSQL prints it: `2026-09-10 12:00:20.5`.
pub fn timestamp_text(time: Timestamp) -> String {
    let text = time.to_string().replace('T', " ");
    let text = text.trim_end_matches('Z');
    if text.contains('.') { text.trim_end_matches('0').to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_and_hours_begin_where_the_database_says() {
        let time = Timestamp::from_micros(1_780_273_845_250_000);
        assert_eq!(timestamp_text(time), "2026-06-01 00:30:45.25");
        assert_eq!(timestamp_text(month_of(time)), "2026-06-01 00:00:00");
        assert_eq!(timestamp_text(hour_of(time)), "2026-06-01 00:00:00");
        let last_of_may = Timestamp::from_seconds(1_780_232_400);
        assert_eq!(timestamp_text(last_of_may), "2026-05-31 13:00:00");
        assert_eq!(timestamp_text(a_month_before(last_of_may)), "2026-04-30 13:00:00");
    }
}
