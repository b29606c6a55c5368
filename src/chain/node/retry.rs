//! When a failed call is tried again.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// Delays between attempts: doubling from `first` to `soon`, and, when that does not help, on to
/// `late`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// First delay.
    pub first: Duration,
    /// Longest delay of the first steps, and between questions to a node that has no new block.
    pub soon: Duration,
    /// Longest delay at all.
    pub late: Duration,
    /// Failed attempts in a row, each over all endpoints, after which reading ends with
    /// [`Error::Unreachable`](crate::chain::Error::Unreachable).
    pub limit: u32,
    /// Ignore `limit` for faults of the connection once a node has answered: a follower waits for
    /// as long as it takes.
    pub forever: bool,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(200),
            soon: Duration::from_secs(2),
            late: Duration::from_secs(60),
            limit: 8,
            forever: true,
        }
    }
}

impl RetryPolicy {
    /// How long to wait after `failures` failed attempts in a row, at least one.
    pub(crate) fn delay(&self, failures: u32) -> Duration {
        self.jittered(self.exact(failures))
    }

    /// How long to wait for a new block after `empty` questions without one, at least one.
    pub(super) fn idle(&self, empty: u32) -> Duration {
        self.jittered(self.exact(empty).min(self.soon))
    }

    fn exact(&self, step: u32) -> Duration {
        let step = step.saturating_sub(1);
        let doubled = |from: Duration, times: u32| {
            from.saturating_mul(1_u32.checked_shl(times).unwrap_or(u32::MAX))
        };
        let mut early_steps = 0;
        while doubled(self.first, early_steps) < self.soon && early_steps < 31 {
            early_steps += 1;
        }
        if step < early_steps {
            doubled(self.first, step)
        } else {
            doubled(self.soon, step - early_steps).min(self.late)
        }
    }

    /// Between three quarters and all of `delay`, so that many followers do not knock in step.
    fn jittered(&self, delay: Duration) -> Duration {
        // A hash with keys from the system's randomness is random enough to spread knocks.
        let random = RandomState::new().hash_one(0) % 256;
        let random = u32::try_from(random).unwrap_or_default();
        delay * 3 / 4 + delay / 4 * random / 256
    }
}

#[cfg(test)]
mod tests {
    use super::RetryPolicy;

    #[test]
    fn delays_double_to_two_seconds_and_then_to_a_minute() {
        let policy = RetryPolicy::default();
        let millis: Vec<_> = (1..=11).map(|step| policy.exact(step).as_millis()).collect();
        assert_eq!(millis, [200, 400, 800, 1600, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
        assert_eq!(policy.exact(u32::MAX), policy.late);
    }

    #[test]
    fn jitter_only_shortens_and_waiting_for_a_block_stays_short() {
        let policy = RetryPolicy::default();
        for step in 1..=12 {
            let (exact, jittered) = (policy.exact(step), policy.delay(step));
            assert!(jittered <= exact && jittered >= exact * 3 / 4, "{jittered:?} of {exact:?}");
            assert!(policy.idle(step) <= policy.soon);
        }
    }
}
