//! `audius-etl generate`: write an archive of a made-up chain.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::context::Context;
use super::era::EraChoice;
use crate::chain::ArchiveWriter;
use crate::chain::generator::{Dialect, Generator, Plan, Profile};
use crate::failure::{Failure, FailureKind};

/// Write an archive of a made-up chain
///
/// The same options give the same bytes. Used for the bundled archive, for tests and measurements.
#[derive(Args, Clone, Debug)]
pub struct GenerateArgs {
    /// Archive to write; ends in .jsonl or .pb, optionally followed by .zst or .gz
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,

    /// Seed of the chain
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,

    /// Entity transactions [default: 10000, none with --profile plays]
    #[arg(long, value_name = "N")]
    pub txs: Option<u64>,

    /// Plays [default: twice --txs with --profile mixed, 10000 with plays, none with entities]
    #[arg(long, value_name = "N")]
    pub plays: Option<u64>,

    /// Blocks [default: from --txs-per-block]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub blocks: Option<u64>,

    /// Entity transactions (or, without any, plays) per block
    #[arg(long, value_name = "N", default_value_t = 20,
        value_parser = clap::value_parser!(u64).range(1..))]
    pub txs_per_block: u64,

    /// The program whose clients the chain is of
    #[arg(long, value_name = "ERA", default_value = "discovery")]
    pub era: EraChoice,

    /// What the chain has
    #[arg(long, value_name = "PROFILE", default_value = "mixed")]
    pub profile: ProfileChoice,

    /// Share of the entity calls that are invalid, from 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.1, value_parser = share)]
    pub invalid_share: f64,

    /// Number signatures, nonces and content ids, so that the archive is smaller
    #[arg(long)]
    pub numbered: bool,

    /// Chain id
    #[arg(long, value_name = "ID", default_value = "audius-generated")]
    pub chain_id: String,

    /// Height of the first block
    #[arg(long, value_name = "HEIGHT", default_value_t = 1,
        value_parser = clap::value_parser!(i64).range(1..))]
    pub start_height: i64,
}

/// What a chain has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ProfileChoice {
    /// Entity calls only.
    Entities,
    /// Entity calls, plays and everything else.
    Mixed,
    /// Plays only.
    Plays,
}

impl GenerateArgs {
    /// The chain that the options describe.
    fn plan(self) -> Plan {
        let profile = match self.profile {
            ProfileChoice::Entities => Profile::Entities,
            ProfileChoice::Mixed => Profile::Mixed,
            ProfileChoice::Plays => Profile::Plays,
        };
        let txs = self.txs.unwrap_or(if profile == Profile::Plays { 0 } else { 10_000 });
        let plays = self.plays.unwrap_or(match profile {
            Profile::Entities => 0,
            Profile::Mixed => txs.saturating_mul(2),
            Profile::Plays => 10_000,
        });
        let counted = if txs == 0 { plays } else { txs };
        Plan {
            seed: self.seed,
            chain_id: self.chain_id,
            start_height: self.start_height,
            blocks: self.blocks.unwrap_or_else(|| counted.div_ceil(self.txs_per_block).max(1)),
            txs,
            plays,
            profile,
            dialect: match self.era {
                EraChoice::Discovery => Dialect::discovery(),
                EraChoice::Etl => Dialect::etl(),
            },
            invalid_per_mille: per_mille(self.invalid_share),
            numbered: self.numbered,
        }
    }
}

fn share(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|share| (0.0..=1.0).contains(share))
        .ok_or_else(|| "a number from 0 to 1 is needed".to_owned())
}

fn per_mille(share: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share was checked to lie between 0 and 1"
    )]
    let per_mille = (share * 1000.0).round() as u64;
    per_mille
}

pub(crate) async fn run(args: GenerateArgs, context: &Context) -> Result<(), Failure> {
    let out = args.out.clone();
    let plan = args.plan();
    let cancel = context.cancel.clone();
    let _section = context.interrupt.section();
    let writing = tokio::task::spawn_blocking(move || {
        let mut writer = ArchiveWriter::create(&out)?;
        for block in Generator::new(plan).take_while(|_| !cancel.is_cancelled()) {
            writer.write_message(&block)?;
        }
        writer.finish()
    });
    let written = writing.await.map_err(|error| Failure::new(FailureKind::Data, error))??;
    context
        .printer
        .data(&format!("{} blocks, {} bytes before compression", written.blocks, written.bytes))?;
    Ok(())
}
