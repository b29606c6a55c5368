//! Where the value of an option comes from: command line, environment, file, default, in this
//! order.

use std::ffi::OsString;

use audius_etl::cli::{Cli, Command};
use audius_etl::commands::era::{AskedEra, EraChoice};
use audius_etl::commands::index::{IndexArgs, SourceChoice};
use audius_etl::eras::schedule::Schedule;
use audius_etl::settings::{self, DatabaseChoice, DatabaseUrl, Environment, Settings};

use crate::support::TestEnv;

fn parse(args: &[&str], variables: &[(&str, &str)]) -> Result<Cli, settings::Error> {
    let argv: Vec<OsString> = ["audius-etl"].iter().chain(args).map(OsString::from).collect();
    settings::parse(&argv, &environment(variables))
}

fn environment(variables: &[(&str, &str)]) -> Environment {
    variables.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn database(args: &[&str], variables: &[(&str, &str)]) -> DatabaseChoice {
    let cli = parse(args, variables).unwrap();
    Settings::resolve(&cli.global, &environment(variables)).database
}

fn index(cli: Cli) -> IndexArgs {
    match cli.command {
        Command::Index(args) => *args,
        other => panic!("not the index command: {other:?}"),
    }
}

fn url(text: &str) -> DatabaseChoice {
    DatabaseChoice::Url(DatabaseUrl::new(text))
}

#[test]
fn without_any_configuration_the_database_is_a_private_cluster() {
    assert_eq!(database(&["index"], &[]), DatabaseChoice::Private(".audius-etl".into()));
    assert_eq!(
        database(&["index", "--data-dir", "here"], &[]),
        DatabaseChoice::Private("here".into())
    );
}

#[test]
fn the_database_is_the_first_of_flag_own_variable_and_usual_variables() {
    let all = [("ETL_DB_URL", "go"), ("DATABASE_URL", "usual"), ("AUDIUS_ETL_DB", "own")];
    assert_eq!(database(&["index", "--db", "flag"], &all), url("flag"));
    assert_eq!(database(&["index"], &all), url("own"));
    assert_eq!(database(&["index"], &all[..2]), url("usual"));
    assert_eq!(database(&["index"], &all[..1]), url("go"));
}

#[test]
fn an_empty_variable_counts_as_unset() {
    let choice = database(&["index"], &[("AUDIUS_ETL_DB", ""), ("DATABASE_URL", "usual")]);
    assert_eq!(choice, url("usual"));
}

#[test]
fn global_options_may_stand_before_or_after_the_command() {
    assert_eq!(database(&["--db", "x", "index"], &[]), database(&["index", "--db", "x"], &[]));
}

#[test]
fn the_file_gives_way_to_the_environment_and_the_command_line() {
    let env = TestEnv::new();
    env.write("etl.toml", "db = \"file\"\n[index]\nsource = [\"a\", \"b\"]\nmax-changes = 7\n");
    let file = env.path().join("etl.toml");
    let args = ["index", "--config", file.to_str().unwrap()];

    assert_eq!(database(&args, &[]), url("file"));
    assert_eq!(database(&args, &[("DATABASE_URL", "env")]), url("env"));

    let from_file = index(parse(&args, &[]).unwrap());
    assert_eq!((from_file.source, from_file.max_changes), (vec!["a".into(), "b".into()], 7));
    let from_env = index(parse(&args, &[("ETL_RPC_URL", "http://node")]).unwrap());
    assert_eq!(from_env.source, ["http://node"]);
    let flags = [&args[..], &["--source", "flag", "--max-changes", "9"]].concat();
    let from_flags = index(parse(&flags, &[("ETL_RPC_URL", "http://node")]).unwrap());
    assert_eq!((from_flags.source, from_flags.max_changes), (vec!["flag".into()], 9));
}

#[test]
fn the_file_can_be_named_by_the_environment() {
    let env = TestEnv::new();
    env.write("etl.toml", "data-dir = \"elsewhere\"\n");
    let file = env.path().join("etl.toml");
    let variables = [("AUDIUS_ETL_CONFIG", file.to_str().unwrap())];
    assert_eq!(database(&["index"], &variables), DatabaseChoice::Private("elsewhere".into()));
}

#[test]
fn a_flag_without_a_value_is_switched_on_by_true() {
    let env = TestEnv::new();
    env.write("etl.toml", "quiet = true\n[index]\nno-plays = true\nonce = false\n");
    let file = env.path().join("etl.toml");
    let cli = parse(&["index", "--config", file.to_str().unwrap()], &[]).unwrap();
    assert!(cli.global.quiet);
    let args = index(cli);
    assert!(args.no_plays && !args.once);
}

#[test]
fn problems_of_the_file_name_file_and_line() {
    let cases = [
        ("colour = \"never\"\n", "etl.toml:1: unknown key `colour`"),
        ("color = \"never\"\n\n[index]\nsauce = 1\n", "etl.toml:4: unknown key `sauce`"),
        ("[indexx]\n", "etl.toml:1: there is no command `indexx`"),
        ("db = \"unclosed\n", "etl.toml:1: "),
        ("config = \"other.toml\"\n", "etl.toml:1: unknown key `config`"),
        ("[index]\nstart = \"soon\"\n", "etl.toml:2: invalid value 'soon' for '--from <HEIGHT>'"),
    ];
    for (content, expected) in cases {
        let env = TestEnv::new();
        let run = env.write("etl.toml", content).run(&["index", "--config", "etl.toml"]);
        assert_eq!(run.code(), 2, "{content:?}: {run:?}");
        assert!(run.stderr().contains(expected), "{content:?}: {run:?}");
    }
}

#[test]
fn a_file_that_is_not_there_is_a_usage_error() {
    let run = TestEnv::new().run(&["index", "--config", "nowhere.toml"]);
    assert_eq!(run.code(), 2);
    assert!(run.stderr().contains("cannot read the configuration file nowhere.toml"), "{run:?}");
}

#[test]
fn secrets_show_neither_in_help_nor_in_debug_output() {
    let secret = "postgres://me:hunter2@localhost/audius";
    let mut env = TestEnv::new();
    env.set("DATABASE_URL", secret).set("ETL_RPC_URL", "https://key-hunter2@node");
    let run = env.run(&["index", "--help"]);
    assert!(!run.stdout().contains("hunter2"), "{run:?}");
    let cli = parse(&["index", "--db", secret], &[]).unwrap();
    let settings = Settings::resolve(&cli.global, &Environment::default());
    assert!(!format!("{settings:?}").contains("hunter2"));
}

#[test]
fn the_demo_archive_never_goes_into_a_database_the_user_named() {
    let choice = |args: &[&str]| {
        let cli = parse(args, &[]).unwrap();
        let settings = Settings::resolve(&cli.global, &Environment::default());
        index(cli).source_choice(&settings)
    };
    assert_eq!(choice(&["index"]).unwrap(), SourceChoice::Bundled);
    assert!(choice(&["index", "--db", "postgres://localhost/x"]).is_err());
    let given = choice(&["index", "--db", "postgres://localhost/x", "--source", "-"]).unwrap();
    assert_eq!(given, SourceChoice::Given(vec!["-".into()]));
}

#[test]
fn an_era_is_chosen_in_every_layer_and_by_its_former_option() {
    let shown = |args: &[&str]| {
        let env = TestEnv::new();
        env.write("etl.toml", "[index]\nera = \"etl\"\n");
        env.run(&[&["config", "--config", "etl.toml", "index"], args].concat())
    };
    assert!(shown(&[]).stdout().contains("\"etl\"  # etl.toml:2"), "{:?}", shown(&[]));
    let typed = shown(&["--era", "discovery"]);
    assert!(typed.stdout().contains("\"discovery\"  # command line"), "{typed:?}");
    assert!(parse(&["index", "--era", "etl", "--rules", "go"], &[]).is_err());
    let former = parse(&["index", "--rules", "go"], &[]).unwrap();
    let Command::Index(former) = former.command else { panic!("{:?}", former.command) };
    assert_eq!(former.era.asked(), AskedEra::These(Schedule::only(EraChoice::Etl)));
}
