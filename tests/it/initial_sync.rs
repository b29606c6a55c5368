//! The secondary indexes of an initial sync: left out, built at the end, whatever happens in
//! between.

use audius_etl::db::deferred;

use crate::kill::{archive, assert_same, dump};
use crate::support::TestEnv;
use crate::support::db::TestDb;

/// Every index of the schema, as the server describes it.
async fn indexes(db: &TestDb) -> Vec<String> {
    db.texts("SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1").await
}

fn index(env: &TestEnv, db: &TestDb, options: &[&str]) -> String {
    let mut arguments =
        vec!["index", "--era", "discovery", "--db", db.url(), "--source", archive(env, 600)];
    arguments.extend(options);
    let run = env.run(&arguments);
    assert_eq!(run.code(), 0, "{options:?}: {run:?}");
    run.stderr()
}

#[tokio::test]
async fn an_initial_sync_without_indexes_leaves_the_same_rows_and_every_index() {
    let env = TestEnv::new();
    let (plain, deferred) = (TestDb::new().await, TestDb::new().await);
    let wanted = indexes(&deferred).await;
    index(&env, &plain, &["--no-defer-indexes"]);
    let log = index(&env, &deferred, &["--defer-indexes"]);
    assert!(log.contains("building an index"), "{log}");
    assert_eq!(indexes(&deferred).await, wanted);
    assert_same(&dump(deferred.database()).await, &dump(plain.database()).await);
}

#[tokio::test]
async fn what_is_left_out_is_what_only_readers_use() {
    let db = TestDb::new().await;
    let before = indexes(&db).await;
    let count = deferred::defer(db.database()).await.unwrap();
    let noted = db.texts("SELECT definition FROM audius_etl_deferred_indexes ORDER BY 1").await;
    assert_eq!(noted.len(), count);
    assert!(count > 50, "{count}");
    let mut together = indexes(&db).await;
    together.extend(noted.clone());
    together.sort();
    let mut wanted = before;
    wanted.sort();
    assert_eq!(together, wanted, "every index is either there or noted");
    for needed in ["UNIQUE", "audius_etl_", "(block_height DESC, tx_index DESC)"] {
        assert!(!noted.iter().any(|index| index.contains(needed)), "{needed}: {noted:?}");
    }
}

#[tokio::test]
async fn a_run_that_comes_later_builds_what_an_interrupted_one_left_out() {
    let env = TestEnv::new();
    let source = archive(&env, 600);
    for options in [&[][..], &["--no-defer-indexes"]] {
        let db = TestDb::new().await;
        let wanted = indexes(&db).await;
        deferred::defer(db.database()).await.unwrap();
        let mut arguments =
            vec!["index", "--era", "discovery", "--db", db.url(), "--source", source];
        arguments.extend(options);
        let run = env.run(&arguments);
        assert_eq!(run.code(), 0, "{run:?}");
        assert_eq!(indexes(&db).await, wanted);
        assert_eq!(db.number("SELECT count(*) FROM audius_etl_deferred_indexes").await, 0);
    }
}

#[tokio::test]
async fn indexes_of_somebody_else_and_adopted_databases_are_left_alone() {
    let db = TestDb::new().await;
    db.execute("CREATE INDEX of_a_reader ON etl_transactions (created_at, tx_hash)").await;
    deferred::defer(db.database()).await.unwrap();
    assert!(indexes(&db).await.iter().any(|index| index.contains("of_a_reader")));

    let adopted = TestDb::new().await;
    let wanted = indexes(&adopted).await;
    adopted.execute("UPDATE audius_etl_migrations SET adopted = true WHERE version = 2").await;
    assert_eq!(deferred::defer(adopted.database()).await.unwrap(), 0);
    assert_eq!(indexes(&adopted).await, wanted);
}

#[tokio::test]
async fn an_index_that_somebody_left_half_built_ends_the_run_with_the_way_out() {
    let env = TestEnv::new();
    let db = TestDb::new().await;
    deferred::defer(db.database()).await.unwrap();
    db.execute("CREATE INDEX etl_transactions_tx_type_idx ON etl_transactions (tx_type)").await;
    db.execute(
        "UPDATE pg_index SET indisvalid = false \
         WHERE indexrelid = 'etl_transactions_tx_type_idx'::regclass",
    )
    .await;
    let run =
        env.run(&["index", "--era", "discovery", "--db", db.url(), "--source", archive(&env, 600)]);
    assert_eq!(run.code(), 7, "{run:?}");
    assert!(run.stderr().contains("DROP INDEX etl_transactions_tx_type_idx"), "{run:?}");
}
