//! Something done again and again, whatever becomes of it.

use std::time::Duration;

use futures::FutureExt;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// Runs `tick` at once and then every `period`, until cancelled.
///
/// A tick that is due while one is still running is dropped. One that panics is logged, and the next
/// runs as if nothing had been. Cancelled, it waits for the tick at hand.
pub async fn every<F>(period: Duration, cancel: &CancellationToken, mut tick: impl FnMut() -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            biased;
            () = cancel.cancelled() => return,
            _ = ticks.tick() => {}
        }
        if let Err(ended) = tokio::spawn(tick()).await {
            tracing::error!(%ended, "a tick panicked; the next one runs");
        }
        // What came due meanwhile.
        let _dropped = ticks.tick().now_or_never();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::time::{Instant, sleep};

    use super::*;

    #[tokio::test]
    async fn after_a_panic_the_next_tick_runs() {
        let (cancel, count) = (CancellationToken::new(), Arc::new(AtomicU32::new(0)));
        every(Duration::from_millis(1), &cancel, || {
            let (cancel, count) = (cancel.clone(), Arc::clone(&count));
            async move {
                match count.fetch_add(1, Ordering::Relaxed) {
                    0 => panic!("the first one"),
                    1 => {}
                    _ => cancel.cancel(),
                }
            }
        })
        .await;
        assert_eq!(count.load(Ordering::Relaxed), 3);
    }

    #[tokio::test]
    async fn a_tick_is_dropped_while_one_is_in_flight() {
        let (cancel, count) = (CancellationToken::new(), Arc::new(AtomicU32::new(0)));
        let begun = Instant::now();
        every(Duration::from_millis(100), &cancel, || {
            let (cancel, count) = (cancel.clone(), Arc::clone(&count));
            async move {
                sleep(Duration::from_millis(150)).await;
                if count.fetch_add(1, Ordering::Relaxed) == 2 {
                    cancel.cancel();
                }
            }
        })
        .await;
        // Begun at 0, 200 and 400 ms, not one right after the other.
        assert!(begun.elapsed() >= Duration::from_millis(540));
    }
}
