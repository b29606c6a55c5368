//! `config`: every setting with its origin, the order of the layers, and what is refused where.

use crate::support::TestEnv;

/// The line of an option in the output of `config`.
fn line(output: &str, option: &str) -> String {
    let start = format!("{option} ");
    let found = output.lines().find(|line| line.trim_start_matches("# ").starts_with(&start));
    let words: Vec<&str> =
        found.unwrap_or_else(|| panic!("no {option}:\n{output}")).split(' ').collect();
    words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

#[test]
fn each_value_names_the_layer_it_comes_from() {
    let mut env = TestEnv::new();
    env.write(
        "audius-etl.toml",
        "log-format = \"json\"\n\n[index]\nstart = 5\nsource = [\"http://file\"]\nmax-changes = 7\n",
    );
    env.set("ETL_RPC_URL", "http://one, http://two").set("AUDIUS_ETL_INDEX_MAX_CHANGES", "8");
    let run = env.run(&["config", "index", "--batch-txs", "9"]);
    assert_eq!(run.code(), 0, "{run:?}");
    let shown = run.stdout();
    for (option, expected) in [
        ("log-format", "log-format = \"json\" # audius-etl.toml:1"),
        ("from", "from = 5 # audius-etl.toml:4"),
        ("source", "source = [\"http://one\", \"http://two\"] # environment, ETL_RPC_URL"),
        ("max-changes", "max-changes = 8 # environment, AUDIUS_ETL_INDEX_MAX_CHANGES"),
        ("batch-txs", "batch-txs = 9 # command line"),
        ("batch-blocks", "batch-blocks = 1000 # default"),
        ("to", "# to is not set"),
        ("once", "once = false # default"),
    ] {
        assert_eq!(line(&shown, option), expected);
    }
}

#[test]
fn the_output_is_a_configuration_file_that_gives_the_same_settings() {
    let mut env = TestEnv::new();
    env.set("AUDIUS_ETL_SOURCE", "http://one").set("AUDIUS_ETL_INDEX_ONCE", "true");
    let first = env.run(&["config"]).stdout();
    let copy = TestEnv::new();
    copy.write("audius-etl.toml", &first);
    let second = copy.run(&["config"]);
    assert_eq!(second.code(), 0, "{second:?}");
    let values = |text: &str| -> Vec<String> {
        let without_origin =
            |line: &str| line.rsplit_once("  # ").map(|(value, _)| value.to_owned());
        text.lines().filter_map(without_origin).collect()
    };
    assert!(values(&first).len() > 20, "{first}");
    assert_eq!(values(&first), values(&second.stdout()));
}

#[test]
fn json_has_values_as_what_they_are() {
    let env = TestEnv::new();
    let run =
        env.run(&["config", "--json", "index", "--source", "a", "--start", "3", "--no-plays"]);
    let shown: serde_json::Value = serde_json::from_str(&run.stdout()).unwrap();
    let index = &shown["index"];
    assert_eq!(index["source"]["value"], serde_json::json!(["a"]));
    assert_eq!(index["from"]["value"], 3);
    assert_eq!(index["no-plays"]["value"], true);
    assert_eq!(index["to"]["value"], serde_json::Value::Null);
    assert_eq!(index["from"]["origin"], "command line");
    assert_eq!(shown["global"]["color"]["origin"], "default");
    assert!(shown.get("migrate").is_none());
}

#[test]
fn options_of_the_config_command_itself_count_too() {
    let env = TestEnv::new();
    env.write("other.toml", "[index]\nstart = 5\n");
    let args = ["--db", "postgres://h/x", "config", "--config", "other.toml", "index"];
    let shown = env.run(&args).stdout();
    assert_eq!(line(&shown, "db"), "db = \"postgres://h/x\" # command line");
    assert_eq!(line(&shown, "from"), "from = 5 # other.toml:2");
}

#[test]
fn secrets_are_masked() {
    let mut env = TestEnv::new();
    env.set("DATABASE_URL", "postgres://me:hunter2@h/x");
    env.set("ETL_RPC_URL", "https://u:hunter2@h,https://h/x?key=hunter2");
    for args in [&["config"][..], &["config", "--json"]] {
        let shown = env.run(args).stdout();
        assert!(!shown.contains("hunter2") && shown.contains("postgres://me:***@h/x"), "{shown}");
    }
}

#[test]
fn problems_name_file_and_line_or_the_variable() {
    let cases: [(&str, (&str, &str), &str); 10] = [
        (
            "[index]\nstart = \"soon\"\n",
            ("", ""),
            "audius-etl.toml:2: invalid value 'soon' for '--from",
        ),
        (
            "[index]\nsource = [\n  \"a\",\n  \"b\"]\nonce = 1\n",
            ("", ""),
            "audius-etl.toml:5: `once` is a switch",
        ),
        ("[index]\nstart = [1, 2]\n", ("", ""), "audius-etl.toml:2: `from` takes one value"),
        (
            "color = \"blue\"\n",
            ("", ""),
            "audius-etl.toml:1: invalid value 'blue' for '--color <WHEN>' [possible values: auto, always, never]",
        ),
        ("[migrate.down]\nto = -1\n", ("", ""), "audius-etl.toml:2: invalid value '-1'"),
        (
            "[index]\nend = 9\n\nonce = true\n",
            ("", ""),
            "audius-etl.toml:4: `once` contradicts `to` (audius-etl.toml:2)",
        ),
        (
            "quiet = true\nverbose = 1\n",
            ("", ""),
            "audius-etl.toml:2: `verbose` contradicts `quiet` (audius-etl.toml:1)",
        ),
        (
            "[migrate.down]\nfrom = 1\n",
            ("", ""),
            "audius-etl.toml:2: unknown key `from` in [migrate.down]",
        ),
        (
            "",
            ("AUDIUS_ETL_START", "soon"),
            "AUDIUS_ETL_START: invalid value 'soon' for '--from <HEIGHT>'",
        ),
        ("", ("AUDIUS_ETL_QUIET", "yes"), "AUDIUS_ETL_QUIET: `quiet` is a switch: true or false"),
    ];
    for (content, (name, value), expected) in cases {
        let mut env = TestEnv::new();
        env.write("audius-etl.toml", content);
        env.set(name, value);
        for command in [&["index"][..], &["config"]] {
            let run = env.run(command);
            assert_eq!(run.code(), 2, "{content:?}: {run:?}");
            assert!(run.stderr().contains(expected), "{content:?}: {run:?}");
        }
    }
}

#[test]
fn between_layers_the_higher_one_wins_over_what_it_excludes() {
    let mut env = TestEnv::new();
    env.write("audius-etl.toml", "quiet = true\n[index]\nend = 9\n");
    let shown = env.run(&["config", "-v", "index", "--once"]).stdout();
    assert_eq!(line(&shown, "verbose"), "verbose = 1 # command line");
    assert_eq!(line(&shown, "quiet"), "quiet = false # default");
    assert!(
        shown.contains("of audius-etl.toml:3 is not used: --once on the command line"),
        "{shown}"
    );
    env.set("AUDIUS_ETL_ONCE", "true");
    let shown = env.run(&["config", "index"]).stdout();
    assert!(shown.contains("is not used: once (environment, AUDIUS_ETL_ONCE)"), "{shown}");
}

#[test]
fn a_required_option_can_stand_in_the_file() {
    let env = TestEnv::new();
    env.write("audius-etl.toml", "[record]\nsource = [\"nowhere.pb\"]\nout = \"-\"\n");
    let run = env.run(&["record"]);
    assert!(run.stderr().contains("nowhere.pb"), "{run:?}");
}

#[test]
fn a_misspelt_variable_is_pointed_out() {
    let mut env = TestEnv::new();
    env.set("AUDIUS_ETL_SOURSE", "x").set("AUDIUS_ETL_INDEX_START", "1");
    let run = env.run(&["config"]);
    assert_eq!(run.code(), 0);
    assert!(run.stderr().contains("AUDIUS_ETL_SOURSE"), "{run:?}");
    assert!(!run.stderr().contains("AUDIUS_ETL_INDEX_START"), "{run:?}");
}

#[test]
fn help_shows_nothing_of_environment_and_file() {
    let mut env = TestEnv::new();
    env.write("audius-etl.toml", "this is no TOML");
    env.set("AUDIUS_ETL_RETRY_LIMIT", "987654");
    let run = env.run(&["index", "--help"]);
    assert_eq!(run.code(), 0, "{run:?}");
    assert!(!run.stdout().contains("987654"), "{run:?}");
}

#[test]
fn completions_know_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let run = TestEnv::new().run(&["completions", shell]);
        assert_eq!(run.code(), 0, "{run:?}");
        for word in ["index", "migrate", "keep-history"] {
            assert!(run.stdout().contains(word), "{shell}: {word}");
        }
    }
}

/// What bash offers for the last of `words`.
fn completed(words: &[&str]) -> Vec<String> {
    let env = TestEnv::new();
    env.write("completions", env.run(&["completions", "bash"]).stdout());
    let script = r#"
        source ./completions
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
        function=$(complete -p audius-etl | sed 's/.*-F \([^ ]*\).*/\1/')
        "$function" audius-etl "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let offered = std::process::Command::new("bash")
        .args(["-c", script, "bash", "audius-etl"])
        .args(words)
        .current_dir(env.path())
        .output()
        .unwrap();
    assert!(offered.status.success(), "{offered:?}");
    String::from_utf8(offered.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_options_and_values() {
    assert_eq!(completed(&["ind"]), ["index"]);
    assert_eq!(completed(&["index", "--keep-h"]), ["--keep-history"]);
    assert_eq!(completed(&["backfill", "agg"]), ["aggregates"]);
    assert_eq!(completed(&["decode-multicall", "--repl"]), ["--replay"]);
    assert_eq!(completed(&["config", "index", "--keep-h"]), ["--keep-history"]);
    assert_eq!(completed(&["index", "--log-format", "j"]), ["json"]);
}

#[test]
fn completions_offer_what_help_lists_and_nothing_else() {
    for shell in ["bash", "zsh", "fish"] {
        let script = TestEnv::new().run(&["completions", shell]).stdout();
        assert!(!script.contains("wrap-transactions"), "{shell}");
        assert!(!script.contains(" --accept-wallet-signature "), "{shell}");
    }
}

#[test]
fn there_is_a_manual_page_for_the_program_and_every_command() {
    let env = TestEnv::new();
    let run = env.run(&["man", "pages"]);
    assert_eq!(run.code(), 0, "{run:?}");
    for page in ["audius-etl", "audius-etl-index", "audius-etl-migrate", "audius-etl-migrate-down"]
    {
        let text = std::fs::read_to_string(env.path().join(format!("pages/{page}.1"))).unwrap();
        for section in ["SYNOPSIS", "OPTIONS", "ENVIRONMENT", "FILES", "EXIT STATUS"] {
            let heading = [format!(".SH {section}\n"), format!(".SH \"{section}\"\n")];
            assert!(heading.iter().any(|heading| text.contains(heading)), "{page}: {section}");
        }
    }
}

#[test]
fn an_option_that_is_required_unless_another_is_there_can_stand_in_the_file() {
    let env = TestEnv::new();
    env.write("audius-etl.toml", "[compare]\nprod-db = \"postgres://127.0.0.1:1/x\"\n");
    let run = env.run(&["compare", "--etl-db", "postgres://127.0.0.1:1/y"]);
    assert_eq!(run.code(), 3, "{run:?}");
    assert_eq!(env.run(&["config", "compare"]).code(), 0);
}
