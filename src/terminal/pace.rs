//! How fast something goes and when it will be done, smoothed so that an eye can follow.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::table::per_second;

/// The rate shown is the mean of this much time: steady, yet it follows a change.
const WINDOW: Duration = Duration::from_secs(15);

/// Before this much time a forecast would be a guess.
const FIRST_FORECAST: Duration = Duration::from_secs(1);

/// A count that rises, looked at now and then.
#[derive(Debug)]
pub(super) struct Pace {
    samples: VecDeque<(Instant, u64)>,
}

impl Pace {
    pub(super) fn new(now: Instant) -> Self {
        Self { samples: VecDeque::from([(now, 0)]) }
    }

    /// Notes how far the count has come, and forgets what the rate no longer needs.
    pub(super) fn sample(&mut self, now: Instant, count: u64) {
        self.samples.push_back((now, count));
        while self.samples.len() > 2 && now - self.samples[1].0 >= WINDOW {
            self.samples.pop_front();
        }
    }

    /// Counted a second, lately.
    pub(super) fn rate(&self) -> u64 {
        let (advanced, spent) = self.advance();
        per_second(advanced, spent)
    }

    /// Time until `left` more are counted, if things go on like this.
    pub(super) fn time_for(&self, left: u64) -> Option<Duration> {
        let (advanced, spent) = self.advance();
        if advanced == 0 || spent < FIRST_FORECAST {
            return None;
        }
        let millis = spent.as_millis() * u128::from(left) / u128::from(advanced);
        u64::try_from(millis).ok().map(Duration::from_millis)
    }

    fn advance(&self) -> (u64, Duration) {
        let ends = self.samples.front().zip(self.samples.back());
        ends.map_or((0, Duration::ZERO), |(old, new)| (new.1.saturating_sub(old.1), new.0 - old.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_the_mean_of_the_last_fifteen_seconds() {
        let begun = Instant::now();
        let mut pace = Pace::new(begun);
        for second in 1..=30_u64 {
            // A thousand each in the first half, none in the second.
            pace.sample(begun + Duration::from_secs(second), second.min(15) * 1_000);
        }
        assert_eq!(pace.rate(), 0);
        pace.sample(begun + Duration::from_secs(31), 30_000);
        assert_eq!(pace.rate(), 1_000);
        assert_eq!(pace.time_for(60_000), Some(Duration::from_secs(60)));
    }

    #[test]
    fn what_does_not_move_has_no_end_in_sight() {
        let begun = Instant::now();
        let mut pace = Pace::new(begun);
        pace.sample(begun + Duration::from_secs(5), 0);
        assert_eq!(pace.time_for(1), None);
    }
}
