//! How runs fail: exit code, message, way out, and what must never be in a message.

use crate::support::TestEnv;

#[test]
fn no_command_prints_the_help_and_is_a_usage_error() {
    let run = TestEnv::new().run::<&str>(&[]);
    assert_eq!((run.code(), run.stdout().as_str()), (2, ""));
    assert!(run.stderr().contains("Usage: audius-etl"), "{run:?}");
}

#[test]
fn an_unknown_command_is_a_usage_error() {
    let run = TestEnv::new().run(&["indx"]);
    insta::assert_snapshot!(run.transcript());
}

#[test]
fn an_unknown_option_is_a_usage_error() {
    let run = TestEnv::new().run(&["index", "--sauce", "blocks"]);
    insta::assert_snapshot!(run.transcript());
}

#[test]
fn a_database_without_a_source_is_refused_with_a_way_out() {
    let run = TestEnv::new().run(&["index", "--db", "postgres://me:hunter2@localhost/audius"]);
    insta::assert_snapshot!(run.transcript());
}

#[test]
fn a_log_filter_that_is_none_is_a_usage_error() {
    let mut env = TestEnv::new();
    env.set("AUDIUS_ETL_LOG", "audius_etl=loud");
    let run = env.run(&["index", "--db", "postgres://localhost/x"]);
    assert_eq!(run.code(), 2, "{run:?}");
    assert!(run.stderr().contains("hint: AUDIUS_ETL_LOG takes filters"), "{run:?}");
}

#[test]
fn errors_are_coloured_on_request_only() {
    let args = ["index", "--db", "postgres://localhost/x"];
    let plain = TestEnv::new().run(&args);
    assert!(!plain.stderr().contains('\x1b'), "{plain:?}");
    let mut colored = args.to_vec();
    colored.extend(["--color", "always"]);
    let colored = TestEnv::new().run(&colored);
    assert!(colored.stderr().starts_with("\x1b[1;31merror:\x1b[0m"), "{colored:?}");
}

#[test]
fn a_quiet_run_still_says_why_it_failed() {
    let run = TestEnv::new().run(&["-q", "index", "--db", "postgres://localhost/x"]);
    assert_eq!(run.code(), 2);
    assert!(run.stderr().starts_with("error: "), "{run:?}");
}
