//! Rules of the source tree that no compiler checks.

use std::path::Path;

use audius_etl::cli::Cli;
use clap::CommandFactory;

use crate::support::{root, rust_files};

/// Everything that may lie at the top of the repository.
const TOP_LEVEL: &[&str] = &[
    ".ci",
    ".clippy.toml",
    ".config",
    ".gitignore",
    ".rustfmt.toml",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "fixtures",
    "migrations",
    "scripts",
    "src",
    "tests",
];

/// Lines of a source file beyond which it must be split.
const MOST_LINES: usize = 800;

/// Generated files, which nobody reads from top to bottom.
const GENERATED: &[&str] = &["src/chain/core_pb.rs"];

/// Names that say nothing about the role of what is inside.
const EMPTY_NAMES: &[&str] =
    &["utils", "util", "helpers", "helper", "common", "misc", "manager", "types"];

/// What git knows of, so that build output and editors' droppings don't matter; `None` outside a
/// repository, as in an unpacked archive of the sources.
fn tracked_files() -> Option<Vec<String>> {
    let listed = std::process::Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    Some(String::from_utf8(listed.stdout).unwrap().lines().map(str::to_owned).collect())
}

#[test]
fn the_top_of_the_repository_holds_what_it_should_and_nothing_else() {
    let Some(files) = tracked_files() else { return };
    for file in files {
        let top = file.split('/').next().unwrap();
        assert!(TOP_LEVEL.contains(&top), "unexpected at the top of the repository: {top}");
    }
}

#[test]
fn every_source_file_opens_with_what_it_is_responsible_for() {
    for (path, text) in rust_files("src").into_iter().chain(rust_files("tests")) {
        let opens = text.starts_with("//! ");
        assert!(opens || GENERATED.contains(&path.as_str()), "{path} has no opening `//!`");
    }
}

#[test]
fn no_source_file_is_longer_than_a_reader_can_hold() {
    for (path, text) in rust_files("src") {
        let lines = text.lines().count();
        assert!(lines <= MOST_LINES || GENERATED.contains(&path.as_str()), "{path}: {lines} lines");
    }
}

#[test]
fn module_names_say_what_the_module_is_for() {
    for (path, _) in rust_files("src").into_iter().chain(rust_files("tests")) {
        for part in Path::new(&path).components() {
            let part = part.as_os_str().to_str().unwrap().trim_end_matches(".rs");
            assert!(!EMPTY_NAMES.contains(&part), "{path}");
        }
    }
}

#[test]
fn no_work_is_left_in_comments() {
    let marks = ["TODO", "FIXME", "XXX", "HACK"].map(|mark| format!(r"\b{mark}\b"));
    let mark = regex::Regex::new(&marks.join("|")).unwrap();
    for (path, text) in rust_files("src") {
        let left = text.lines().find(|line| line.contains("//") && mark.is_match(line));
        assert_eq!(left, None, "{path}");
    }
}

#[test]
fn nothing_names_the_machine_it_was_written_on() {
    let Some(files) = tracked_files() else { return };
    let place =
        regex::Regex::new(concat!(r"(/wo", r"rk/|/ho", r"me/\w|/ro", r"ot/|/Use", r"rs/\w)"));
    let place = place.unwrap();
    for file in files {
        // Archives and other binary files are no text, deleted ones are gone.
        let Ok(text) = std::fs::read_to_string(root().join(&file)) else { continue };
        let named = text.lines().find(|line| place.is_match(line));
        assert_eq!(named, None, "{file}");
    }
}

#[test]
fn the_readme_has_a_section_for_every_command() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    for command in Cli::command().get_subcommands().filter(|command| !command.is_hide_set()) {
        let heading = format!("### `{}`", command.get_name());
        assert!(readme.contains(&heading), "the README lacks {heading}");
    }
}

#[test]
fn the_code_map_of_the_crate_names_every_module() {
    let text = std::fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let module = regex::Regex::new(r"(?m)^pub mod (\w+);").unwrap();
    for found in module.captures_iter(&text) {
        let mentioned = text
            .lines()
            .any(|line| line.starts_with("//! |") && line.contains(&format!("[`{}`]", &found[1])));
        assert!(mentioned, "the code map in src/lib.rs lacks `{}`", &found[1]);
    }
}

/// A command and everything below it.
fn all(command: &clap::Command) -> Vec<&clap::Command> {
    std::iter::once(command).chain(command.get_subcommands().flat_map(all)).collect()
}

#[test]
fn every_option_the_readme_mentions_exists() {
    let mut program = Cli::command();
    program.build();
    let known: Vec<String> = all(&program)
        .into_iter()
        .flat_map(|command| command.get_arguments())
        .flat_map(|option| {
            let aliases = option.get_all_aliases().into_iter().flatten();
            option.get_long().into_iter().chain(aliases).map(|name| format!("--{name}"))
        })
        .collect();
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let option = regex::Regex::new(r"`(--[a-z][a-z-]+)").unwrap();
    for found in option.captures_iter(&readme) {
        assert!(known.contains(&found[1].to_owned()), "no command has {}", &found[1]);
    }
}

#[test]
fn scripts_can_be_run() {
    use std::os::unix::fs::PermissionsExt;
    let scripts = std::fs::read_dir(root().join("scripts")).unwrap();
    let mut paths: Vec<_> = scripts.map(|entry| entry.unwrap().path()).collect();
    paths.push(root().join(".ci/run"));
    for path in paths.into_iter().filter(|path| path.is_file()) {
        let mode = path.metadata().unwrap().permissions().mode();
        let first = std::fs::read(&path).unwrap();
        assert!(mode & 0o111 != 0 && first.starts_with(b"#!"), "{}", path.display());
    }
}
