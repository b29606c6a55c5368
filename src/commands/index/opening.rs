//! Where the blocks of a run come from and with which it begins: what earlier runs have indexed, and
//! where one chain is left for the next.

use std::path::{Path, PathBuf};

use super::args::{IndexArgs, SourceChoice};
use super::run::Job;
use crate::chain::{self, BlockSource, LastBlock, NodeLimits, RetryPolicy, SourceConfig};
use crate::db::plan::{StoredPlan, StoredSwitch};
use crate::db::start::{ChainPosition, StartState};
use crate::failure::{Failure, FailureKind};

/// The archive that is indexed when nothing else is named.
const DEMO_ARCHIVE: &[u8] = include_bytes!("../../../fixtures/demo.jsonl.zst");

/// Which chains a database holds, one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Route {
    /// The chain that was indexed first, once that is known.
    pub(super) first: Option<String>,
    /// Where it is left for the next one.
    pub(super) switch: Option<StoredSwitch>,
}

/// A source, and where the run begins in it.
pub(super) struct Opened {
    pub(super) source: Box<dyn BlockSource>,
    /// The first height wanted.
    pub(super) first_height: i64,
    /// The block before it, if it is indexed.
    pub(super) resume: Option<LastBlock>,
}

impl Route {
    /// What the options ask for, as far as it agrees with what is stored and indexed.
    ///
    /// # Errors
    /// The chain is to be left elsewhere than was stored, or has gone on beyond that.
    pub(super) fn agreed(
        args: &IndexArgs,
        start: &StartState,
        stored: Option<&StoredPlan>,
    ) -> Result<Self, Failure> {
        let stored = stored.filter(|_| !start.is_empty);
        let known = stored.and_then(|plan| plan.chain.as_deref());
        let first = match known {
            Some(chain) => start.position(chain),
            None => start.oldest(),
        };
        let chain = first.map(|at| at.chain.clone()).or(known.map(str::to_owned));
        let kept = stored.and_then(|plan| plan.switch);
        let asked = args.to.zip(args.then_from).map(|(last, first)| StoredSwitch { last, first });
        let has_left = start.latest().map(|at| &at.chain) != first.map(|at| &at.chain);
        match (kept, asked, first) {
            (Some(kept), Some(asked), _) if kept != asked => Err(other_switch(kept, asked)),
            (Some(kept), None, _) if !has_left && args.to.is_none_or(|last| last > kept.last) => {
                Err(unfinished(kept, chain.as_deref()))
            }
            (None, Some(asked), Some(at))
                if at.height > asked.last || has_left && at.height < asked.last =>
            {
                Err(passed(asked, at))
            }
            _ => Ok(Self { first: chain, switch: kept.or(asked) }),
        }
    }
}

fn other_switch(kept: StoredSwitch, asked: StoredSwitch) -> Failure {
    Failure::usage(format!(
        "--to {} --then-from {}: the database was told to leave its first chain after block {} and \
         to go on with block {} of the next",
        asked.last, asked.first, kept.last, kept.first
    ))
    .hint(format!("--to {} --then-from {} goes on", kept.last, kept.first))
    .hint(
        "where nothing of the next chain is indexed yet, UPDATE audius_etl_plan SET switch_at = \
         NULL, next_from = NULL forgets it",
    )
}

fn unfinished(kept: StoredSwitch, chain: Option<&str>) -> Failure {
    let chain = chain.unwrap_or("its first chain");
    Failure::usage(format!("the database is to leave {chain} after block {}", kept.last)).hint(
        format!(
            "--to {} --then SOURCE --then-from {} goes on; a --to up to that height stops before",
            kept.last, kept.first
        ),
    )
}

fn passed(asked: StoredSwitch, at: &ChainPosition) -> Failure {
    let (chain, height) = (&at.chain, at.height);
    Failure::usage(format!(
        "--to {}: {chain} cannot be left there, it is indexed up to block {height}",
        asked.last
    ))
}

impl Job<'_> {
    /// Opens the source after the last block that was indexed of its chain.
    pub(super) async fn open_where_it_stands(&self) -> Result<Opened, Failure> {
        if self.args.new_chain {
            return self.open_new_chain().await;
        }
        let latest = self.start.latest();
        let first = self.route.first.as_deref().and_then(|chain| self.start.position(chain));
        let Some(switch) = self.route.switch else {
            return self
                .open(SourceConfig { end_inclusive: self.args.to, ..self.at(latest)? })
                .await;
        };
        match first.filter(|first| first.height >= switch.last) {
            Some(first) => {
                let next = latest.filter(|at| at.chain != first.chain);
                let config = self.next_chain(switch, next, &first.chain)?;
                self.open(config).await
            }
            None if self.args.then.is_empty() => {
                let config = SourceConfig { end_inclusive: self.args.to, ..self.at(latest)? };
                self.open(config).await
            }
            None => self.open_both(switch, latest).await,
        }
    }

    /// Which chain the source has is not known before it has said so.
    async fn open_new_chain(&self) -> Result<Opened, Failure> {
        let opened =
            self.open(SourceConfig { end_inclusive: self.args.to, ..self.at(None)? }).await?;
        let known = opened.source.chain_id().and_then(|chain| self.start.position(chain));
        let Some(position) = known else { return Ok(opened) };
        let (chain, height) = (&position.chain, position.height);
        if matches!(&self.source, SourceChoice::Given(sources) if sources.iter().any(|it| it == "-"))
        {
            let text = format!("chain {chain} is no new one: it stands at block {height}");
            return Err(Failure::usage(text).hint("leave --new-chain away"));
        }
        tracing::info!(chain, height, "the chain of --new-chain is known already and goes on");
        let config = SourceConfig { end_inclusive: self.args.to, ..self.at(Some(position))? };
        self.open(SourceConfig { chain_id: None, ..config }).await
    }

    /// Opens the first chain up to its last height, and the next one behind it.
    async fn open_both(
        &self,
        switch: StoredSwitch,
        latest: Option<&ChainPosition>,
    ) -> Result<Opened, Failure> {
        let first = self.at(latest)?;
        let limits = node_limits(self.args.then_to.is_some(), self.args.retry_limit);
        let first = SourceConfig { end_inclusive: Some(switch.last), limits, ..first };
        let then = self.next_chain(switch, None, "")?;
        let (first_height, resume) = (first.start, first.last.clone());
        self.watch(first.sources.iter().chain(&then.sources));
        let opening = chain::open_switching(first, then);
        let opened = self.context.interrupt.wait("the first block of the source", opening);
        Ok(Opened { source: opened.await?, first_height, resume })
    }

    async fn open(&self, config: SourceConfig) -> Result<Opened, Failure> {
        let (first_height, resume) = (config.start, config.last.clone());
        self.watch(config.sources.iter());
        let opening = chain::open(config);
        let opened = self.context.interrupt.wait("the first block of the source", opening);
        Ok(Opened { source: opened.await?, first_height, resume })
    }

    fn watch<'a>(&self, mut sources: impl Iterator<Item = &'a String>) {
        self.monitor.telemetry.opens(sources.any(|source| chain::is_node(source)));
    }

    /// The source that was named, from where its chain stands.
    fn at(&self, position: Option<&ChainPosition>) -> Result<SourceConfig, Failure> {
        let sources = match &self.source {
            SourceChoice::Given(sources) => sources.clone(),
            SourceChoice::Nothing => Vec::new(),
            SourceChoice::Bundled => {
                let path = demo_archive(&self.context.settings.data_dir)?;
                self.context.printer.note(&format!("indexing the demo archive {}", path.display()));
                vec![path.display().to_string()]
            }
        };
        let bounded = self.args.once || self.args.to.is_some();
        let config = SourceConfig {
            start: self.args.from.unwrap_or(1),
            once: self.args.once,
            limits: node_limits(bounded, self.args.retry_limit),
            activity: self.monitor.activity.clone(),
            ..SourceConfig::new(sources)
        };
        Ok(behind(config, position))
    }

    /// The source of the chain after the one that is `left`, from where it stands.
    fn next_chain(
        &self,
        switch: StoredSwitch,
        position: Option<&ChainPosition>,
        left: &str,
    ) -> Result<SourceConfig, Failure> {
        let named = self.at(None)?;
        let config = if self.args.then.is_empty() {
            // After the switch, the chain is one like any other.
            SourceConfig { end_inclusive: self.args.to, ..named }
        } else {
            SourceConfig {
                sources: self.args.then.clone(),
                end_inclusive: self.args.then_to,
                limits: node_limits(self.args.then_to.is_some(), self.args.retry_limit),
                ..named
            }
        };
        let config = SourceConfig {
            start: switch.first,
            behind: Some(left.to_owned()),
            begins_at_start: true,
            ..config
        };
        Ok(behind(config, position))
    }
}

/// `config` behind the block that a chain stands at.
fn behind(config: SourceConfig, position: Option<&ChainPosition>) -> SourceConfig {
    let Some(at) = position else { return config };
    let last = LastBlock { height: at.height, hash: at.block_hash.clone() };
    SourceConfig {
        start: at.height + 1,
        chain_id: Some(at.chain.clone()),
        last: Some(last),
        ..config
    }
}

/// A follower waits for its node as long as it takes; a bounded run gives up.
fn node_limits(bounded: bool, retry_limit: u32) -> NodeLimits {
    NodeLimits {
        retry: RetryPolicy { limit: retry_limit, forever: !bounded, ..RetryPolicy::default() },
        ..NodeLimits::default()
    }
}

/// Puts the bundled archive where a source can read it.
fn demo_archive(data_dir: &Path) -> Result<PathBuf, Failure> {
    let path = data_dir.join("demo.jsonl.zst");
    std::fs::create_dir_all(data_dir).and_then(|()| std::fs::write(&path, DEMO_ARCHIVE)).map_err(
        |error| {
            Failure::new(FailureKind::Usage, error).hint(format!(
                "--data-dir names a folder that can be written; it is {}",
                data_dir.display()
            ))
        },
    )?;
    Ok(path)
}
