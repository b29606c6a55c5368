//! Migrations on every kind of database they meet: empty, a copy of production, one of the Go ETL,
//! half-migrated ones.

use audius_etl::db::migrate::{MIGRATIONS, Migration, Migrator, State};
use audius_etl::db::{Error, ErrorKind};
use sqlx::postgres::{PgConnection, PgListener};

use crate::support::TestEnv;
use crate::support::db::TestDb;

/// Every table of production, without its aggregate triggers.
const PRODUCTION: &str = include_str!("../../fixtures/schema/production.sql");

/// What the migrations of the Go ETL make, with some rows as it leaves them.
const GO_ETL: &str = include_str!("../../fixtures/schema/go-etl.sql");

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

async fn catalog(db: &TestDb) -> Vec<String> {
    db.texts(CATALOG).await
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
async fn running_all_files_twice_changes_nothing() {
    let db = TestDb::new().await;
    let first = catalog(&db).await;
    for migration in MIGRATIONS {
        db.execute(migration.up).await;
    }
    assert_eq!(catalog(&db).await, first);
}

#[tokio::test]
async fn a_copy_of_production_is_adopted_and_loses_nothing() {
    let db = TestDb::empty().await;
    db.execute(PRODUCTION).await;
    db.execute(
        "ALTER TABLE users ADD COLUMN of_a_later_version text DEFAULT 'x';
         INSERT INTO blocks (blockhash, number, is_current) VALUES ('0xa', 7, true);
         INSERT INTO users (user_id, is_current, blocknumber) VALUES (3000001, true, 7);",
    )
    .await;
    let before = catalog(&db).await;
    let mut connection = db.connect().await;
    up(&mut connection).await;
    let states = states(&mut connection).await;
    assert_eq!(
        states[..5],
        [State::Applied, State::Adopted, State::Adopted, State::Adopted, State::Applied]
    );
    let after = catalog(&db).await;
    let lost: Vec<_> = before.iter().filter(|line| !after.contains(line)).collect();
    assert_eq!(lost, Vec::<&String>::new());

    Migrator::default().down(&mut connection, 0).await.unwrap();
    assert_eq!(catalog(&db).await, before, "only what was added is taken back");
    assert_eq!(db.number("SELECT count(*) FROM users WHERE of_a_later_version = 'x'").await, 1);
}

const NEWER_TABLES: &[&str] =
    &["eth_wallet_balances", "eth_indexer_checkpoints", "eth_user_balances"];

#[tokio::test]
async fn a_migrated_database_has_productions_tables_to_the_letter() {
    let ours = TestDb::new().await;
    let production = TestDb::empty().await;
    production.execute(PRODUCTION).await;
    let theirs = catalog(&production).await;
    let differing: Vec<String> = catalog(&ours)
        .await
        .into_iter()
        .filter(|line| !line.contains("etl_") && !line.contains("mv_dashboard"))
        // Production got these after the fixture was taken.
        .filter(|line| !NEWER_TABLES.iter().any(|table| line.contains(table)))
        // The sources of functions are ours; production's are not known to us, and the fixture has
        // no triggers.
        .filter(|line| !line.starts_with("function ") && !line.starts_with("trigger "))
        .filter(|line| !theirs.contains(line))
        .collect();
    assert_eq!(differing, Vec::<String>::new());
}

#[tokio::test]
async fn a_database_of_the_go_etl_is_adopted_and_gets_the_columns_it_lacks() {
    let db = TestDb::empty().await;
    db.execute(GO_ETL).await;
    let mut connection = db.connect().await;
    up(&mut connection).await;
    let states = states(&mut connection).await;
    assert_eq!(states[1], State::Adopted);
    assert_eq!(states[4], State::Adopted);
    let added = "SELECT count(*) FROM information_schema.columns WHERE (table_name, column_name) IN
        (('users', 'profile_type'), ('tracks', 'territory_codes'), ('email_access', 'is_initial'))";
    assert_eq!(db.number(added).await, 3);
    assert_eq!(
        db.texts("SELECT address || ' ' || first_seen_block_height FROM etl_addresses ORDER BY 1")
            .await,
        ["0xa 3", "0xb 1"],
        "an address is kept once, as first seen"
    );
    assert_eq!(
        db.texts("SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgname = 'trigger_notify_new_block'")
            .await,
        ["CREATE TRIGGER trigger_notify_new_block AFTER INSERT ON public.etl_blocks FOR EACH ROW \
          EXECUTE FUNCTION notify_new_block()"],
        "its own trigger stays, so that nobody is notified twice"
    );

    Migrator::default().down(&mut connection, 0).await.unwrap();
    assert_eq!(db.number("SELECT count(*) FROM etl_addresses").await, 2);
    assert_eq!(db.number("SELECT count(*) FROM pg_class WHERE relname ~ '^audius_etl_'").await, 0);
    assert_eq!(db.number("SELECT count(*) FROM pg_class WHERE relname = 'stems'").await, 0);
}

#[tokio::test]
async fn a_dirty_golang_migration_is_refused_with_the_way_out() {
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
