//! Migrations on every kind of database they meet: empty, a copy of production, one of the Go ETL,
//! half-migrated ones.

use std::time::{Duration, Instant};

use audius_etl::db::load::Loader;
use audius_etl::db::migrate::{MIGRATIONS, Migration, Migrator, Origin, State};
use audius_etl::db::{Error, ErrorKind};
use audius_etl::model::table::{LookupPart, TableDef};
use audius_etl::model::tables::TableId;
use audius_etl::model::value::ColumnType;
use sqlx::AssertSqlSafe;
use sqlx::postgres::{PgConnection, PgListener};
use tokio::time::sleep;

use crate::support::TestEnv;
use crate::support::db::TestDb;

/// Every table of production in the autumn of 2025, without its aggregate triggers.
pub(crate) const PRODUCTION: &str = include_str!("../../fixtures/schema/production.sql");

/// The same a year later, as the Go indexer and its migrations had changed it.
pub(crate) const PRODUCTION_2026: &str = include_str!("../../fixtures/schema/production-2026.sql");

/// What the migrations of the Go ETL 1.7.1 make.
pub(crate) const GO_ETL: &str = include_str!("../../fixtures/schema/go-etl-1.7.1.sql");

/// What those of May 2026 made, with some rows as it leaves them.
const GO_ETL_MAY: &str = include_str!("../../fixtures/schema/go-etl.sql");

const SHAPES: &[(&str, Origin)] = &[
    (PRODUCTION, Origin::Production2025),
    (PRODUCTION_2026, Origin::Production2026),
    (GO_ETL, Origin::GoEtl),
    (GO_ETL_MAY, Origin::GoEtl),
];

/// What a program beside this one may have added to its own tables.
const THEIR_OWN: &str = "
    ALTER TABLE users ADD COLUMN note text DEFAULT 'x';
    INSERT INTO blocks (blockhash, number) VALUES ('0xa', 7);
    INSERT INTO users (user_id, is_current, blocknumber, txhash) VALUES (3000001, true, 7, '');
    CREATE FUNCTION handle_follow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
    CREATE TRIGGER on_follow AFTER INSERT ON follows FOR EACH ROW EXECUTE FUNCTION handle_follow();
    CREATE INDEX theirs ON tracks (genre);";

/// What a schema consists of, a line per column, index, constraint, trigger, type and function.
const CATALOG: &str = "
    SELECT format('column %s.%s %s %s %s', relname, attname, format_type(atttypid, atttypmod),
        attnotnull, pg_get_expr(adbin, adrelid))
    FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'm', 'v')
    UNION ALL SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT format('constraint %s %s %s', conrelid::regclass, conname,
        pg_get_constraintdef(oid))
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT 'trigger ' || pg_get_triggerdef(pg_trigger.oid) FROM pg_trigger
    JOIN pg_class ON pg_class.oid = tgrelid
    WHERE relnamespace = 'public'::regnamespace AND NOT tgisinternal
    UNION ALL SELECT format('enum %s %s', enumtypid::regtype, string_agg(enumlabel, ',' ORDER BY
        enumsortorder)) FROM pg_enum GROUP BY enumtypid
    UNION ALL SELECT 'sequence ' || sequencename FROM pg_sequences WHERE schemaname = 'public'
    UNION ALL SELECT 'function ' || pg_get_functiondef(oid) FROM pg_proc
    WHERE pronamespace = 'public'::regnamespace
    ORDER BY 1";

pub(crate) async fn catalog(db: &TestDb) -> Vec<String> {
    db.texts(CATALOG).await
}

async fn execute(connection: &mut PgConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await.unwrap();
}

async fn up(connection: &mut PgConnection) -> Vec<String> {
    let steps = Migrator::default().up(connection).await.unwrap();
    steps.into_iter().map(|step| step.name).collect()
}

async fn states(connection: &mut PgConnection) -> Vec<State> {
    let status = Migrator::default().status(connection).await.unwrap();
    status.into_iter().map(|line| line.state).collect()
}

/// The error that a database in no state to be migrated gives, with its message.
async fn refusal(db: &TestDb) -> String {
    let error: Error = Migrator::default().up(&mut db.connect().await).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Schema, "{error:?}");
    assert!(!error.is_retryable());
    error.to_string()
}

#[tokio::test]
async fn an_empty_database_gets_everything_once() {
    let db = TestDb::empty().await;
    let mut connection = db.connect().await;
    assert_eq!(up(&mut connection).await.len(), MIGRATIONS.len());
    assert_eq!(states(&mut connection).await, vec![State::Applied; MIGRATIONS.len()]);
    Migrator::default().check(&mut connection).await.unwrap();
    let first = catalog(&db).await;
    assert_eq!(up(&mut connection).await, Vec::<String>::new());
    assert_eq!(catalog(&db).await, first);
}

#[tokio::test]
async fn going_up_down_and_up_again_ends_in_the_same_schema() {
    let db = TestDb::new().await;
    let mut connection = db.connect().await;
    let first = catalog(&db).await;
    let steps = Migrator::default().down(&mut connection, 0).await.unwrap();
    assert_eq!(steps.first().unwrap().version, MIGRATIONS.last().unwrap().version);
    assert_eq!(catalog(&db).await, Vec::<String>::new());
    assert_eq!(states(&mut connection).await, vec![State::Pending; MIGRATIONS.len()]);
    up(&mut connection).await;
    assert_eq!(catalog(&db).await, first);
}

#[tokio::test]
async fn every_single_migration_can_be_taken_back_and_applied_again() {
    let db = TestDb::empty().await;
    let mut connection = db.connect().await;
    up(&mut connection).await;
    let first = catalog(&db).await;
    for to in (0..i32::try_from(MIGRATIONS.len()).unwrap()).rev() {
        Migrator::default().down(&mut connection, to).await.unwrap();
        assert_eq!(Migrator::default().plan_up(&mut connection).await.unwrap()[0].version, to + 1);
        up(&mut connection).await;
        assert_eq!(catalog(&db).await, first, "down to {to} and up");
    }
}

#[tokio::test]
async fn a_database_whose_record_was_lost_is_adopted_as_it_is() {
    let db = TestDb::new().await;
    let first = catalog(&db).await;
    db.execute("DELETE FROM audius_etl_migrations").await;
    let mut connection = db.connect().await;
    assert_eq!(up(&mut connection).await.len(), MIGRATIONS.len());
    assert_eq!(catalog(&db).await, first);
    assert_eq!(states(&mut connection).await[1], State::Adopted);
}

#[tokio::test]
async fn what_others_made_is_added_to_and_never_changed() {
    for (schema, origin) in SHAPES {
        let db = TestDb::empty().await;
        db.execute(schema).await;
        db.execute(THEIR_OWN).await;
        let before = catalog(&db).await;
        let mut connection = db.connect().await;
        let migrator = Migrator::default();
        assert_eq!(migrator.origin(&mut connection).await.unwrap(), *origin);
        up(&mut connection).await;
        let after = catalog(&db).await;
        let lost: Vec<_> = before.iter().filter(|line| !after.contains(line)).collect();
        assert_eq!(lost, Vec::<&String>::new(), "{origin}");
        assert_eq!(foreign_additions(&before, &after), Vec::<&String>::new(), "{origin}");
        assert_eq!(migrator.origin(&mut connection).await.unwrap(), *origin);
        assert_eq!(db.texts("SELECT note FROM users").await, ["x"], "unknown columns keep theirs");
        migrator.check(&mut connection).await.unwrap();
        assert_eq!(up(&mut connection).await, Vec::<String>::new());
        Loader::open(db.database()).await.unwrap().close().await;

        migrator.down(&mut connection, 0).await.unwrap();
        assert_eq!(catalog(&db).await, before, "{origin}: only what was added is taken back");
    }
}

/// Additions to tables that were there before which are neither columns nor indexes under the name
/// of this program.
pub(crate) fn foreign_additions<'a>(before: &[String], after: &'a [String]) -> Vec<&'a String> {
    let known: Vec<&str> = before
        .iter()
        .filter_map(|line| line.strip_prefix("column ")?.split_once('.'))
        .map(|(table, _)| table)
        .collect();
    let is_old = |table: &str| known.contains(&table.trim_start_matches("public."));
    let is_allowed = |line: &str| match line.split_once(' ').unwrap() {
        ("index", text) => {
            let table = text.split_once(" ON ").unwrap().1.split(' ').next().unwrap();
            !is_old(table) || text.contains(" INDEX audius_etl_") && !text.contains("UNIQUE")
        }
        ("constraint", text) => {
            !is_old(text.split(' ').next().unwrap()) && refers_to_none(text, &is_old)
        }
        ("trigger", text) => !is_old(text.split_once(" ON ").unwrap().1.split(' ').next().unwrap()),
        ("column", text) => !text.starts_with("blocks."),
        _ => true,
    };
    after.iter().filter(|line| !before.contains(line) && !is_allowed(line)).collect()
}

fn refers_to_none(constraint: &str, is_old: &impl Fn(&str) -> bool) -> bool {
    let table =
        constraint.split_once("REFERENCES ").map(|(_, text)| text.split('(').next().unwrap());
    !table.is_some_and(is_old)
}

#[tokio::test]
async fn what_a_dry_run_prints_is_what_migrating_adds() {
    for (schema, origin) in SHAPES {
        let (planned, migrated) = (TestDb::empty().await, TestDb::empty().await);
        planned.execute(schema).await;
        migrated.execute(schema).await;
        let run = TestEnv::new().run(&["migrate", "--dry-run", "--db", planned.url()]);
        assert_eq!(run.code(), 0, "{run:?}");
        for sql in run.stdout().split_inclusive(";\n\n") {
            // Each outside of a transaction, as it says.
            let sql = sql.replace("BEGIN;", "").replace("COMMIT;", "");
            planned.execute(&sql).await;
        }
        up(&mut migrated.connect().await).await;
        assert_eq!(catalog(&planned).await, catalog(&migrated).await, "{origin}");
    }
}

#[tokio::test]
async fn an_index_that_was_left_half_built_is_built_again() {
    const NAME: &str = "audius_etl_developer_apps_user_id_idx";
    let db = TestDb::empty().await;
    db.execute(PRODUCTION_2026).await;
    let mut connection = db.connect().await;
    up(&mut connection).await;
    for damage in [
        format!("UPDATE pg_index SET indisvalid = false WHERE indexrelid = '{NAME}'::regclass"),
        format!("DROP INDEX {NAME}"),
    ] {
        db.execute(&damage).await;
        let error = Migrator::default().check(&mut connection).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Schema);
        assert!(
            error.to_string().contains(NAME) && error.to_string().contains("audius-etl migrate")
        );
        assert_eq!(up(&mut connection).await, ["0007_lookup_indexes"]);
        Migrator::default().check(&mut connection).await.unwrap();
    }
    db.execute("CREATE INDEX theirs ON developer_apps (user_id, name)").await;
    db.execute(&format!("DROP INDEX {NAME}")).await;
    Migrator::default().check(&mut connection).await.unwrap();
}

#[tokio::test]
async fn a_table_in_use_is_waited_for_without_blocking_those_who_use_it() {
    let db = TestDb::empty().await;
    db.execute(PRODUCTION).await;
    let mut user = db.connect().await;
    execute(&mut user, "BEGIN; LOCK TABLE users IN ACCESS SHARE MODE").await;
    let mut connection = db.connect().await;
    let migrating = tokio::spawn(async move { up(&mut connection).await });
    let mut slowest = Duration::ZERO;
    for _ in 0..12 {
        let started = Instant::now();
        db.number("SELECT count(*) FROM users").await;
        slowest = slowest.max(started.elapsed());
        sleep(Duration::from_millis(250)).await;
    }
    assert!(!migrating.is_finished());
    assert!(slowest < Duration::from_millis(1500), "{slowest:?}");
    execute(&mut user, "COMMIT").await;
    assert_eq!(migrating.await.unwrap().len(), MIGRATIONS.len());
}

#[tokio::test]
async fn a_migrated_database_has_productions_tables_to_the_letter() {
    let ours = TestDb::new().await;
    let production = TestDb::empty().await;
    production.execute(PRODUCTION).await;
    let theirs = catalog(&production).await;
    let newer = TestDb::empty().await;
    newer.execute(PRODUCTION_2026).await;
    let newer = catalog(&newer).await;
    let differing: Vec<String> = catalog(&ours)
        .await
        .into_iter()
        .filter(|line| !line.contains("etl_") && !line.contains("mv_dashboard"))
        // The sources of functions are ours; production's are not known to us, and the fixtures have
        // no triggers and no views.
        .filter(|line| !line.starts_with("column v_user_balances."))
        .filter(|line| !line.starts_with("function ") && !line.starts_with("trigger "))
        .filter(|line| !theirs.contains(line) && !newer.contains(line))
        .collect();
    assert_eq!(differing, Vec::<String>::new());
}

#[tokio::test]
async fn every_lookup_of_the_loader_has_an_index_on_every_shape() {
    let mut lacking = Vec::new();
    for (schema, origin) in SHAPES.iter().chain(&[("", Origin::Ours)]) {
        let db = TestDb::empty().await;
        db.execute(schema).await;
        up(&mut db.connect().await).await;
        let mut connection = db.connect().await;
        execute(&mut connection, "SET enable_seqscan = off").await;
        for def in TableId::ALL.iter().map(|id| id.def()) {
            let key: Vec<_> =
                def.key.iter().map(|column| (LookupPart::Column(""), *column)).collect();
            let lookups = def.lookups.iter().map(|lookup| (lookup.name, lookup.parts.clone()));
            for (name, parts) in lookups.chain([("its key", key)]) {
                let plan = explain(&mut connection, def, &parts).await;
                // An index over is_current and more is no help: it would be read as a whole.
                let by_key = |line: &str| {
                    line.contains("Index Cond: (") && !line.contains("Cond: (is_current")
                };
                if !plan.lines().any(by_key) {
                    lacking.push(format!("{origin}: {} by {name}", def.name));
                }
            }
        }
        for (table, column) in WRITER_LOOKUPS {
            let sql = format!("EXPLAIN SELECT FROM {table} ORDER BY {column} DESC LIMIT 1");
            let plan: Vec<String> =
                sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut connection).await.unwrap();
            if plan.iter().any(|line| line.contains("Seq Scan")) {
                lacking.push(format!("{origin}: {table} by {column}"));
            }
        }
    }
    assert_eq!(lacking, Vec::<String>::new());
}

/// Columns by which the writer, the start of a run and a rollback look for rows.
const WRITER_LOOKUPS: &[(&str, &str)] = &[
    ("blocks", "number"),
    ("blocks", "blockhash"),
    ("core_indexed_blocks", "chain_id, height"),
    ("plays", "slot"),
    ("etl_blocks", "block_height"),
    ("etl_blocks", "block_time"),
    ("etl_transactions", "block_height"),
    ("etl_transactions", "tx_hash"),
    ("etl_manage_entities", "block_height"),
    ("etl_plays", "block_height"),
    ("etl_validator_registrations", "block_height"),
    ("etl_validator_deregistrations", "block_height"),
    ("etl_validator_misbehavior_deregistrations", "block_height"),
    ("etl_storage_proof_verifications", "block_height"),
    ("etl_sla_rollups", "block_height"),
    ("etl_sla_node_reports", "block_height"),
    ("etl_storage_proofs", "height"),
];

/// The plan of a query by a lookup, with the parts compared as the loader compares them.
async fn explain(
    connection: &mut PgConnection,
    def: &TableDef,
    parts: &[(LookupPart, usize)],
) -> String {
    let value = |ty: ColumnType| match ty {
        ColumnType::Bool => "true",
        ColumnType::Int4 | ColumnType::Int8 => "1::int8",
        ColumnType::Timestamp | ColumnType::TimestampTz => "'2026-01-01'::timestamp",
        ColumnType::Date => "'2026-01-01'::date",
        _ => "'x'::text",
    };
    let condition = |(part, column): &(LookupPart, usize)| match part {
        LookupPart::Lower(name) => format!("lower(t.\"{name}\") = 'x'"),
        LookupPart::Derived { sql, ty, .. } => format!("({sql}) = {}", value(*ty)),
        LookupPart::Column(_) => {
            let column = &def.columns[*column];
            let cast = if matches!(column.ty, ColumnType::Enum(..)) { "::text" } else { "" };
            format!("t.\"{}\"{cast} = {}", column.name, value(column.ty))
        }
    };
    let conditions = parts.iter().map(condition).chain(def.versions.condition().map(str::to_owned));
    let conditions = conditions.collect::<Vec<_>>().join(" AND ");
    let sql = format!("EXPLAIN SELECT FROM {} AS t WHERE {conditions}", def.name);
    let lines: Vec<String> =
        sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(connection).await.unwrap();
    lines.join("\n")
}

#[tokio::test]
async fn databases_of_the_first_release_are_upgraded_with_their_rows() {
    for (name, adopted) in [("first-release", false), ("first-release-production", true)] {
        let db = TestDb::empty().await;
        db.execute(&unpacked(name)).await;
        let rows =
            "SELECT concat_ws(' ', (SELECT count(*) FROM users), (SELECT count(*) FROM tracks),
            (SELECT count(*) FROM subscriptions), (SELECT max(id) FROM audius_etl_checkpoints))";
        let before = db.texts(rows).await;
        let mut connection = db.connect().await;
        let old = states(&mut connection).await;
        assert_eq!(
            old.iter().filter(|state| **state == State::Pending).count(),
            MIGRATIONS.len() - 11
        );
        assert_eq!(old.contains(&State::Adopted), adopted);
        up(&mut connection).await;
        Migrator::default().check(&mut connection).await.unwrap();
        assert_eq!(db.texts(rows).await, before);
        assert_eq!(
            db.texts("SELECT DISTINCT entity_type FROM subscriptions").await,
            ["User"],
            "new columns of old rows"
        );
        let env = TestEnv::new();
        env.write("none.jsonl", "");
        let archive = env.path().join("none.jsonl");
        let archive = archive.to_str().unwrap();
        let run = env.run(&["index", "--source", archive, "--rewind-to", "6", "--db", db.url()]);
        assert_eq!(run.code(), 0, "{run:?}");
        assert_eq!(db.number("SELECT max(id) FROM audius_etl_checkpoints").await, 6);
        if !adopted {
            let (upgraded, fresh) =
                (own_catalog(&db).await, own_catalog(&TestDb::new().await).await);
            let differing: Vec<_> = upgraded
                .iter()
                .chain(&fresh)
                .filter(|line| !(upgraded.contains(line) && fresh.contains(line)))
                .collect();
            assert_eq!(differing, Vec::<&String>::new());
        }
    }
}

/// The catalog without the white space of functions.
async fn own_catalog(db: &TestDb) -> Vec<String> {
    let lines = catalog(db).await.into_iter();
    lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// A dump of a database that the first release made, migrated and filled.
fn unpacked(name: &str) -> String {
    let path = format!("{}/fixtures/schema/{name}.sql.zst", env!("CARGO_MANIFEST_DIR"));
    let bytes = zstd::decode_all(std::fs::File::open(path).unwrap()).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn addresses_and_triggers_of_the_go_etl_stay_as_they_are() {
    let db = TestDb::empty().await;
    db.execute(GO_ETL_MAY).await;
    let mut connection = db.connect().await;
    up(&mut connection).await;
    assert_eq!(
        db.texts("SELECT address || ' ' || first_seen_block_height FROM etl_addresses ORDER BY id")
            .await,
        ["0xa 5", "0xa 3", "0xb 1"]
    );
    let trigger = "SELECT pg_get_triggerdef(oid) FROM pg_trigger \
                   WHERE tgname = 'trigger_notify_new_block'";
    assert_eq!(
        db.texts(trigger).await,
        ["CREATE TRIGGER trigger_notify_new_block AFTER INSERT ON public.etl_blocks FOR EACH ROW \
          EXECUTE FUNCTION notify_new_block()"],
        "nobody is notified twice"
    );
    let run = TestEnv::new().run(&["migrate", "status", "--db", db.url()]);
    assert!(run.stdout().contains("database: Go ETL, adopted"), "{run:?}");
}

#[tokio::test]
async fn a_column_that_rows_cannot_be_given_is_asked_for_by_name() {
    let db = TestDb::empty().await;
    db.execute(PRODUCTION_2026).await;
    db.execute("ALTER TABLE comments RENAME COLUMN txhash TO transaction_hash").await;
    let before = catalog(&db).await;
    let message = refusal(&db).await;
    assert!(
        message.contains("comments") && message.contains("ADD COLUMN txhash text"),
        "{message}"
    );
    assert_eq!(catalog(&db).await.len(), before.len());
}

#[tokio::test]
async fn a_golang_migration_that_stopped_half_way_is_refused_with_the_way_out() {
    for table in ["schema_migrations", "etl_db_migrations"] {
        let db = TestDb::empty().await;
        db.execute(&format!(
            "CREATE TABLE {table} (version bigint PRIMARY KEY, dirty boolean NOT NULL);
             INSERT INTO {table} VALUES (12, true)"
        ))
        .await;
        let before = catalog(&db).await;
        let message = refusal(&db).await;
        assert!(message.contains("migration 12 stopped half-way"), "{message}");
        assert!(message.contains(&format!("UPDATE {table} SET dirty = false")), "{message}");
        assert_eq!(catalog(&db).await, before);
        let run = TestEnv::new().run(&["migrate", "status", "--db", db.url()]);
        assert_eq!(run.code(), 7, "{run:?}");
        db.execute(&format!("UPDATE {table} SET dirty = false")).await;
        up(&mut db.connect().await).await;
    }
    let db = TestDb::empty().await;
    db.execute(GO_ETL_MAY).await;
    for damage in [
        "DELETE FROM etl_db_migrations",
        "INSERT INTO etl_db_migrations VALUES (1, false), (15, false)",
    ] {
        db.execute(damage).await;
        let message = refusal(&db).await;
        assert!(
            message.contains("etl_db_migrations has") && message.contains("force"),
            "{message}"
        );
    }
}

#[tokio::test]
async fn changed_and_unknown_migrations_are_refused() {
    let db = TestDb::new().await;
    db.execute("UPDATE audius_etl_migrations SET checksum = 'other' WHERE version = 3").await;
    assert_eq!(states(&mut db.connect().await).await[2], State::Changed);
    assert!(refusal(&db).await.contains("0003_social"), "names the migration");
    db.execute("DELETE FROM audius_etl_migrations WHERE version = 3").await;
    db.execute(
        "INSERT INTO audius_etl_migrations (version, name, checksum) VALUES (9999, 'x', '')",
    )
    .await;
    assert_eq!(states(&mut db.connect().await).await.last(), Some(&State::Unknown));
    assert!(refusal(&db).await.contains("newer version"));
}

#[tokio::test]
async fn of_two_runs_at_once_one_does_the_work() {
    let db = TestDb::empty().await;
    let (mut one, mut two) = (db.connect().await, db.connect().await);
    let (first, second) = tokio::join!(up(&mut one), up(&mut two));
    assert_eq!(first.len() + second.len(), MIGRATIONS.len());
    assert!(first.is_empty() || second.is_empty());
}

#[tokio::test]
async fn a_failing_migration_leaves_nothing_behind_and_names_its_line() {
    static BROKEN: [Migration; 2] = [
        MIGRATIONS[0],
        Migration {
            version: 2,
            name: "0002_broken",
            up: "CREATE TABLE good (a int);\n\nCREATE TABLE bad (a nonsense);",
            down: "",
            former: &[],
        },
    ];
    let db = TestDb::empty().await;
    let mut connection = db.connect().await;
    let error = Migrator::over(&BROKEN).up(&mut connection).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Schema);
    let message = error.to_string();
    assert!(message.contains("0002_broken") && message.contains("line 3"), "{message}");
    assert!(message.contains("nonsense"), "{message}");
    assert_eq!(db.number("SELECT count(*) FROM pg_class WHERE relname = 'good'").await, 0);
    // The lock is free again, and what came before the failure is kept.
    let status = Migrator::over(&BROKEN).status(&mut connection).await.unwrap();
    assert_eq!(status[0].state, State::Applied);
    assert_eq!(Migrator::over(&BROKEN).down(&mut connection, 0).await.unwrap().len(), 1);
}

#[tokio::test]
async fn every_block_and_play_is_notified_with_the_payload_of_the_go_etl() {
    let db = TestDb::new().await;
    let pool = db.database().pool(2).await.unwrap();
    let mut listener = PgListener::connect_with(&pool).await.unwrap();
    listener.listen_all(["new_block", "new_plays"]).await.unwrap();
    db.execute(
        "INSERT INTO etl_blocks (proposer_address, block_height, block_time)
         VALUES ('ab', 7, now()), ('cd', 8, now());
         INSERT INTO etl_plays (user_id, track_id, city, region, country, played_at, block_height,
            tx_hash, listened_at, recorded_at)
         VALUES ('1', '2', repeat('x', 9000), '', '', now(), 8, 'h', now(), now()),
            ('1', '2', 'Ulm', 'BW', 'DE', now(), 8, 'h', now(), now());",
    )
    .await;
    let mut received = Vec::new();
    for _ in 0..3 {
        let notification = listener.recv().await.unwrap();
        let payload: serde_json::Value = serde_json::from_str(notification.payload()).unwrap();
        received.push(format!("{} {payload}", notification.channel()));
    }
    assert_eq!(
        received,
        [
            r#"new_block {"block_height":7,"proposer_address":"ab"}"#,
            r#"new_block {"block_height":8,"proposer_address":"cd"}"#,
            r#"new_plays {"user_id":"1","track_id":"2","city":"Ulm","region":"BW","country":"DE","block_height":8}"#,
        ]
    );
}

#[tokio::test]
async fn dashboard_views_count_from_the_time_of_the_highest_block() {
    let db = TestDb::new().await;
    db.execute(
        "INSERT INTO etl_blocks (proposer_address, block_height, block_time)
         VALUES ('a', 2, '2026-01-31 12:00'), ('a', 1, '2026-01-30 12:00');
         INSERT INTO etl_transactions (tx_hash, block_height, tx_index, tx_type, created_at)
         SELECT 'h' || n, 1, n, CASE WHEN n < 3 THEN 'play' ELSE '' END, at FROM unnest(ARRAY[
            '2026-01-31 11:00', '2026-01-30 11:00', '2026-01-26 00:00', '2026-01-03 00:00',
            '2025-01-01 00:00', '2026-02-01 00:00']::timestamp[]) WITH ORDINALITY AS t (at, n);
         REFRESH MATERIALIZED VIEW mv_dashboard_transaction_stats;
         REFRESH MATERIALIZED VIEW mv_dashboard_transaction_types;",
    )
    .await;
    let stats = db.texts("SELECT s::text FROM mv_dashboard_transaction_stats AS s").await;
    assert_eq!(stats, ["(1,1,3,4,5)"]);
    let types =
        db.texts("SELECT t::text FROM mv_dashboard_transaction_types AS t ORDER BY 1").await;
    assert_eq!(types, ["(\"\",4)", "(play,2)"]);
}

#[tokio::test]
async fn the_command_applies_lists_previews_and_reverts() {
    let db = TestDb::empty().await;
    let run = |args: &[&str]| {
        let args = [&["migrate", "--db", db.url()], args].concat();
        let run = TestEnv::new().run(&args);
        assert_eq!(run.code(), 0, "{run:?}");
        run.stdout()
    };
    assert!(run(&["--dry-run"]).contains("CREATE TABLE IF NOT EXISTS tracks"));
    assert_eq!(catalog(&db).await, Vec::<String>::new(), "a dry run changes nothing");
    assert!(run(&["status"]).contains("pending"));
    assert!(run(&[]).contains("applied 0002_entities"));
    assert_eq!(run(&["up"]), "");
    assert!(!run(&["status"]).contains("pending"));
    assert!(run(&["down", "--to", "4", "--dry-run"]).contains("DROP TABLE IF EXISTS etl_blocks"));
    assert!(run(&["down", "--to", "4"]).contains("reverted 0005_etl"));
    assert_eq!(db.number("SELECT count(*) FROM pg_class WHERE relname = 'etl_blocks'").await, 0);
    assert_eq!(db.number("SELECT count(*) FROM pg_class WHERE relname = 'tracks'").await, 1);
}

#[tokio::test]
async fn going_down_destroys_nothing_unasked_and_nothing_that_is_being_written_to() {
    let db = TestDb::new().await;
    db.execute(
        "INSERT INTO etl_blocks (proposer_address, block_height, block_time)
         VALUES ('a', 1, '2026-01-30 12:00'), ('a', 2, '2026-01-30 12:00')",
    )
    .await;
    let down = |more: &[&str]| {
        let args = [&["migrate", "down", "--to", "4", "--db", db.url()], more].concat();
        TestEnv::new().run(&args)
    };
    let unasked = down(&[]);
    assert_eq!(unasked.code(), 2, "{unasked:?}");
    assert!(unasked.stderr().contains("error: 2 rows would be lost"), "{unasked:?}");
    assert!(unasked.stderr().contains("hint: --yes"), "{unasked:?}");
    assert!(unasked.stderr().contains("etl_blocks"), "{unasked:?}");

    let writer = audius_etl::writer::exclusive(db.database(), false).await.unwrap();
    let beside = down(&["--yes"]);
    assert_eq!(beside.code(), 5, "{beside:?}");
    drop(writer);

    assert_eq!(db.number("SELECT count(*) FROM etl_blocks").await, 2);
    let done = down(&["--yes"]);
    assert_eq!(done.code(), 0, "{done:?}");
    assert!(done.stdout().contains("reverted 0005_etl"), "{done:?}");
}

#[test]
fn an_unreachable_database_ends_with_code_three_and_without_its_password() {
    for url in ["postgres://ann:s3cret@127.0.0.1:1/x", "postgres://ann:s3cret@localhost:1/x"] {
        let run = TestEnv::new().run(&["migrate", "--db", url]);
        assert_eq!(run.code(), 3, "{run:?}");
        let said = run.transcript();
        assert!(!said.contains("s3cret"), "{said}");
        assert!(said.contains("ann:***@"), "{said}");
    }
}
