//! Replays one recording through the binary and compares what it left behind.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};

use super::leeway;
use super::recording::{NotApplied, Recording, Seed};
use super::rules;
use super::settle::settle;
use crate::database::{Catalog, Server};
use crate::diff::Tables;
use crate::diff::compare::compare;
use crate::diff::normalise;
use crate::diff::value::Value;
use crate::indexer::{Indexer, Reject};
use crate::recording::Entry;
use crate::replay::Findings;

/// How `index` is told whose behaviour to follow.
const ERA: [&str; 2] = ["--era", "etl"];

/// A database to copy, and its tables.
#[derive(Debug)]
pub(crate) struct Ground {
    pub(crate) template: String,
    pub(crate) catalog: Catalog,
}

/// Makes a migrated database the ground of these recordings; with production's constraints taken
/// off where `is_relaxed`.
pub(crate) async fn prepare(
    server: &Server,
    migrated: &str,
    template: String,
    is_relaxed: bool,
) -> Result<Ground> {
    server.create(&template, Some(migrated)).await?;
    let mut connection = server.connect(&template).await?;
    connection.execute(rules::FIRST_BLOCK).await.context("the first block")?;
    for statement in rules::RELAXED.iter().filter(|_| is_relaxed) {
        if let Err(error) = connection.execute(*statement).await
            && error.as_database_error().is_none()
        {
            return Err(error.into());
        }
    }
    let catalog = Catalog::read(&mut connection).await?;
    connection.close().await?;
    Ok(Ground { template, catalog })
}

/// Replays a recording in the database `name`, a copy of the ground.
pub(crate) async fn replay(
    entry: &Entry,
    ground: &Ground,
    server: &Server,
    name: &str,
    indexer: &Indexer,
    rejects: &Path,
) -> Result<Findings> {
    let mut findings = Findings::default();
    let recording = Recording::of(entry);
    let recorded = recording.read()?;
    let mut connection = server.connect(name).await?;
    let mut seeded = Tables::new();
    if let Some(seed) = recording.seed()? {
        plant(seed, &ground.catalog, &mut connection, &mut findings).await?;
        let counted = rules::COUNTED.iter().copied();
        seeded = ground.catalog.dump(&mut connection, counted).await?;
    }
    connection.close().await?;
    let url = server.url_of(name)?;
    let mut arguments: Vec<&str> = ERA.to_vec();
    arguments.extend(["--verifier-address", &recorded.verifier]);
    let listed = indexer.run(&url, &recording.input(), rejects, &arguments).await?;
    compare_outcomes(&recorded.not_applied, &listed, &mut findings);

    let mut connection = server.connect(name).await?;
    let names: Vec<String> = compared(&ground.catalog, &recorded.tables);
    let mut ours = ground.catalog.dump(&mut connection, names.iter().map(String::as_str)).await?;
    connection.close().await?;
    let mut tables = recorded.tables;
    normalise::mark(&mut tables, &recorded.json_nulls, &Value::JsonNull);
    settle(&mut tables, &mut ours);
    leeway::forgive(&mut tables, &ours, &seeded);
    let diffs = compare(&tables, &ours, rules::natural_key);
    findings.tables.extend(diffs.into_iter().filter(|diff| !diff.differences.is_empty()));
    Ok(findings)
}

/// The tables of both sides that are not ours alone.
fn compared(catalog: &Catalog, recorded: &Tables) -> Vec<String> {
    let names: BTreeSet<&str> =
        catalog.tables().chain(recorded.keys().map(String::as_str)).collect();
    let is_ours = |name: &&str| name.starts_with(rules::OURS);
    names.into_iter().filter(|name| !is_ours(name)).map(str::to_owned).collect()
}

/// Loads the rows before, triggers off.
async fn plant(
    seed: Seed,
    catalog: &Catalog,
    connection: &mut PgConnection,
    findings: &mut Findings,
) -> Result<()> {
    match seed {
        Seed::Sql(statements) => {
            connection.execute("SET session_replication_role = replica").await?;
            for statement in statements {
                // What our schema lacks is left out; whether it matters the comparison shows.
                if let Err(error) = connection.execute(AssertSqlSafe(statement)).await {
                    let error = error.as_database_error().map(ToString::to_string);
                    findings.notes.push(format!("seed: {}", error.context("load the seed")?));
                }
            }
            connection.execute("SET session_replication_role = origin").await?;
        }
        Seed::Rows { empty, rows, json_nulls } => {
            connection.execute("SET session_replication_role = replica").await?;
            for table in empty.iter().filter(|table| catalog.has_table(table)) {
                connection.execute(AssertSqlSafe(format!("DELETE FROM \"{table}\""))).await?;
            }
            let rows = catalog.fitting(rows);
            catalog.seed(connection, &rows, &json_nulls, &Default::default()).await?;
        }
    }
    Ok(())
}

fn compare_outcomes(recorded: &NotApplied, ours: &[Reject], findings: &mut Findings) {
    let outcome = |reject: &Reject| {
        let index = i64::try_from(reject.index).unwrap_or(i64::MAX);
        (reject.height, index, reject.outcome.class().to_owned())
    };
    let ours: NotApplied = ours.iter().map(outcome).collect();
    let mut tell = |what: &str, (height, index, class): &(i64, i64, String)| {
        findings.problems.push(format!("{what}: block {height}, transaction {index}: {class}"));
    };
    recorded.difference(&ours).for_each(|outcome| tell("recorded only", outcome));
    ours.difference(recorded).for_each(|outcome| tell("ours only", outcome));
}
