//! Tables that one side cannot be asked about: raw rows of a chain that it no longer has, balances
//! of another Ethereum block.

use super::plan::{Plan, Skipped, TablePlan};
use super::session::Session;
use super::window::Window;
use super::{Error, Side};

/// Heights at the end of the window of which none has a raw row where the chain's are gone. Some
/// may be missing by accident.
const LOOKED_AT: i64 = 1_000;

/// Tables of balances on Ethereum.
const BALANCES: [&str; 2] = ["eth_wallet_balances", "eth_user_balances"];

/// Leaves out the raw tables where one side, and it alone, has none of the chain: they went with the
/// chain, and are not missing.
pub(crate) async fn raw_rows(
    plan: &mut Plan,
    window: &Window,
    etl: &mut Session,
    prod: &mut Session,
) -> Result<(), Error> {
    if plan.tables.iter().all(|table| table.name != "etl_blocks") {
        return Ok(());
    }
    let heights = window.heights;
    let first = heights.first.max(heights.last - LOOKED_AT);
    let sql = format!(
        "SELECT EXISTS (SELECT FROM etl_blocks AS b WHERE b.block_height BETWEEN {first} AND {})::text",
        heights.last
    );
    let doing = "looking for raw rows of the chain";
    let (mine, theirs) = tokio::try_join!(etl.texts(doing, &sql), prod.texts(doing, &sql))?;
    let has = |rows: Vec<Vec<Option<String>>>| {
        rows.into_iter().flatten().flatten().next().as_deref() == Some("true")
    };
    let without = match (has(mine), has(theirs)) {
        (true, false) => Side::Prod,
        (false, true) => Side::Etl,
        _ => return Ok(()),
    };
    let reason = format!("{without} no longer has the raw rows of {}", window.chain);
    skip(plan, &reason, |table| table.name.starts_with("etl_"));
    Ok(())
}

/// Leaves out balances where the two sides have read Ethereum up to different blocks.
pub(crate) async fn other_heads(
    plan: &mut Plan,
    etl: &mut Session,
    prod: &mut Session,
) -> Result<(), Error> {
    if plan.tables.iter().all(|table| !BALANCES.contains(&table.name.as_str())) {
        return Ok(());
    }
    let (mine, theirs) = tokio::try_join!(head(etl), head(prod))?;
    if let (Some(mine), Some(theirs)) = (mine, theirs)
        && mine != theirs
    {
        let reason = format!(
            "etl has read Ethereum up to block {mine}, prod up to {theirs}: balances are comparable \
             at one block only"
        );
        skip(plan, &reason, |table| BALANCES.contains(&table.name.as_str()));
    }
    Ok(())
}

/// The last block of Ethereum that a database has followed, where it says so.
async fn head(session: &mut Session) -> Result<Option<String>, Error> {
    let doing = "looking how far Ethereum was read";
    let there = "SELECT has_table_privilege(c.oid, 'SELECT')::text FROM pg_class AS c \
         WHERE c.oid = to_regclass('eth_indexer_checkpoints')";
    let there = session.texts(doing, there).await?;
    if there.into_iter().flatten().flatten().next().as_deref() != Some("true") {
        return Ok(None);
    }
    let last = "SELECT max(c.last_block)::text FROM eth_indexer_checkpoints AS c";
    Ok(session.texts(doing, last).await?.into_iter().flatten().flatten().next())
}

fn skip(plan: &mut Plan, reason: &str, which: impl Fn(&TablePlan) -> bool) {
    let skipped = plan.tables.extract_if(.., |table| which(table));
    let skipped = skipped.map(|table| Skipped { table: table.name, reason: reason.to_owned() });
    plan.skipped.extend(skipped);
}
