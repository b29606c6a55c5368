//! Comparing one table: segments, the rows of unequal ones, and the rows that differ in full.

use std::collections::HashMap;

use tokio::time::Instant;

use super::cursor::Cursor;
use super::judge::{FullRow, Judge, Judgement};
use super::merge::walk;
use super::plan::TablePlan;
use super::query::{Query, Selection};
use super::scan::{Scan, Segments};
use super::session::{Session, Texts};
use super::shared::Run;
use super::spool::Spool;
use super::{Difference, Error, Sample, Side, TableResult};

/// Segments of a table at most: their checksums are held in memory and sent per stretch.
pub(crate) const MOST_SEGMENTS: u64 = 4_096;

/// Rows sampled per segment to find where segments begin.
pub(crate) const SAMPLED_PER_SEGMENT: u64 = 100;

/// Rows of unequal segments that are walked with one statement where an index finds them.
const WALKED_AT_ONCE: u64 = 20_000;

/// Rows read in full at a time. Bounds memory together with the size of a row.
pub(crate) const IN_FULL_AT_ONCE: usize = 500;

/// Segments that are walked with one statement where an index finds them: the planner looks at each.
const RANGES_AT_ONCE: usize = 200;

/// Rows of unequal segments that are walked without looking for smaller segments first.
const WALKED_WITHOUT_ASKING: u64 = 50_000;

/// Rows of the smallest segments, and how many of those there are at most.
const FINE_ROWS: u64 = 16;
const MOST_FINE_SEGMENTS: u64 = 65_536;

/// How often unequal segments are split at most.
const SPLITS: usize = 3;

/// The same thing on both sides.
#[derive(Clone, Debug, Default)]
pub(crate) struct Both<T> {
    pub(crate) etl: T,
    pub(crate) prod: T,
}

/// A table being compared.
pub(crate) struct TableRun<'a> {
    pub(crate) run: &'a Run,
    pub(crate) plan: &'a TablePlan,
    selection: Selection,
    pub(crate) result: TableResult,
    pub(crate) spool: Spool,
    /// How many differences each entry of the known ones explained.
    pub(crate) uses: Vec<u64>,
}

impl<'a> TableRun<'a> {
    pub(crate) fn new(run: &'a Run, plan: &'a TablePlan) -> Self {
        let selection = run.selection(plan);
        let result = TableResult { table: plan.name.clone(), ..TableResult::default() };
        let uses = vec![0; run.known.entries.len()];
        Self { run, plan, selection, result, spool: Spool::default(), uses }
    }

    /// What statements about the table on one side are made of.
    pub(crate) fn query_of(&self, side: Side) -> Query<'_> {
        Self::query(self.plan, self.run, &self.selection, side)
    }

    fn query<'q>(
        plan: &'q TablePlan,
        run: &'q Run,
        selection: &'q Selection,
        side: Side,
    ) -> Query<'q> {
        Query { plan, side, window: run.window.as_ref(), selection, hash: run.hash }
    }

    fn judge(&self) -> Judge<'a> {
        let limits = |side| {
            let window = self.run.window.as_ref()?;
            Some(window.limits(self.plan.position, side)?.1)
        };
        Judge {
            plan: self.plan,
            known: &self.run.known,
            etl_limits: limits(Side::Etl),
            prod_limits: limits(Side::Prod),
        }
    }

    /// Compares the table, in one snapshot of each side.
    pub(crate) async fn compare(&mut self) -> Result<(), Error> {
        let begun = Instant::now();
        let mut etl = self.run.etl.session().await?;
        let mut prod = self.run.prod.session().await?;
        tokio::try_join!(etl.begin(), prod.begin())?;
        let mut sessions = if self.run.options.exact {
            self.walk_all(etl, prod).await?
        } else {
            self.compare_segments(etl, prod).await?
        };
        self.result.unseen = self.result.is_empty() && self.has_rows(&mut sessions).await?;
        tokio::try_join!(sessions.etl.finish(), sessions.prod.finish())?;
        self.result.seconds = begun.elapsed().as_secs_f64();
        Ok(())
    }

    /// Whether the table was asked for by name, or has any row.
    async fn has_rows(&self, sessions: &mut Both<Session>) -> Result<bool, Error> {
        if self.run.options.tables.contains(&self.plan.name) {
            return Ok(true);
        }
        let doing = format!("looking whether {} has rows", self.plan.name);
        for (side, session) in [(Side::Etl, &mut sessions.etl), (Side::Prod, &mut sessions.prod)] {
            let rows = session.texts(&doing, &self.query_of(side).any()).await?;
            if rows.first().and_then(|row| row.first()?.as_deref()) == Some("true") {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn walk_all(
        &mut self,
        mut etl: Session,
        mut prod: Session,
    ) -> Result<Both<Session>, Error> {
        self.walk(&mut etl, &mut prod, None).await?;
        Ok(Both { etl, prod })
    }

    async fn compare_segments(
        &mut self,
        mut etl: Session,
        mut prod: Session,
    ) -> Result<Both<Session>, Error> {
        let (one, other) = tokio::try_join!(etl.export(), prod.export())?;
        let snapshots = Both { etl: one, prod: other };
        let mut bounds = self.first_bounds(&mut etl, &mut prod).await?;
        let mut sessions = Both { etl, prod };
        let mut only: Option<Both<String>> = None;
        let mut fine = false;
        for split in 0.. {
            let (given_back, segments) =
                self.checksums(sessions, &bounds, only.as_ref(), &snapshots).await?;
            sessions = given_back;
            let unequal = self.tally(&segments, only.is_some());
            if unequal.is_empty() {
                break;
            }
            let (etl, prod) = (&mut sessions.etl, &mut sessions.prod);
            let finer = self.finer_segments(&segments, &unequal, fine);
            if let Some(rows) = finer.filter(|_| split < SPLITS) {
                let chosen = self.conditions(&bounds, &unequal);
                let count = rows_of(&segments, &unequal) / rows;
                bounds = self
                    .finer_bounds(etl, prod, &bounds, &segments, &unequal, &chosen, count)
                    .await?;
                only = Some(chosen);
                fine = rows == FINE_ROWS;
                continue;
            }
            for group in self.groups(&segments, &unequal) {
                self.walk(etl, prod, Some((&bounds, &group))).await?;
                if self.result.limited {
                    break;
                }
            }
            break;
        }
        Ok(sessions)
    }

    /// Where segments begin, from the keys of the side with more rows.
    async fn first_bounds(
        &self,
        etl: &mut Session,
        prod: &mut Session,
    ) -> Result<Vec<String>, Error> {
        let rows = self.plan.rows();
        let segments = (rows / self.run.options.segment_rows.max(1)).min(MOST_SEGMENTS);
        if segments < 2 {
            return Ok(Vec::new());
        }
        let side = if self.plan.etl.rows >= self.plan.prod.rows { Side::Etl } else { Side::Prod };
        #[expect(clippy::cast_precision_loss, reason = "a share of a page sample is approximate")]
        let percent = 100.0 * (segments * SAMPLED_PER_SEGMENT) as f64 / rows as f64;
        let sampled = self.plan.placement(side).pages.is_some() && percent < 60.0;
        let query = Self::query(self.plan, self.run, &self.selection, side);
        let sql = query.bounds(segments, sampled.then_some(percent), None);
        let session = if side == Side::Etl { etl } else { prod };
        self.read_bounds(session, &sql).await
    }

    async fn read_bounds(&self, session: &mut Session, sql: &str) -> Result<Vec<String>, Error> {
        let doing = format!("cutting {} into segments", self.plan.name);
        let mut bounds: Vec<String> =
            session.texts(&doing, sql).await?.into_iter().flatten().flatten().collect();
        bounds.dedup();
        Ok(bounds)
    }

    async fn checksums(
        &self,
        sessions: Both<Session>,
        bounds: &[String],
        only: Option<&Both<String>>,
        snapshots: &Both<Option<String>>,
    ) -> Result<(Both<Session>, Both<Segments>), Error> {
        let scan = |side, only, snapshot| Scan {
            query: Self::query(self.plan, self.run, &self.selection, side),
            bounds,
            only,
            snapshot,
            progress: &self.run.progress,
            cancel: &self.run.cancel,
        };
        let etl = scan(Side::Etl, only.map(|only| only.etl.as_str()), snapshots.etl.as_deref());
        let prod = scan(Side::Prod, only.map(|only| only.prod.as_str()), snapshots.prod.as_deref());
        let ((etl, mine), (prod, theirs)) =
            tokio::try_join!(etl.run(sessions.etl), prod.run(sessions.prod))?;
        Ok((Both { etl, prod }, Both { etl: mine, prod: theirs }))
    }

    /// Counts the rows of equal segments and returns the numbers of the others.
    fn tally(&mut self, segments: &Both<Segments>, again: bool) -> Vec<i64> {
        if !again {
            self.result.etl_rows = segments.etl.rows();
            self.result.prod_rows = segments.prod.rows();
        }
        let mut unequal = Vec::new();
        for number in segments.etl.numbers() {
            let (mine, theirs) = (segments.etl.get(number), segments.prod.get(number));
            if mine != theirs {
                unequal.push(number);
            } else if mine.rows > 0 {
                self.result.matched += mine.rows;
                self.result.segments += u64::from(!again);
            }
        }
        if !again {
            self.result.segments += unequal.len() as u64;
            self.result.unequal_segments = unequal.len() as u64;
        }
        unequal
    }

    /// Rows of smaller segments, if reading the unequal ones once more for those costs less than
    /// walking all their rows. Few differences in many rows show up in the fine ones: walking a row
    /// costs several times what summing up its hash does.
    fn finer_segments(
        &self,
        segments: &Both<Segments>,
        unequal: &[i64],
        fine: bool,
    ) -> Option<u64> {
        let usual = self.run.options.segment_rows;
        let rows = rows_of(segments, unequal);
        if fine || rows < 2 * FINE_ROWS {
            None
        } else if rows / unequal.len().max(1) as u64 > usual.saturating_mul(4) {
            Some(usual.max(FINE_ROWS + 1))
        } else {
            (rows > WALKED_WITHOUT_ASKING).then_some(FINE_ROWS)
        }
    }

    /// The conditions that leave the rows of these segments, on both sides.
    fn conditions(&self, bounds: &[String], chosen: &[i64]) -> Both<String> {
        let of =
            |side| Self::query(self.plan, self.run, &self.selection, side).segments(bounds, chosen);
        Both { etl: of(Side::Etl), prod: of(Side::Prod) }
    }

    /// Where `count` smaller segments begin within the unequal ones.
    #[expect(clippy::too_many_arguments, reason = "what is known of the segments so far")]
    async fn finer_bounds(
        &self,
        etl: &mut Session,
        prod: &mut Session,
        bounds: &[String],
        segments: &Both<Segments>,
        unequal: &[i64],
        chosen: &Both<String>,
        count: u64,
    ) -> Result<Vec<String>, Error> {
        let of = |segments: &Segments| -> u64 {
            unequal.iter().map(|&number| segments.get(number).rows).sum()
        };
        let side = if of(&segments.etl) >= of(&segments.prod) { Side::Etl } else { Side::Prod };
        let query = Self::query(self.plan, self.run, &self.selection, side);
        let (session, only) = match side {
            Side::Etl => (etl, &chosen.etl),
            Side::Prod => (prod, &chosen.prod),
        };
        let sql = query.bounds(count.clamp(2, MOST_FINE_SEGMENTS), None, Some(only));
        let mut finer = self.read_bounds(session, &sql).await?;
        // The old boundaries keep neighbours apart that are known to be equal.
        for &number in unequal {
            let around = [number - 1, number].map(|at| usize::try_from(at).ok());
            finer.extend(around.into_iter().flatten().filter_map(|at| bounds.get(at).cloned()));
        }
        match finer.iter().map(|bound| bound.parse::<i64>().ok()).collect::<Option<Vec<_>>>() {
            Some(_) if query.has_integer_key() => {
                finer.sort_by_key(|bound| bound.parse::<i64>().unwrap_or(0));
            }
            _ => finer.sort_unstable(),
        }
        finer.dedup();
        Ok(finer)
    }

    /// The unequal segments in groups that are walked with one statement each.
    fn groups(&self, segments: &Both<Segments>, unequal: &[i64]) -> Vec<Vec<i64>> {
        let found = [Side::Etl, Side::Prod]
            .map(|side| Self::query(self.plan, self.run, &self.selection, side).finds_ranges());
        if found != [true, true] {
            return vec![unequal.to_vec()];
        }
        let mut groups: Vec<Vec<i64>> = Vec::new();
        let mut rows = u64::MAX;
        for &number in unequal {
            let more = larger(segments, number);
            let full = groups.last().is_some_and(|group| group.len() >= RANGES_AT_ONCE);
            if full || rows.saturating_add(more) > WALKED_AT_ONCE {
                groups.push(Vec::new());
                rows = 0;
            }
            rows += more;
            groups.last_mut().expect("a group was pushed first").push(number);
        }
        groups
    }

    /// Walks the rows of some segments, or of the whole table, side by side.
    async fn walk(
        &mut self,
        etl: &mut Session,
        prod: &mut Session,
        segments: Option<(&[String], &[i64])>,
    ) -> Result<(), Error> {
        let whole = self.run.options.exact;
        let sql = |side| {
            Self::query(self.plan, self.run, &self.selection, side)
                .rows_of_segments(segments, whole)
        };
        let name = &self.plan.name;
        let (mut mine, mut theirs) = (Cursor::new(name), Cursor::new(name));
        let (my_sql, their_sql) = (sql(Side::Etl), sql(Side::Prod));
        tokio::try_join!(mine.open(etl, &my_sql), theirs.open(prod, &their_sql))?;
        let mut differing = Vec::new();
        loop {
            let (one, other) = tokio::try_join!(mine.fill(etl), theirs.fill(prod))?;
            if self.run.cancel.is_cancelled() {
                return Err(Error::Interrupted);
            }
            if whole {
                self.run.progress.advance(one + other);
                self.result.etl_rows += one;
                self.result.prod_rows += other;
            }
            let walked = walk(&mut mine.feed, &mut theirs.feed, &mut differing);
            self.result.matched += walked.equal;
            let finished = mine.feed.ended && theirs.feed.ended;
            while differing.len() >= IN_FULL_AT_ONCE || (finished && !differing.is_empty()) {
                let count = differing.len().min(IN_FULL_AT_ONCE);
                let batch: Vec<_> = differing.drain(..count).collect();
                self.read_in_full(etl, prod, &batch).await?;
                if self.result.limited {
                    differing.clear();
                }
            }
            if finished || self.result.limited {
                break;
            }
        }
        tokio::try_join!(mine.close(etl), theirs.close(prod))?;
        Ok(())
    }

    /// Reads the rows of these identities from both sides and judges them.
    async fn read_in_full(
        &mut self,
        etl: &mut Session,
        prod: &mut Session,
        identities: &[(String, Option<String>)],
    ) -> Result<(), Error> {
        let judgement = self.judge_again(etl, prod, identities).await?;
        self.result.matched += judgement.equal;
        self.result.ahead += judgement.ahead;
        for difference in judgement.differences {
            if self.run.options.limit.is_some_and(|limit| self.spool.len() >= limit) {
                self.result.limited = true;
                return Ok(());
            }
            self.keep(&difference)?;
        }
        Ok(())
    }

    /// Counts a difference and writes it down.
    pub(crate) fn keep(&mut self, difference: &Difference) -> Result<(), Error> {
        self.result.note(difference);
        let by_field = difference.fields.iter().filter_map(|field| field.known);
        for index in by_field.chain(difference.known) {
            self.uses[index] += 1;
        }
        self.run.progress.found(u64::from(!difference.is_known()));
        self.spool.push(difference)
    }

    pub(crate) async fn judge_again(
        &self,
        etl: &mut Session,
        prod: &mut Session,
        identities: &[(String, Option<String>)],
    ) -> Result<Judgement, Error> {
        let sql = |side| {
            Self::query(self.plan, self.run, &self.selection, side).rows_by_identity(identities)
        };
        let doing = format!("reading rows of {}", self.plan.name);
        let (my_sql, their_sql) = (sql(Side::Etl), sql(Side::Prod));
        let (mine, theirs) =
            tokio::try_join!(etl.texts(&doing, &my_sql), prod.texts(&doing, &their_sql))?;
        let (mut mine, mut theirs) = (by_identity(mine), by_identity(theirs));
        let judge = self.judge();
        let mut all = Judgement::default();
        for (identity, first) in identities {
            let etl = mine.remove(identity).unwrap_or_default();
            let prod = theirs.remove(identity).unwrap_or_default();
            let one = judge.judge(identity, first.as_deref(), etl, prod);
            all.equal += one.equal;
            all.ahead += one.ahead;
            all.differences.extend(one.differences);
        }
        self.explain(etl, prod, &mut all.differences).await?;
        Ok(all)
    }
}

impl Run {
    /// Which rows of a table take part.
    fn selection(&self, plan: &TablePlan) -> Selection {
        let options = &self.options;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of rows is approximate"
        )]
        let below = |share: f64| (share * 65_536.0).ceil().clamp(0.0, 65_536.0) as u32;
        #[expect(clippy::cast_precision_loss, reason = "a share of rows is approximate")]
        let sample_below = options.sample.map(|sample| match sample {
            Sample::Share(share) => below(share),
            Sample::Rows(rows) => below(rows as f64 / plan.rows().max(1) as f64),
        });
        let shard = options.shard.map(|(part, of)| (part - 1, of));
        Selection { condition: options.condition.clone(), sample_below, shard }
    }
}

fn rows_of(segments: &Both<Segments>, numbers: &[i64]) -> u64 {
    numbers.iter().map(|&number| larger(segments, number)).sum()
}

fn larger(segments: &Both<Segments>, number: i64) -> u64 {
    segments.etl.get(number).rows.max(segments.prod.get(number).rows)
}

/// The rows of a statement of [`Query::rows_by_identity`].
fn by_identity(rows: Vec<Texts>) -> HashMap<String, Vec<FullRow>> {
    let mut found: HashMap<String, Vec<FullRow>> = HashMap::new();
    for row in rows {
        let mut fields = row.into_iter();
        let Some(identity) = fields.next().flatten() else { continue };
        let inside = fields.next().flatten().as_deref() == Some("true");
        let position = fields.next().flatten().and_then(|text| text.parse().ok());
        let row = FullRow { inside, position, values: fields.collect() };
        found.entry(identity).or_default().push(row);
    }
    found
}
