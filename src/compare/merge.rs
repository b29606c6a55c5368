//! Two streams of rows in the order of their identities, walked side by side. Pure.

use std::collections::VecDeque;

/// A row as far as finding differences needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Keyed {
    /// Identifies the row within its table, on both sides.
    pub(crate) identity: String,
    /// The first column of the key, to find the row again.
    pub(crate) first: Option<String>,
    /// Hash of the row, or the row.
    pub(crate) content: String,
}

/// Rows received of one side, and whether more will come.
#[derive(Debug, Default)]
pub(crate) struct Feed {
    pub(crate) rows: VecDeque<Keyed>,
    pub(crate) ended: bool,
}

impl Feed {
    /// Whether the first identity is there with all its rows, or nothing will ever come.
    pub(crate) fn is_ready(&self) -> bool {
        self.ended
            || match (self.rows.front(), self.rows.back()) {
                (Some(first), Some(last)) => first.identity != last.identity,
                _ => false,
            }
    }

    /// Takes the rows with this identity.
    fn take(&mut self, identity: &str) -> Vec<Keyed> {
        let mut rows = Vec::new();
        while self.rows.front().is_some_and(|row| row.identity == identity) {
            rows.extend(self.rows.pop_front());
        }
        rows
    }
}

/// What the walk came upon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Walked {
    /// Rows that are the same on both sides, counted once.
    pub(crate) equal: u64,
    /// Rows of identities that differ, on each side.
    pub(crate) unequal: u64,
}

/// Walks as far as what was received allows; identities that differ go into `differing` with their
/// first key.
pub(crate) fn walk(
    etl: &mut Feed,
    prod: &mut Feed,
    differing: &mut Vec<(String, Option<String>)>,
) -> Walked {
    let mut walked = Walked::default();
    while etl.is_ready() && prod.is_ready() {
        let identity = match (etl.rows.front(), prod.rows.front()) {
            (Some(one), Some(other)) => one.identity.as_str().min(&other.identity).to_owned(),
            (Some(row), None) | (None, Some(row)) => row.identity.clone(),
            (None, None) => break,
        };
        let (mut mine, mut theirs) = (etl.take(&identity), prod.take(&identity));
        let rows = mine.len();
        for rows in [&mut mine, &mut theirs] {
            rows.sort_unstable_by(|one, other| one.content.cmp(&other.content));
        }
        if mine == theirs {
            walked.equal += rows as u64;
        } else {
            walked.unequal += (rows + theirs.len()) as u64;
            let first = mine.into_iter().chain(theirs).next().and_then(|row| row.first);
            differing.push((identity, first));
        }
    }
    walked
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn row(identity: &str, content: &str) -> Keyed {
        Keyed { identity: identity.into(), first: None, content: content.into() }
    }

    fn feed(rows: &[(&str, &str)]) -> Feed {
        let rows = rows.iter().map(|(identity, content)| row(identity, content)).collect();
        Feed { rows, ended: true }
    }

    #[test]
    fn identities_of_one_side_or_with_other_content_differ() {
        let mut differing = Vec::new();
        let walked = walk(
            &mut feed(&[("a", "1"), ("b", "1"), ("d", "1"), ("d", "2")]),
            &mut feed(&[("b", "2"), ("c", "1"), ("d", "2"), ("d", "1")]),
            &mut differing,
        );
        let identities: Vec<_> = differing.iter().map(|(identity, _)| identity.as_str()).collect();
        assert_eq!(identities, ["a", "b", "c"]);
        assert_eq!(walked, Walked { equal: 2, unequal: 4 });
    }

    #[test]
    fn repeated_rows_count() {
        let mut differing = Vec::new();
        walk(&mut feed(&[("a", "1"), ("a", "1")]), &mut feed(&[("a", "1")]), &mut differing);
        assert_eq!(differing.len(), 1);
    }

    #[test]
    fn an_identity_whose_rows_may_still_come_is_not_judged_yet() {
        let mut etl = Feed { rows: [row("a", "1")].into(), ended: false };
        let mut differing = Vec::new();
        assert_eq!(walk(&mut etl, &mut feed(&[]), &mut differing), Walked::default());
        etl.rows.push_back(row("b", "1"));
        assert_eq!(walk(&mut etl, &mut feed(&[]), &mut differing).unequal, 1);
        assert_eq!(differing.len(), 1);
    }

    proptest! {
        #[test]
        fn exactly_the_keys_with_other_rows_differ_however_the_rows_arrive(
            mine in prop::collection::vec((0_u8..20, 0_u8..3), 0..60),
            theirs in prop::collection::vec((0_u8..20, 0_u8..3), 0..60),
            portion in 1_usize..10,
        ) {
            let multiset = |rows: &[(u8, u8)]| {
                let mut map: BTreeMap<u8, Vec<u8>> = BTreeMap::new();
                for (key, content) in rows {
                    map.entry(*key).or_default().push(*content);
                }
                map.values_mut().for_each(|contents| contents.sort_unstable());
                map
            };
            let (one, other) = (multiset(&mine), multiset(&theirs));
            let wanted: Vec<_> = (0..20_u8)
                .filter(|key| one.get(key) != other.get(key))
                .map(|key| format!("{key:02}"))
                .collect();
            let sorted = |mut rows: Vec<(u8, u8)>| {
                rows.sort_by_key(|(key, _)| *key);
                let rows = rows.iter();
                rows.map(|(key, content)| row(&format!("{key:02}"), &content.to_string()))
                    .collect::<VecDeque<_>>()
            };
            let (mut mine, mut theirs) = (sorted(mine), sorted(theirs));
            let (mut etl, mut prod) = (Feed::default(), Feed::default());
            let mut differing = Vec::new();
            while !etl.ended || !prod.ended || !etl.rows.is_empty() || !prod.rows.is_empty() {
                for (feed, rest) in [(&mut etl, &mut mine), (&mut prod, &mut theirs)] {
                    let count = portion.min(rest.len());
                    feed.rows.extend(rest.drain(..count));
                    feed.ended = rest.is_empty();
                }
                walk(&mut etl, &mut prod, &mut differing);
            }
            let found: Vec<_> = differing.into_iter().map(|(identity, _)| identity).collect();
            prop_assert_eq!(found, wanted);
        }
    }
}
