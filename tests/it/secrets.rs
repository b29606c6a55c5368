//! Secrets stay secret: planted in every option, in the environment and in the file, and looked for
//! in everything that comes out.

use audius_etl::cli::Cli;
use clap::CommandFactory;

use crate::support::TestEnv;
use crate::support::blocks::mixed_block;
use crate::support::db::TestDb;
use crate::support::fake_node::{FakeNode, Habit};
use crate::support::service::Service;

/// What must never come out, whatever it was part of.
const SECRET: &str = "hunter2x0123456789abcdef";

/// An address with the secret wherever addresses have secrets, and where nobody answers.
fn planted(scheme: &str) -> String {
    if scheme == "postgres" {
        let secrets = format!("password={SECRET}&sslpassword={SECRET}");
        return format!("postgres://user:{SECRET}@127.0.0.1:1/audius?{secrets}");
    }
    format!("{scheme}://user:{SECRET}@127.0.0.1:1/v2/{SECRET}?key={SECRET}&password={SECRET}")
}

/// Options that keep a run short.
fn short(command: &str) -> &'static [&'static str] {
    match command {
        "index" | "record" => &["--retry-limit", "1"],
        _ => &[],
    }
}

/// Every command with each of its options that takes a value.
fn every_option() -> Vec<(Vec<String>, String)> {
    let mut program = Cli::command();
    program.build();
    let mut all = Vec::new();
    let mut commands: Vec<(Vec<String>, &clap::Command)> =
        program.get_subcommands().map(|sub| (vec![sub.get_name().to_owned()], sub)).collect();
    while let Some((path, command)) = commands.pop() {
        if path[0] == "help" {
            continue;
        }
        for option in command.get_arguments() {
            if let Some(long) = option.get_long().filter(|_| option.get_action().takes_values()) {
                all.push((path.clone(), long.to_owned()));
            }
        }
        for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
            commands.push(([&path[..], &[sub.get_name().to_owned()]].concat(), sub));
        }
    }
    all
}

#[track_caller]
fn assert_no_secret(what: &str, output: &str) {
    assert!(!output.contains(SECRET), "{what} shows a secret:\n{output}");
}

#[test]
fn no_option_of_any_command_gives_a_secret_away() {
    let database = planted("postgres");
    let all = every_option();
    assert!(all.len() > 100, "{} options", all.len());
    // Options that all commands share are tried once.
    let global: Vec<String> = Cli::command()
        .get_arguments()
        .filter_map(|option| option.get_long().map(str::to_owned))
        .collect();
    let tried = all.iter().filter(|(path, long)| path[0] == "index" || !global.contains(long));
    for (path, long) in tried {
        let env = TestEnv::new();
        let value = if long == "db" { planted("postgres") } else { planted("https") };
        let mut line = vec!["-v".to_owned()];
        line.extend(path.iter().cloned());
        line.extend(short(&path[0]).iter().filter(|_| long != "retry-limit").map(|s| (*s).into()));
        line.push(format!("--{long}={value}"));
        if long != "db" {
            line.push(format!("--db={database}"));
        }
        let run = env.run(&line);
        assert_no_secret(&format!("{path:?} --{long}"), &format!("{run:?}"));
    }
}

#[test]
fn words_that_are_no_options_give_nothing_away_either() {
    let value = planted("https");
    for line in [
        vec![value.as_str()],
        vec!["index", &value],
        vec!["index", "--sauce", &value],
        vec!["completions", &value],
        vec!["config", "index", "--sauce", &value],
        vec!["--config", &value, "index"],
    ] {
        let run = TestEnv::new().run(&line);
        assert_ne!(run.code(), 0, "{run:?}");
        assert_no_secret(&format!("{line:?}"), &format!("{run:?}"));
    }
}

#[test]
fn environment_and_file_give_nothing_away() {
    for (variable, scheme) in [
        ("DATABASE_URL", "postgres"),
        ("writeDbUrl", "postgres"),
        ("ETL_RPC_URL", "https"),
        ("ethRpcUrl", "https"),
        ("ethWsUrl", "wss"),
        ("AUDIUS_ETL_START", "https"),
        ("AUDIUS_ETL_LOG", "https"),
        ("AUDIUS_ETL_UNKNOWN", "https"),
    ] {
        for command in [&["index", "--retry-limit", "1"][..], &["config"], &["index", "--help"]] {
            let mut env = TestEnv::new();
            env.set("AUDIUS_ETL_DB", &planted("postgres")).set(variable, &planted(scheme));
            let run = env.run(command);
            assert_no_secret(&format!("{variable} with {command:?}"), &format!("{run:?}"));
        }
    }
    for line in ["db", "config", "start = [1, 2]\ndb", "color"] {
        let env = TestEnv::new();
        env.write("audius-etl.toml", format!("{line} = \"{}\"\n", planted("postgres")));
        for command in [&["index", "--retry-limit", "1"][..], &["config"]] {
            let run = env.run(command);
            assert_no_secret(&format!("{line} in the file with {command:?}"), &format!("{run:?}"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_logs_nor_metrics_of_a_run_give_a_secret_away() {
    let (database, node) = (TestDb::new().await, FakeNode::start((1..=3).map(mixed_block)));
    let with_secret = node.url.replace("http://", &format!("http://user:{SECRET}@"));
    let dead = planted("http");
    for format in ["text", "json"] {
        let args = [
            "-vv",
            "--log-format",
            format,
            "index",
            "--db",
            database.url(),
            "--stall-fetch",
            "1",
            "--source",
            &dead,
            "--source",
            &with_secret,
        ];
        let service = Service::start(TestEnv::new(), &args).await;
        service.until_status("/ready", 200).await;
        node.state().habit = Habit::Fails(tonic::Code::Unavailable);
        service.until_status("/health", 503).await;
        node.state().habit = Habit::Answers;
        service.until_status("/health", 200).await;
        for path in ["/metrics", "/health", "/ready"] {
            assert_no_secret(path, &service.get(path).await.1);
        }
        let log = service.log();
        assert!(log.contains("core node failed") && log.contains("***@127.0.0.1"), "{log}");
        assert_no_secret("the log", &log);
        service.stop().await;
    }
}
