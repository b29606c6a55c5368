//! Dependencies point one way, and the stages that must give the same rows again and again know no
//! clock, no network, no database and no chance.

use regex::Regex;

use crate::support::rust_files;

/// What a module of the crate may use besides itself. Modules not listed may use everything: they
/// are the top (`commands`, `cli`) or stand beside the flow of data.
const MAY_USE: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("chain", &["model"]),
    ("eth", &["model", "chain"]),
    ("decode", &["model", "chain"]),
    ("store", &["model"]),
    ("ledger", &["model", "store"]),
    ("rules", &["model"]),
    ("eras", &["model", "decode", "store", "ledger", "rules"]),
    ("db", &["model", "store"]),
    ("writer", &["model", "store", "db"]),
    ("compare", &["model", "db"]),
    ("sweep", &["eth", "db"]),
    ("follow", &["model", "store", "eth", "db", "writer"]),
    ("pipeline", &["model", "chain", "decode", "store", "eras", "db", "writer"]),
];

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

/// Source lines without comments and without the unit tests at the end of the file.
fn code_lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .take_while(|line| !line.starts_with("#[cfg(test)]"))
        .map(|line| line.split("//").next().unwrap_or(""))
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
