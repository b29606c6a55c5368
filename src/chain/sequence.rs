//! What must hold of the blocks of a source, whatever it is: one chain, heights without gaps, and
//! no change of what was indexed before.

use super::SourceConfig;
use super::error::Error;
use super::header::Header;
use super::origin::Origin;

/// The last block that was indexed before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastBlock {
    /// Its height.
    pub height: i64,
    /// Its hash, hex in either case.
    pub hash: String,
}

/// What to do with a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It lies below the wanted range.
    Skip,
    /// It is wanted.
    Take,
    /// It and everything after it lies above the wanted range.
    Past,
}

/// Checks block after block of one source.
#[derive(Debug)]
pub(super) struct Sequence {
    start: i64,
    end_inclusive: Option<i64>,
    chain_id: Option<String>,
    last: Option<LastBlock>,
    behind: Option<String>,
    begins_at_start: bool,
    previous: Option<i64>,
}

impl Sequence {
    pub(super) fn new(
        start: i64,
        end_inclusive: Option<i64>,
        chain_id: Option<String>,
        last: Option<LastBlock>,
    ) -> Self {
        let (behind, begins_at_start, previous) = (None, false, None);
        Self { start, end_inclusive, chain_id, last, behind, begins_at_start, previous }
    }

    /// What `config` wants.
    pub(super) fn of(config: &SourceConfig) -> Self {
        let (chain_id, last) = (config.chain_id.clone(), config.last.clone());
        Self {
            behind: config.behind.clone(),
            begins_at_start: config.begins_at_start,
            ..Self::new(config.start, config.end_inclusive, chain_id, last)
        }
    }

    /// Judges the block with `header`.
    pub(super) fn check(&mut self, header: &Header, origin: &Origin) -> Result<Verdict, Error> {
        let height = header.height;
        // What follows in an archive of several chains is nobody's business here.
        if self.previous.is_some() && self.previous == self.end_inclusive {
            return Ok(Verdict::Past);
        }
        if self.previous.is_none() && self.behind.as_ref() == Some(&header.chain_id) {
            return Ok(Verdict::Skip);
        }
        match &self.chain_id {
            Some(expected) if *expected != header.chain_id => {
                return Err(Error::WrongChain {
                    origin: origin.clone(),
                    expected: expected.clone(),
                    found: header.chain_id.clone(),
                });
            }
            Some(_) => {}
            None => self.chain_id = Some(header.chain_id.clone()),
        }
        if let Some(previous) = self.previous
            && height != previous + 1
        {
            return Err(Error::NotContiguous { origin: origin.clone(), previous, found: height });
        }
        if let Some(last) = &self.last {
            if height == last.height
                && !header.hash.is_empty()
                && !header.hash.eq_ignore_ascii_case(&last.hash)
            {
                return Err(Error::ChangedHash {
                    origin: origin.clone(),
                    height,
                    expected: last.hash.to_ascii_lowercase(),
                    found: header.hash.clone(),
                });
            }
            // Heights between what is indexed and the first one served would be lost silently.
            if self.previous.is_none() && height > self.start.max(last.height + 1) {
                let previous = last.height.max(self.start - 1);
                return Err(Error::NotContiguous {
                    origin: origin.clone(),
                    previous,
                    found: height,
                });
            }
        }
        if self.begins_at_start && self.previous.is_none() && height > self.start {
            let previous = self.start - 1;
            return Err(Error::NotContiguous { origin: origin.clone(), previous, found: height });
        }
        if self.end_inclusive.is_some_and(|end| height > end) {
            return Ok(Verdict::Past);
        }
        self.previous = Some(height);
        Ok(if height < self.start { Verdict::Skip } else { Verdict::Take })
    }
}
