//! `audius-etl migrate`: apply, revert or list schema migrations.

use clap::{Args, Subcommand};
use sqlx::Connection;

use super::context::Context;
use super::database::OpenDatabase;
use crate::db::Error;
use crate::db::migrate::{Migrator, Origin, State, Status, Step};
use crate::failure::Failure;
use crate::terminal::table;

/// Apply, revert or list schema migrations
///
/// The schema has production's names, types and indexes. On a copy of production, or on a database
/// that the Go ETL made, what is there is kept as it is and the migration counts as adopted.
#[derive(Args, Clone, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct MigrateArgs {
    /// What to do [default: up]
    #[command(subcommand)]
    pub action: Option<MigrateAction>,

    /// Print the SQL that would run, and run nothing
    #[arg(long, global = true)]
    pub dry_run: bool,
}

/// What `migrate` can do.
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum MigrateAction {
    /// Apply what is pending
    Up,
    /// Revert every migration above a version
    ///
    /// Drops the tables that the migrations made, with everything in them. What an adopted
    /// migration found is never touched; only what it added goes.
    Down {
        /// The version to go back to; 0 reverts all
        #[arg(long, value_name = "VERSION", value_parser = clap::value_parser!(i32).range(0..))]
        to: i32,
    },
    /// List the migrations and how each stands
    ///
    /// Ends with code 7 if the database is not one to work on: changed or unknown migrations, or
    /// one that golang-migrate left half-way.
    Status,
}

const EXAMPLES: &str = "\
Examples:
  Bring a database up to date:
    audius-etl migrate --db postgres://localhost/audius
  See what that would run:
    audius-etl migrate --dry-run --db postgres://localhost/audius
  Take everything back:
    audius-etl migrate down --to 0 --db postgres://localhost/audius";

pub(crate) async fn run(args: MigrateArgs, context: &Context) -> Result<(), Failure> {
    let open = OpenDatabase::open(context).await?;
    let done = act(&args, context, &open).await;
    let closed = open.close().await;
    done.and(closed)
}

async fn act(args: &MigrateArgs, context: &Context, open: &OpenDatabase) -> Result<(), Failure> {
    let migrator = Migrator::default();
    let mut connection = open.database().connect().await?;
    match (args.action.unwrap_or(MigrateAction::Up), args.dry_run) {
        (MigrateAction::Up, false) => {
            report(context, "applied", &migrator.up(&mut connection).await?)?;
        }
        (MigrateAction::Up, true) => print_sql(context, &migrator.plan_up(&mut connection).await?)?,
        (MigrateAction::Down { to }, false) => {
            report(context, "reverted", &migrator.down(&mut connection, to).await?)?;
        }
        (MigrateAction::Down { to }, true) => {
            print_sql(context, &migrator.plan_down(&mut connection, to).await?)?;
        }
        (MigrateAction::Status, _) => {
            let status = migrator.status(&mut connection).await?;
            context.printer.data(&render(&status))?;
            let origin = migrator.origin(&mut connection).await?;
            let adopted = match origin {
                Origin::Empty | Origin::Ours => "",
                _ if status.iter().any(|line| line.state == State::Adopted) => ", adopted",
                _ => ", would be adopted",
            };
            context.printer.data(&format!("database: {origin}{adopted}"))?;
            migrator.plan_up(&mut connection).await?;
        }
    }
    let closing = Error::query("closing the connection");
    connection.close().await.map_err(closing)?;
    Ok(())
}

/// Says what was done, a line per migration.
fn report(context: &Context, done: &str, steps: &[Step]) -> Result<(), Failure> {
    if steps.is_empty() {
        context.printer.note("nothing to do");
    }
    for step in steps {
        let adopted = if step.adopted { " (adopted)" } else { "" };
        context.printer.data(&format!("{done} {}{adopted}", step.name))?;
    }
    Ok(())
}

fn print_sql(context: &Context, steps: &[Step]) -> Result<(), Failure> {
    if steps.is_empty() {
        context.printer.note("nothing to do");
    }
    for Step { name, sql, builds, .. } in steps {
        let mut text = format!("-- {name}\n");
        if sql.is_empty() && builds.is_empty() {
            text += "-- nothing to add\n";
        }
        if !sql.is_empty() {
            text += &format!("\nBEGIN;\n\n{}\n\nCOMMIT;\n", sql.trim_end());
        }
        for build in builds {
            text += &format!("\n{build};\n");
        }
        context.printer.data(&text)?;
    }
    Ok(())
}

fn render(status: &[Status]) -> String {
    let mut table = table::plain(["migration", "state", "applied at (UTC)"]);
    for line in status {
        let at = line.applied_at.clone().unwrap_or_default();
        table.add_row([line.name.clone(), line.state.to_string(), at]);
    }
    table.trim_fmt()
}
