//! `audius-etl migrate`: apply, revert or list schema migrations.

use clap::{Args, Subcommand};
use comfy_table::Cell;
use sqlx::{Connection, PgConnection};

use super::building::BuildWatch;
use super::context::Context;
use super::database::OpenDatabase;
use crate::db::migrate::{Loss, Migrator, Origin, State, Status, Step, losses};
use crate::db::{Error, fitness};
use crate::failure::Failure;
use crate::telemetry::Work;
use crate::terminal::{
    self,
    table::{self, grouped},
};
use crate::writer;

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
    /// Drops the tables that the migrations made, with everything in them, after telling which and
    /// asking on the terminal. What an adopted migration found is never touched; only what it added
    /// goes. Takes the writer lock: code 5 while another process writes to the database.
    Down {
        /// The version to go back to; 0 reverts all
        #[arg(long, value_name = "VERSION", value_parser = clap::value_parser!(i32).range(0..))]
        to: i32,

        /// Do not ask; needed where there is no terminal to ask on
        #[arg(long)]
        yes: bool,

        /// Wait while another process writes to the database, instead of exit code 5
        #[arg(long)]
        wait_lock: bool,
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
  Take everything back, rows included, without a question:
    audius-etl migrate down --to 0 --yes --db postgres://localhost/audius";

pub(crate) async fn run(args: MigrateArgs, context: &Context) -> Result<(), Failure> {
    let open = OpenDatabase::open(context).await?;
    let done = act(&args, context, &open).await;
    let closed = open.close().await;
    done.and(closed)
}

async fn act(args: &MigrateArgs, context: &Context, open: &OpenDatabase) -> Result<(), Failure> {
    let migrator = Migrator::default();
    let changes = !args.dry_run && !matches!(args.action, Some(MigrateAction::Status));
    if changes {
        fitness::check(open.database(), false).await?;
    }
    let mut connection = open.database().connect().await?;
    match (args.action.unwrap_or(MigrateAction::Up), args.dry_run) {
        (MigrateAction::Up, false) => {
            let work = Work::new("migrate", "migrations");
            work.expects(migrator.plan_up(&mut connection).await?.len() as u64);
            let told = work.clone();
            let _looking = BuildWatch::start(
                open.database(),
                || true,
                move |text| told.does(text.unwrap_or_default()),
            );
            let applying = migrator.up(&mut connection);
            let steps = terminal::work::follow(&context.printer, &work, applying).await?;
            report(context, "applied", &steps)?;
        }
        (MigrateAction::Up, true) => print_sql(context, &migrator.plan_up(&mut connection).await?)?,
        (MigrateAction::Down { to, yes, wait_lock }, false) => {
            // Whoever writes must not lose the tables under its hands.
            let mut writer = tokio::select! {
                writer = writer::exclusive(open.database(), wait_lock) => writer?,
                () = context.cancel.cancelled() => return Err(Failure::interrupted()),
            };
            if agreed(context, &migrator, &mut writer, to, yes).await? {
                report(context, "reverted", &migrator.down(&mut writer, to).await?)?;
            }
            writer.close().await.map_err(Error::query("closing the connection"))?;
        }
        (MigrateAction::Down { to, .. }, true) => {
            print_sql(context, &migrator.plan_down(&mut connection, to).await?)?;
        }
        (MigrateAction::Status, true) => {
            return Err(Failure::usage(
                "--dry-run says nothing about status, which changes nothing",
            ));
        }
        (MigrateAction::Status, false) => {
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

/// Tells what going down takes away and makes sure that somebody wants it. `false` if there is
/// nothing to do.
async fn agreed(
    context: &Context,
    migrator: &Migrator,
    connection: &mut PgConnection,
    to: i32,
    yes: bool,
) -> Result<bool, Failure> {
    let steps = migrator.plan_down(connection, to).await?;
    if steps.is_empty() {
        context.printer.note("nothing to do");
        return Ok(false);
    }
    let losses = losses(connection, &steps).await?;
    let rows: i64 = losses.iter().filter(|loss| loss.column.is_none()).map(|loss| loss.rows).sum();
    context.printer.note(&render_losses(&losses, &steps));
    if yes || rows == 0 {
        return Ok(true);
    }
    if !context.printer.can_ask() {
        return Err(Failure::usage(format!(
            "{} rows would be lost, and nobody is asked",
            count(rows)
        ))
        .hint("--yes reverts without asking; --dry-run prints the SQL and runs nothing"));
    }
    let question = format!("{} rows will be lost for good.", count(rows));
    let agreed = tokio::select! {
        agreed = context.printer.confirm(&question, "yes") => agreed,
        () = context.cancel.cancelled() => return Err(Failure::interrupted()),
    };
    if agreed { Ok(true) } else { Err(Failure::usage("not confirmed; nothing was reverted")) }
}

fn render_losses(losses: &[Loss], steps: &[Step]) -> String {
    let names: Vec<&str> = steps.iter().map(|step| step.name.as_str()).collect();
    let mut table = table::plain(["what goes", "rows"]);
    for loss in losses.iter().filter(|loss| loss.rows > 0) {
        let about = if loss.is_exact { "" } else { "about " };
        let rows = Cell::new(format!("{about}{}", count(loss.rows)));
        table.add_row([Cell::new(loss), rows.set_alignment(comfy_table::CellAlignment::Right)]);
    }
    let empty = losses.iter().filter(|loss| loss.rows == 0).count();
    if empty > 0 {
        table.add_row([Cell::new(format!("({empty} empty tables)")), Cell::new("")]);
    }
    let head = format!("to be reverted: {}", names.join(", "));
    if losses.is_empty() { head } else { format!("{head}\n\n{}\n", table.trim_fmt()) }
}

fn count(rows: i64) -> String {
    grouped(u64::try_from(rows).unwrap_or(0))
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
