//! Dependencies point one way, and the stages that must give the same rows again and again know no
//! clock, no network, no database and no chance.

use regex::Regex;

use crate::support::rust_files;

/// What a module of the crate may use besides itself. Modules not listed may use everything but the
/// command line: they are the top (`commands`, `cli`) or stand beside the flow of data.
const MAY_USE: &[(&str, &[&str])] = &[
    ("args", &[]),
    ("settings", &["args"]),
    ("model", &[]),
    ("chain", &["model"]),
    ("eth", &["model", "chain"]),
    ("decode", &["model", "chain"]),
    ("store", &["model"]),
    ("ledger", &["model", "store"]),
    ("rules", &["model"]),
    ("eras", &["model", "decode", "store", "ledger", "rules"]),
    ("interrupt", &[]),
    ("db", &["model", "store", "interrupt"]),
    ("writer", &["model", "store", "db", "interrupt"]),
    ("compare", &["model", "db"]),
    ("sweep", &["eth", "db"]),
    ("follow", &["model", "store", "eth", "db", "writer"]),
    ("pipeline", &["model", "chain", "decode", "store", "eras", "db", "writer"]),
];

/// The wings: folders of `src/eras` that know nothing of each other.
const WINGS: &[&str] = &["discovery", "etl"];

/// The one file outside `src/eras` that knows the wings: it picks one.
const PICKS_A_WING: &str = "src/commands/era.rs";

/// Modules that are pure functions of their input.
const PURE: &[&str] = &["model", "decode", "eras", "ledger", "rules", "store"];

/// What a pure module must not mention.
const IMPURE: &[&str] = &[
    "tokio",
    "sqlx",
    "reqwest",
    "tonic::transport",
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    "Instant::now",
    "SystemTime::now",
    "Utc::now",
    "Local::now",
    "rand",
    "fastrand",
    "getrandom",
    "RandomState",
];

/// The top-level module a source file belongs to: `store` for `src/store/table.rs`.
fn module_of(path: &str) -> &str {
    let inner = path.strip_prefix("src/").unwrap();
    inner.split(['/', '.']).next().unwrap()
}

/// Source lines without comments and without what is for unit tests: modules in other files, and
/// the one at the end of the file.
fn code_lines(text: &str) -> impl Iterator<Item = &str> {
    let lines: Vec<&str> = text.lines().collect();
    let is_test = |at: usize| lines[at].starts_with("#[cfg(test)]");
    let is_declared = |at: usize| lines.get(at + 1).is_some_and(|line| line.ends_with(';'));
    let end = (0..lines.len()).find(|at| is_test(*at) && !is_declared(*at));
    let code: Vec<&str> = (0..end.unwrap_or(lines.len()))
        .filter(|at| !(is_test(*at) || *at > 0 && is_test(at - 1)))
        .map(|at| lines[at].split("//").next().unwrap_or(""))
        .collect();
    code.into_iter()
}

/// The code of a file, as [`code_lines`] has it.
fn code(text: &str) -> String {
    code_lines(text).collect::<Vec<_>>().join("\n")
}

/// The modules of this crate that code names, as in `crate::store::Scope` or `crate::{db, store}`.
fn crate_modules(code: &str) -> Vec<String> {
    let path = Regex::new(r"\bcrate::(\w+)").unwrap();
    let group = Regex::new(r"\bcrate::\{([^;]*)\};").unwrap();
    let grouped = group.captures_iter(code).flat_map(|found| top_names(&found[1]));
    path.captures_iter(code).map(|found| found[1].to_owned()).chain(grouped).collect()
}

/// The first segments of the paths in a `use` group, without those in groups inside it.
fn top_names(group: &str) -> Vec<String> {
    let inner = Regex::new(r"\{[^{}]*\}").unwrap();
    let mut flat = group.to_owned();
    while inner.is_match(&flat) {
        flat = inner.replace_all(&flat, "").into_owned();
    }
    let names = flat.split(',').map(|path| path.trim().split(':').next().unwrap_or(""));
    names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

#[test]
fn the_modules_named_in_a_nested_group_are_found() {
    let code = "use crate::{db, store::{Scope, key::Key}};\nlet x = crate::model::Json::Null;";
    assert_eq!(crate_modules(code), ["model", "db", "store"]);
}

#[test]
fn dependencies_point_one_way() {
    let mut wrong = Vec::new();
    for (path, text) in rust_files("src") {
        let module = module_of(&path);
        let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| *name == module) else { continue };
        for used in crate_modules(&code(&text)) {
            if used != module && !allowed.contains(&used.as_str()) {
                wrong.push(format!("{path}: crate::{used}"));
            }
        }
    }
    assert!(wrong.is_empty(), "uses a module above or beside its own:\n{}", wrong.join("\n"));
}

#[test]
fn what_only_tests_use_is_no_code() {
    let text = "mod a;\n#[cfg(test)]\nmod sandbox;\nmod b; // c\n#[cfg(test)]\nmod tests {\nmod d;";
    assert_eq!(code(text), "mod a;\nmod b; ");
}

#[test]
fn nothing_knows_the_command_line_as_a_whole() {
    for (path, text) in rust_files("src") {
        let knows = crate_modules(&code(&text)).iter().any(|used| used == "cli");
        assert!(!knows || path == "src/cli.rs", "{path} uses crate::cli");
    }
}

#[test]
fn no_wing_knows_another() {
    for (path, text) in rust_files("src/eras") {
        let own = path.strip_prefix("src/eras/").and_then(|inner| inner.split_once('/'));
        let Some((own, _)) = own else { continue };
        for other in WINGS.iter().filter(|wing| **wing != own) {
            let named = Regex::new(&format!(r"\b{other}\b")).unwrap();
            let line = code_lines(&text).find(|line| named.is_match(line)).map(str::to_owned);
            assert_eq!(line, None, "{path} names the wing {other}");
        }
    }
}

#[test]
fn only_the_choice_of_an_era_knows_the_wings() {
    let wing = Regex::new(&format!(r"\beras::(\{{[^;]*)?\b(?:{})\b", WINGS.join("|"))).unwrap();
    assert!(wing.is_match("use crate::eras::{Era,\n    etl::{self, Etl}};"));
    for (path, text) in rust_files("src") {
        let named = wing.find(&code(&text)).map(|found| found.as_str().to_owned());
        let may = path.starts_with("src/eras/") || path == PICKS_A_WING;
        assert!(may || named.is_none(), "{path}: {named:?}");
    }
}

#[test]
fn pure_stages_know_no_clock_no_network_and_no_chance() {
    let words: Vec<_> = IMPURE.iter().map(|word| regex::escape(word)).collect();
    let impure = Regex::new(&format!(r"\b(?:{})\b", words.join("|"))).unwrap();
    let mut wrong = Vec::new();
    for (path, text) in rust_files("src") {
        if !PURE.contains(&module_of(&path)) {
            continue;
        }
        let code = code(&text);
        wrong.extend(impure.find_iter(&code).map(|found| format!("{path}: {}", found.as_str())));
    }
    assert!(wrong.is_empty(), "impure:\n{}", wrong.join("\n"));
}

#[test]
fn only_the_settings_read_the_environment() {
    for (path, text) in rust_files("src") {
        let reads = code_lines(&text).find(|line| {
            ["env::var", "env::vars", "env::var_os"].iter().any(|call| line.contains(call))
        });
        assert!(path == "src/settings/environment.rs" || reads.is_none(), "{path}: {reads:?}");
    }
}

#[test]
fn only_the_terminal_prints() {
    for (path, text) in rust_files("src") {
        let prints = code_lines(&text).find(|line| {
            ["println!", "eprint", "print!(", "io::stdout", "io::stderr"]
                .iter()
                .any(|call| line.contains(call))
        });
        assert!(module_of(&path) == "terminal" || prints.is_none(), "{path}: {prints:?}");
    }
}
