//! `audius-etl record`: write the blocks of any source into an archive.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::context::Context;
use super::index::check_range;
use super::telemetry::{MetricsArgs, Monitor};
use crate::chain::{
    self, ArchiveWriter, BlockSource, Compression, Fetched, Layout, RawBlock, RawBody,
    SourceConfig, Written,
};
use crate::decode;
use crate::failure::Failure;
use crate::telemetry::Work;
use crate::terminal;

/// Write the blocks of a source into an archive
///
/// Reads a node or an archive and writes a file that `index` reads. The name decides the format:
/// .jsonl holds a JSON object per line, .pb length-prefixed protobuf; .zst or .gz after it
/// compresses. Blocks of nodes are written with their transactions in the order in which they
/// apply, blocks of archives as they are.
#[derive(Args, Clone, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct RecordArgs {
    /// Where blocks come from: nodes, an archive, or - for standard input; as for `index`
    #[arg(long, value_name = "SOURCE", required = true)]
    pub source: Vec<String>,

    /// The archive to write; - writes JSON lines to standard output
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,

    /// First height to write
    #[arg(long, visible_alias = "start", value_name = "HEIGHT", default_value_t = 1)]
    #[arg(value_parser = clap::value_parser!(i64).range(1..))]
    pub from: i64,

    /// Last height to write
    #[arg(long, visible_alias = "end", value_name = "HEIGHT")]
    #[arg(value_parser = clap::value_parser!(i64).range(1..))]
    pub to: Option<i64>,

    /// Stop at the head seen at the start instead of following the chain
    #[arg(long, conflicts_with = "to")]
    pub once: bool,

    /// Failed attempts in a row before a source counts as unreachable
    #[arg(long, value_name = "N", default_value_t = 8)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    pub retry_limit: u32,

    /// Replace the archive if it exists
    #[arg(long)]
    pub force: bool,

    /// Where it is watched.
    #[command(flatten)]
    pub metrics: MetricsArgs,
}

const EXAMPLES: &str = "\
Examples:
  Write down what a node has so far:
    audius-etl record --source https://node1.example.org --once --out chain.pb.zst
  Turn a part of an archive into JSON lines to look at:
    audius-etl record --source chain.pb.zst --from 100 --to 110 --out - | jq .";

pub(crate) async fn run(args: RecordArgs, context: &Context) -> Result<(), Failure> {
    check_range(Some(args.from), args.to)?;
    chain::check(&args.source)?;
    let mut writer = open_writer(&args.out, args.force, context)?;
    let work = Work::new("record", "blocks");
    let monitor = args.metrics.watch(context, &work, Duration::ZERO).await?;
    let opening = chain::open(config(&args, &monitor));
    let mut source = context.interrupt.wait("the first block of the source", opening).await?;
    let _section = context.interrupt.section();
    let last = args.to.or_else(|| source.head().filter(|_| args.once));
    let all = last.and_then(|last| u64::try_from(last + 1 - args.from).ok());
    all.into_iter().for_each(|all| work.expects(all));
    let copying =
        terminal::work::follow(&context.printer, &work, copy(source.as_mut(), &mut writer, &work));
    let outcome = tokio::select! {
        () = context.cancel.cancelled() => Err(Failure::interrupted()),
        outcome = copying => outcome,
    };
    monitor.ends();
    // Whatever ended the reading: what was read becomes a complete archive.
    let written = writer.finish()?;
    context.printer.note(&told(&args.out, written));
    outcome
}

fn config(args: &RecordArgs, monitor: &Monitor) -> SourceConfig {
    let mut config = SourceConfig {
        start: args.from,
        end_inclusive: args.to,
        once: args.once,
        activity: monitor.activity.clone(),
        ..SourceConfig::new(args.source.iter().cloned())
    };
    config.limits.retry.limit = args.retry_limit;
    config
}

fn open_writer(out: &Path, force: bool, context: &Context) -> Result<ArchiveWriter, Failure> {
    if out.as_os_str() == "-" {
        let stdout = context.printer.data_stream();
        let name = "standard output";
        return Ok(ArchiveWriter::to_writer(stdout, name, Layout::JsonLines, Compression::Plain)?);
    }
    if out.exists() && !force {
        return Err(Failure::usage(format!("{} exists", out.display()))
            .hint("--force replaces it; another name keeps it"));
    }
    Ok(ArchiveWriter::create(out)?)
}

async fn copy(
    source: &mut dyn BlockSource,
    writer: &mut ArchiveWriter,
    work: &Work,
) -> Result<(), Failure> {
    loop {
        match source.next().await? {
            Fetched::Blocks(blocks) => {
                let last = blocks.last().map_or(0, |block| block.height);
                tokio::task::block_in_place(|| write(blocks, writer))?;
                let Written { blocks, bytes, .. } = writer.written();
                work.reached(blocks);
                work.does(format!("height {last}"));
                work.counts("MB", bytes >> 20);
                // An archive is always ready: let those who draw have their turn.
                tokio::task::yield_now().await;
            }
            Fetched::AtHead { head } => {
                tracing::debug!(head, "at the head of the chain");
                writer.flush()?;
            }
            Fetched::End => return Ok(()),
        }
    }
}

fn write(blocks: Vec<RawBlock>, writer: &mut ArchiveWriter) -> Result<(), Failure> {
    for mut block in blocks {
        if let RawBody::Message(message) = &mut block.body {
            decode::settle(message);
        }
        writer.write_raw(&block)?;
    }
    Ok(())
}

fn told(out: &Path, written: Written) -> String {
    let Written { blocks, bytes, heights } = written;
    let out = if out.as_os_str() == "-" { Path::new("standard output") } else { out };
    match heights {
        Some((first, last)) => format!(
            "{}: {blocks} blocks, heights {first} to {last}, {bytes} bytes before compression",
            out.display()
        ),
        None => format!("{}: no blocks", out.display()),
    }
}
