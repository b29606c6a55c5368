//! A token bucket: requests per second to one endpoint.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Spreads requests over time: a second's worth may come at once, the rest waits its turn.
#[derive(Debug)]
pub(super) struct Bucket {
    /// Time per request; `None` for no limit.
    every: Option<Duration>,
    /// Requests that may come at once after a pause.
    burst: u32,
    /// When the bucket will be full again.
    full_at: Mutex<Instant>,
}

impl Bucket {
    pub(super) fn new(rps: Option<f64>) -> Self {
        let every = rps.map(|rps| Duration::from_secs_f64(1.0 / rps.clamp(0.001, 1e6)));
        // At least one: a limit below one request a second has no burst.
        let burst = every.map_or(0, |every| {
            (Duration::from_secs(1).as_nanos() / every.as_nanos().max(1)).clamp(1, 1_000_000)
        });
        let burst = u32::try_from(burst).unwrap_or(u32::MAX);
        Self { every, burst, full_at: Mutex::new(Instant::now()) }
    }

    /// Waits until one more request is allowed.
    pub(super) async fn take(&self) {
        if let Some(turn) = self.book(Instant::now()) {
            sleep_until(turn).await;
        }
    }

    /// Books a turn; `None` when there is nothing to wait for.
    fn book(&self, now: Instant) -> Option<Instant> {
        let every = self.every?;
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let booked = (*full_at).max(now) + every;
        *full_at = booked;
        let turn = booked.checked_sub(every * self.burst)?;
        (turn > now).then_some(turn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_second_at_once_requests_are_spread() {
        let bucket = Bucket::new(Some(10.0));
        let now = Instant::now() + Duration::from_secs(3_600);
        let turns: Vec<_> = (0..13).map(|_| bucket.book(now)).collect();
        assert!(turns[..10].iter().all(Option::is_none), "{turns:?}");
        let waits: Vec<_> =
            turns[10..].iter().map(|turn| (turn.unwrap() - now).as_millis()).collect();
        assert_eq!(waits, [100, 200, 300]);
        assert_eq!(bucket.book(now + Duration::from_secs(5)), None);
    }

    #[test]
    fn less_than_one_request_a_second_is_possible() {
        let bucket = Bucket::new(Some(0.5));
        let now = Instant::now() + Duration::from_secs(3_600);
        assert_eq!(bucket.book(now), None);
        assert_eq!(bucket.book(now), Some(now + Duration::from_secs(2)));
    }

    #[test]
    fn without_a_limit_nothing_waits() {
        let bucket = Bucket::new(None);
        assert!((0..1_000).all(|_| bucket.book(Instant::now()).is_none()));
    }
}
