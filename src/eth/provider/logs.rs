//! Logs of a range, a page at a time: as wide as the endpoint allows, and never past its head.

use std::sync::atomic::Ordering;

use futures::FutureExt;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::endpoint::{Endpoint, PairFault};
use super::wire::{Header, Log, MaybeList};
use super::{Divisible, LogFilter, Provider};
use crate::eth::classify::Class;
use crate::eth::error::{Error, Fault};

/// Blocks of the first page: few enough to fit in memory on a busy chain. What the endpoint serves
/// beyond is found out by growing.
pub(super) const FIRST_SPAN: u64 = 200;

/// No page asks for more blocks.
const WIDEST: u64 = 200_000;

/// Logs that a page should have at most, so that memory stays small; wider pages only where logs
/// are thin.
const LOGS_WANTED: u64 = 5_000;

/// Consecutive logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPage {
    /// The logs of the blocks from the first asked for to `end`, in order.
    pub logs: Vec<Log>,
    /// The last block that the page covers, as the node that read the logs knows it.
    pub end: Header,
}

/// How many more times a narrower range is tried after faults that may be the endpoint's own.
struct Patience {
    ill: u8,
    timeouts: u8,
}

impl Default for Patience {
    fn default() -> Self {
        Self { ill: 1, timeouts: 2 }
    }
}

/// What one endpoint had to say about a range.
enum Read {
    Page(Box<LogPage>),
    /// The node's head is below the range.
    Behind,
}

impl Provider {
    /// The logs from height `from` up to `to` at most: as far as one request carries, see
    /// [`LogPage::end`]. `None` if no node has the block `from` yet.
    ///
    /// # Errors
    /// [`Error::Unreachable`]; [`Error::Refused`] when even a single block is refused.
    pub async fn logs(
        &self,
        filter: &LogFilter,
        from: u64,
        to: u64,
    ) -> Result<Option<LogPage>, Error> {
        self.logs_from(0, filter, from, to).await
    }

    /// [`Provider::logs`] with the endpoint at `first` asked before the others; counting goes round.
    ///
    /// # Errors
    /// See [`Provider::logs`].
    pub async fn logs_from(
        &self,
        first: usize,
        filter: &LogFilter,
        from: u64,
        to: u64,
    ) -> Result<Option<LogPage>, Error> {
        let read = move |endpoint| {
            async move {
                match self.page(endpoint, filter, from, to).await? {
                    Read::Page(page) => Ok(*page),
                    Read::Behind => Err(Fault::own(Class::Missing, format!("no block {from}"))),
                }
            }
            .boxed()
        };
        match self.failover_from(first, "eth_getLogs", Divisible::No, read).await {
            Ok(page) => Ok(Some(page)),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// One page from one endpoint. A range that failed is not asked for again: every further
    /// attempt is narrower than the one before.
    async fn page(
        &self,
        endpoint: &Endpoint,
        filter: &LogFilter,
        from: u64,
        to: u64,
    ) -> Result<Read, Fault> {
        let ceiling = endpoint.ceiling.load(Ordering::Relaxed);
        let wanted = endpoint.span.load(Ordering::Relaxed).min(ceiling).max(1);
        let mut last = to.min(from.saturating_add(wanted - 1)).max(from);
        let full = last - from + 1 == wanted;
        let mut patience = Patience::default();
        loop {
            let span = last - from + 1;
            let fault = match self.range(endpoint, filter, from, last).await {
                Ok((Some(end), logs)) => {
                    let page = checked(logs, from, end)?;
                    grow(endpoint, span, full, page.logs.len());
                    return Ok(Read::Page(Box::new(page)));
                }
                Ok((None, _)) => match self.head_of(endpoint).await? {
                    head if head < from => return Ok(Read::Behind),
                    head if head < last => {
                        last = head;
                        continue;
                    }
                    _ => {
                        return Err(Fault::own(
                            Class::Transient,
                            format!("no block {last} below its own head"),
                        ));
                    }
                },
                Err(fault) => fault,
            };
            // Some nodes refuse a range beyond their head instead of answering without the header.
            if fault.class == Class::Missing {
                match self.head_of(endpoint).await? {
                    head if head < from => return Ok(Read::Behind),
                    head if head < last => {
                        last = head;
                        continue;
                    }
                    _ => return Err(named(fault, from, last)),
                }
            }
            let Some(narrower) = narrower(endpoint, &fault, from, span, &mut patience) else {
                return Err(named(fault, from, last));
            };
            if matches!(fault.class, Class::HalveAndWait | Class::Unknown) {
                sleep(self.config().retry.delay(1)).await;
            }
            tracing::debug!(endpoint = endpoint.shown, %fault, span, narrower, "narrower range");
            last = from + narrower - 1;
        }
    }

    /// Logs and the header of the last block in one request, so that one node answers both; the
    /// header is `None` where the node does not have the block.
    async fn range(
        &self,
        endpoint: &Endpoint,
        filter: &LogFilter,
        from: u64,
        to: u64,
    ) -> Result<(Option<Header>, Vec<Log>), Fault> {
        let header = json!([format!("{to:#x}"), false]);
        let logs = json!([{
            "fromBlock": format!("{from:#x}"),
            "toBlock": format!("{to:#x}"),
            "address": filter.addresses,
            "topics": [filter.topics],
        }]);
        let span = Some(to - from + 1);
        let (header_of, logs_of) = ("eth_getBlockByNumber", "eth_getLogs");
        let mut refused = None;
        if endpoint.batches.load(Ordering::Relaxed) {
            let pair = endpoint.pair::<Option<Header>, MaybeList<Log>>(
                (header_of, &header),
                (logs_of, &logs),
                self.deadline(),
                span,
            );
            match pair.await {
                Ok((header, logs)) => return Ok((header, logs.items())),
                // What refuses a batch says so in many ways, and some hang up: one call will tell.
                Err(PairFault { fault, is_whole })
                    if is_whole && may_be_the_batch(fault.class)
                        || fault.class == Class::Unsupported =>
                {
                    refused = Some(fault);
                }
                Err(PairFault { fault, .. }) => return Err(fault),
            }
        }
        // First the header: a node that has it when the logs are asked for has all below it.
        let header: Option<Header> =
            endpoint.call(header_of, &header, self.deadline(), None).await?;
        if let Some(fault) = refused {
            tracing::info!(
                endpoint = endpoint.shown,
                %fault,
                "the endpoint answers one call at a time"
            );
            endpoint.batches.store(false, Ordering::Relaxed);
        }
        if header.is_none() {
            return Ok((None, Vec::new()));
        }
        let logs: MaybeList<Log> = endpoint.call(logs_of, &logs, self.deadline(), span).await?;
        Ok((header, logs.items()))
    }

    async fn head_of(&self, endpoint: &Endpoint) -> Result<u64, Fault> {
        let params: Value = json!(["latest", false]);
        let head: Option<Header> =
            endpoint.call("eth_getBlockByNumber", &params, self.deadline(), None).await?;
        head.map(|head| head.number).ok_or_else(|| Fault::own(Class::Transient, "no head"))
    }
}

/// The fault with the blocks that were asked for.
fn named(mut fault: Fault, from: u64, last: u64) -> Fault {
    let blocks =
        if from == last { format!("block {from}") } else { format!("blocks {from} to {last}") };
    fault.text = format!("{blocks}: {}", fault.text);
    fault
}

/// Whether a fault of a request with several calls may be about there being several.
pub(super) const fn may_be_the_batch(class: Class) -> bool {
    !matches!(class, Class::Rate | Class::Billing | Class::Denied | Class::Timeout)
}

/// The page, if its logs are of the range and in order.
fn checked(mut logs: Vec<Log>, from: u64, end: Header) -> Result<LogPage, Fault> {
    logs.retain(|log| !log.removed);
    if let Some(log) =
        logs.iter().find(|log| log.block_number < from || log.block_number > end.number)
    {
        let text =
            format!("a log of block {} outside of {from} to {}", log.block_number, end.number);
        return Err(Fault::own(Class::Transient, text));
    }
    if logs.iter().any(|log| log.block_number == end.number && log.block_hash != end.hash) {
        let text = format!("logs and header of block {} differ: the chain moved", end.number);
        return Err(Fault::own(Class::Transient, text));
    }
    logs.sort_by_key(|log| (log.block_number, log.log_index));
    Ok(LogPage { logs, end })
}

/// Blocks for the next attempt after a fault, fewer than `span`; `None` when less will not help.
/// What the endpoint says about its limits is remembered.
fn narrower(
    endpoint: &Endpoint,
    fault: &Fault,
    from: u64,
    span: u64,
    patience: &mut Patience,
) -> Option<u64> {
    let half = (span / 2).max(1);
    let next = match fault.class {
        Class::Structural { blocks } => {
            let blocks = if blocks < span { blocks } else { half };
            endpoint.ceiling.fetch_min(blocks, Ordering::Relaxed);
            blocks
        }
        Class::Suggested { from: start, to }
            if start <= from && to >= from && to - from + 1 < span =>
        {
            to - from + 1
        }
        Class::DensityOnce if patience.ill == 0 => return None,
        Class::DensityOnce => {
            patience.ill -= 1;
            half
        }
        Class::Timeout if patience.timeouts == 0 => return None,
        Class::Timeout => {
            patience.timeouts -= 1;
            half
        }
        Class::Suggested { .. }
        | Class::Density
        | Class::HalveAndWait
        | Class::TooLarge
        | Class::Unknown => half,
        Class::TooMuchGas
        | Class::Reverted
        | Class::Rate
        | Class::Billing
        | Class::Missing
        | Class::Denied
        | Class::Unsupported
        | Class::ByNumber
        | Class::Transient => return None,
    };
    if next >= span {
        return None;
    }
    endpoint.span.store(next, Ordering::Relaxed);
    Some(next)
}

/// Widens the next page when this one was a full one with few logs, and narrows it when it had
/// many.
fn grow(endpoint: &Endpoint, span: u64, full: bool, logs: usize) {
    let logs = u64::try_from(logs).unwrap_or(u64::MAX);
    let next = if logs > LOGS_WANTED {
        (span * LOGS_WANTED / logs).max(1)
    } else if full {
        let fits = (span * LOGS_WANTED).checked_div(logs).unwrap_or(u64::MAX);
        (span + span / 2 + 1).min(fits.max(span))
    } else {
        return;
    };
    let ceiling = endpoint.ceiling.load(Ordering::Relaxed);
    endpoint.span.store(next.min(ceiling).min(WIDEST), Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint() -> Endpoint {
        Endpoint::new("http://node.example", None, FIRST_SPAN).unwrap()
    }

    fn next(class: Class, from: u64, span: u64) -> Option<u64> {
        narrower(&endpoint(), &Fault::own(class, ""), from, span, &mut Patience::default())
    }

    #[test]
    fn a_limit_is_used_and_remembered() {
        let endpoint = endpoint();
        let fault = Fault::own(Class::Structural { blocks: 500 }, "");
        assert_eq!(narrower(&endpoint, &fault, 0, 1_000, &mut Patience::default()), Some(500));
        grow(&endpoint, 500, true, 0);
        assert_eq!(endpoint.span.load(Ordering::Relaxed), 500);
    }

    #[test]
    fn a_limit_or_range_as_wide_as_the_one_that_failed_is_halved() {
        assert_eq!(next(Class::Structural { blocks: 1_000 }, 0, 1_000), Some(500));
        assert_eq!(next(Class::Suggested { from: 10, to: 1_009 }, 10, 1_000), Some(500));
        assert_eq!(next(Class::Suggested { from: 500, to: 600 }, 10, 1_000), Some(500));
    }

    #[test]
    fn a_suggested_range_is_used_from_where_we_are() {
        assert_eq!(next(Class::Suggested { from: 10, to: 109 }, 10, 1_000), Some(100));
        assert_eq!(next(Class::Suggested { from: 5, to: 109 }, 10, 1_000), Some(100));
    }

    #[test]
    fn a_single_block_that_is_refused_is_not_asked_for_again() {
        for class in [Class::Density, Class::Structural { blocks: 1 }, Class::Unknown] {
            assert_eq!(next(class, 7, 1), None);
        }
    }

    #[test]
    fn pages_grow_where_logs_are_thin_and_shrink_where_they_are_dense() {
        let endpoint = endpoint();
        let after = |span, full, logs| {
            grow(&endpoint, span, full, logs);
            endpoint.span.load(Ordering::Relaxed)
        };
        assert_eq!(after(1_000, true, 0), 1_501);
        assert_eq!(after(1_000, true, 4_400), 1_136);
        assert_eq!(after(1_000, true, 50_000), 100);
        assert_eq!(after(10, false, 0), 100);
        assert_eq!(after(WIDEST, true, 0), WIDEST);
    }
}
