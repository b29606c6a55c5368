//! Checksums of a whole table on one server, read in stretches of pages that take about half a
//! second each, on as many connections as are free.

use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Error;
use super::query::{Pages, Query};
use super::result::Progress;
use super::session::{Session, Texts};

/// How long a statement may keep a server busy.
const TARGET: Duration = Duration::from_millis(500);

/// Pages of the first stretch, and of the smallest.
const FIRST_STRETCH: u64 = 512;
const SMALLEST_STRETCH: u64 = 16;

/// By how much a stretch may grow over the one before.
const GROWTH: u64 = 4;

/// Count and checksum of a segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) rows: u64,
    one: i128,
    other: i128,
}

impl Segment {
    pub(crate) const fn new(rows: u64, one: i128, other: i128) -> Self {
        Self { rows, one, other }
    }

    /// The two sums.
    pub(crate) const fn sums(&self) -> [i128; 2] {
        [self.one, self.other]
    }

    fn add(&mut self, part: Self) {
        self.rows += part.rows;
        self.one = self.one.wrapping_add(part.one);
        self.other = self.other.wrapping_add(part.other);
    }
}

/// The segments of a table by their number; -1 holds the rows without a first key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Segments(Vec<Segment>);

impl Segments {
    /// Room for the segments that `bounds` boundaries make.
    pub(crate) fn new(bounds: usize) -> Self {
        Self(vec![Segment::default(); bounds + 2])
    }

    /// Puts a segment in its place.
    pub(crate) fn set(&mut self, number: i64, segment: Segment) {
        let index = usize::try_from(number + 1).ok();
        if let Some(place) = index.and_then(|index| self.0.get_mut(index)) {
            *place = segment;
        }
    }

    pub(crate) fn get(&self, number: i64) -> Segment {
        let index = usize::try_from(number + 1).ok();
        index.and_then(|index| self.0.get(index)).copied().unwrap_or_default()
    }

    pub(crate) fn rows(&self) -> u64 {
        self.0.iter().map(|segment| segment.rows).sum()
    }

    /// The numbers of all segments.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = i64> + use<> {
        (-1..).take(self.0.len())
    }

    /// Adds what a statement returned; its rows.
    fn add(&mut self, rows: &[Texts]) -> u64 {
        let mut count = 0;
        for row in rows {
            let mut fields = row.iter().map(|field| field.as_deref());
            let mut number = || fields.next().flatten()?.parse::<i128>().ok();
            let (Some(bucket), Some(rows)) = (number(), number()) else { continue };
            let rows = u64::try_from(rows).unwrap_or(0);
            let part = Segment::new(rows, number().unwrap_or(0), number().unwrap_or(0));
            let index = usize::try_from(bucket + 1).ok();
            if let Some(segment) = index.and_then(|index| self.0.get_mut(index)) {
                segment.add(part);
            }
            count += rows;
        }
        count
    }
}

/// The stretches of a table still to read.
#[derive(Debug)]
struct Stretches {
    next: u64,
    pages: Option<u64>,
    done: bool,
    stretch: u64,
    /// Pages a second, lately.
    rate: Option<f64>,
}

impl Stretches {
    const fn new(pages: Option<u64>) -> Self {
        Self { next: 0, pages, done: false, stretch: FIRST_STRETCH, rate: None }
    }

    fn take(&mut self) -> Option<Pages> {
        if self.done {
            return None;
        }
        let first = self.next;
        self.next += self.stretch;
        // A last stretch of a few pages is not worth a statement of its own.
        let reaches_end = self.pages.is_none_or(|pages| self.next + self.stretch / 4 >= pages);
        self.done = reaches_end;
        Some(Pages { first, end: (!reaches_end).then_some(self.next) })
    }

    /// Learns from a stretch how large the next ones should be.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate of pages needs neither all digits nor a sign"
    )]
    fn learn(&mut self, pages: Pages, elapsed: Duration) {
        let Some(end) = pages.end else { return };
        let rate = (end - pages.first) as f64 / elapsed.as_secs_f64().max(1e-6);
        let rate = self.rate.map_or(rate, |before| before * 0.6 + rate * 0.4);
        self.rate = Some(rate);
        let wanted = (rate * TARGET.as_secs_f64()) as u64;
        self.stretch = wanted.clamp(SMALLEST_STRETCH, self.stretch * GROWTH);
    }
}

/// What a scan needs besides its query.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scan<'a> {
    pub(crate) query: Query<'a>,
    /// First keys at which segments begin.
    pub(crate) bounds: &'a [String],
    /// A condition that leaves only part of the segments.
    pub(crate) only: Option<&'a str>,
    /// Name under which further connections join.
    pub(crate) snapshot: Option<&'a str>,
    pub(crate) progress: &'a Progress,
    pub(crate) cancel: &'a CancellationToken,
}

impl Scan<'_> {
    /// Reads the table in the transaction of `lead`, which is given back.
    pub(crate) async fn run(&self, lead: Session) -> Result<(Session, Segments), Error> {
        let server = std::sync::Arc::clone(lead.server());
        let placement = self.query.plan.placement(self.query.side);
        // What an index finds is not read by pages.
        let by_pages = self.only.is_none() || !self.query.finds_ranges();
        let mut stretches = Stretches::new(placement.pages.filter(|_| by_pages));
        let mut segments = Segments::new(self.bounds.len());
        let mut running = FuturesUnordered::new();
        let mut free = None;
        let mut helpers = Vec::new();
        if let Some(pages) = stretches.take() {
            running.push(self.read(lead, pages));
        }
        while let Some(read) = running.next().await {
            let (session, rows, pages, elapsed) = read?;
            if self.cancel.is_cancelled() {
                return Err(Error::Interrupted);
            }
            let count = segments.add(&rows);
            if self.only.is_none() {
                self.progress.advance(count);
            }
            stretches.learn(pages, elapsed);
            match stretches.take() {
                Some(pages) => running.push(self.read(session, pages)),
                None if free.is_none() => free = Some(session),
                None => helpers.push(session),
            }
            if let (false, Some(snapshot)) = (stretches.done, self.snapshot)
                && let Some(helper) = server.helper(snapshot).await?
            {
                match stretches.take() {
                    Some(pages) => running.push(self.read(helper, pages)),
                    None => helpers.push(helper),
                }
            }
        }
        for helper in helpers {
            helper.finish().await?;
        }
        let lead = free.expect("the last session to finish is the free one");
        Ok((lead, segments))
    }

    async fn read(
        &self,
        mut session: Session,
        pages: Pages,
    ) -> Result<(Session, Vec<Texts>, Pages, Duration), Error> {
        let sql = self.query.checksums(pages, self.bounds, self.only);
        let doing = format!("computing checksums of {}", self.query.plan.name);
        // Before the clock runs: what a stretch takes tells how long the next ones are.
        session.pause_while_busy().await?;
        let begun = Instant::now();
        let rows = session.ask(&doing, &sql).await?;
        Ok((session, rows, pages, begun.elapsed()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_cover_every_page_once_and_the_last_has_no_end() {
        let mut stretches = Stretches::new(Some(10_000));
        let mut next = 0;
        while let Some(pages) = stretches.take() {
            assert_eq!(pages.first, next);
            let Some(end) = pages.end else {
                assert!(stretches.take().is_none());
                return;
            };
            next = end;
            stretches.learn(pages, Duration::from_millis(100));
        }
        panic!("no stretch reached the end");
    }

    #[test]
    fn slow_stretches_become_smaller_and_fast_ones_larger_step_by_step() {
        let mut stretches = Stretches::new(Some(1_000_000));
        let pages = stretches.take().unwrap();
        stretches.learn(pages, Duration::from_millis(1));
        assert_eq!(stretches.stretch, FIRST_STRETCH * GROWTH);
        for _ in 0..20 {
            let pages = stretches.take().unwrap();
            stretches.learn(pages, Duration::from_secs(5));
        }
        assert!(stretches.stretch < FIRST_STRETCH);
    }

    #[test]
    fn a_table_without_pages_is_one_stretch() {
        let mut stretches = Stretches::new(None);
        assert_eq!(stretches.take(), Some(Pages { first: 0, end: None }));
        assert_eq!(stretches.take(), None);
    }

    #[test]
    fn parts_of_a_segment_add_up_whatever_their_order() {
        let row = |fields: [&str; 4]| fields.map(|field| Some(field.to_owned())).to_vec();
        let parts = [
            row(["0", "2", "-5", "9223372036854775807"]),
            row(["0", "1", "7", "9223372036854775807"]),
            row(["-1", "1", "1", "1"]),
        ];
        let (mut one, mut other) = (Segments::new(0), Segments::new(0));
        assert_eq!(one.add(&parts), 4);
        for part in parts.iter().rev() {
            other.add(std::slice::from_ref(part));
        }
        assert_eq!(one, other);
        assert_eq!(one.get(0), Segment::new(3, 2, 18_446_744_073_709_551_614));
    }
}
