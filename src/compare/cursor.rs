//! Rows of one table in the order of their identities, read in portions.

use super::Error;
use super::merge::{Feed, Keyed};
use super::session::Session;

/// Rows fetched from a cursor at a time.
const FETCHED_AT_ONCE: usize = 5_000;

/// An ordered query read in portions, so that other statements find room between them.
pub(crate) struct Cursor<'a> {
    table: &'a str,
    pub(crate) feed: Feed,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(table: &'a str) -> Self {
        Self { table, feed: Feed::default() }
    }

    pub(crate) async fn open(&mut self, session: &mut Session, sql: &str) -> Result<(), Error> {
        let doing = format!("reading {} in the order of its key", self.table);
        session.execute(&doing, &format!("DECLARE walked NO SCROLL CURSOR FOR {sql}")).await
    }

    /// Fetches until the first identity is there with all its rows; the rows that came.
    pub(crate) async fn fill(&mut self, session: &mut Session) -> Result<u64, Error> {
        let doing = format!("reading {} in the order of its key", self.table);
        let mut count = 0;
        while !self.feed.is_ready() {
            let rows =
                session.texts(&doing, &format!("FETCH {FETCHED_AT_ONCE} FROM walked")).await?;
            self.feed.ended = rows.len() < FETCHED_AT_ONCE;
            count += rows.len() as u64;
            self.feed.rows.extend(rows.into_iter().filter_map(|row| {
                let mut fields = row.into_iter();
                let identity = fields.next()??;
                let first = fields.next()?;
                Some(Keyed { identity, first, content: fields.next()?? })
            }));
        }
        Ok(count)
    }

    pub(crate) async fn close(&self, session: &mut Session) -> Result<(), Error> {
        session.execute("closing a cursor", "CLOSE walked").await
    }
}
