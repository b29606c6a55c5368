//! When a track or a playlist goes public (handlers-b 4).

use super::{BlockContext, Handled, merge::Merge};
use crate::{
    model::{Json, Timestamp},
    rules::{Refusal, columns, dates},
};

/// The columns that depend on each other.
#[derive(Debug)]
pub(super) struct Release<'a> {
    /// `release_date`.
    pub(super) date: &'a mut Option<Timestamp>,
    /// `is_scheduled_release`.
    pub(super) is_scheduled: &'a mut Option<bool>,
    /// `is_unlisted` of a track, `is_private` of a playlist.
    pub(super) is_hidden: &'a mut Option<bool>,
    /// The name of the latter.
    pub(super) hidden_key: &'static str,
    /// How a sent value of the latter is read.
    pub(super) read_hidden: fn(&Json) -> Result<Option<bool>, Refusal>,
}

impl Release<'_> {
    /// Merges what was sent for the three columns.
    ///
    /// # Errors
    /// Skips a release date that is not text or out of range.
    pub(super) fn merge(self, merge: &mut Merge<'_>, block: &BlockContext) -> Handled {
        let is_update = !merge.is_create;
        let sent = merge.data.get("release_date").map_or(Ok(None), dates::release_date)?;
        // What is public cannot be moved into the future.
        let is_public = *self.is_hidden == Some(false);
        let date = sent.filter(|at| !(is_update && is_public && *at > block.clock));
        if date.is_some() {
            *self.date = date;
        }
        // A sent value that is overridden is not even looked at.
        let publishes = merge.data.get(self.hidden_key).is_some_and(|value| !value.truthy());
        if is_update && *self.is_hidden == Some(true) && publishes {
            *self.is_scheduled = Some(false);
            *self.date = Some(block.clock);
        } else {
            merge.set("is_scheduled_release", self.is_scheduled, columns::boolean)?;
        }
        match *self.date {
            Some(at) if merge.is_create && *self.is_scheduled == Some(true) => {
                *self.is_hidden = Some(is_ahead(at, date.is_some(), block.clock));
                Ok(())
            }
            _ => merge.set(self.hidden_key, self.is_hidden, self.read_hidden),
        }
    }
}

/// Parity: the reference compares texts, and a date that was sent carries a zone in its text.
fn is_ahead(at: Timestamp, is_sent: bool, now: Timestamp) -> bool {
    let zone = if is_sent { "+00:00" } else { "" };
    format!("{}{zone}", python_text(at)) >= python_text(now)
}

/// Python's `str(datetime)`.
fn python_text(at: Timestamp) -> String {
    let text = at.to_string();
    text.trim_end_matches('Z').replace('T', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_of_the_running_second_counts_as_past_unless_both_are_whole() {
        let whole = Timestamp::from_seconds(1_700_000_000);
        let within = Timestamp::from_micros(1_700_000_000_000_001);
        assert!(is_ahead(whole, true, whole));
        assert!(is_ahead(whole, false, whole));
        assert!(!is_ahead(whole, true, within));
        assert!(!is_ahead(whole, false, within));
        assert!(is_ahead(within, true, within));
        assert!(is_ahead(Timestamp::from_seconds(1_700_000_001), true, within));
    }
}
