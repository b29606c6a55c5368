//! The help of the program and of every command, word for word.

use audius_etl::cli::Cli;
use clap::CommandFactory;

use crate::support::TestEnv;

/// Every command that help lists, in its order.
fn visible_commands() -> Vec<String> {
    let command = Cli::command();
    let visible = command.get_subcommands().filter(|command| !command.is_hide_set());
    visible.map(|command| command.get_name().to_owned()).collect()
}

#[test]
fn the_program_explains_itself() {
    insta::assert_snapshot!("help", TestEnv::new().run(&["--help"]).transcript());
}

#[test]
fn every_command_explains_itself() {
    for command in visible_commands() {
        let run = TestEnv::new().run(&[command.as_str(), "--help"]);
        insta::assert_snapshot!(format!("help_{command}"), run.transcript());
    }
}

#[test]
fn no_help_is_wider_than_a_hundred_columns() {
    for command in visible_commands() {
        let help = TestEnv::new().run(&[command.as_str(), "--help"]).stdout();
        let wide = help.lines().find(|line| line.chars().count() > 100);
        assert_eq!(wide, None, "{command} --help");
    }
}

#[test]
fn every_option_of_every_command_says_what_it_does() {
    let mut program = Cli::command();
    program.build();
    for command in program.get_subcommands() {
        for option in command.get_arguments() {
            assert!(option.get_help().is_some(), "{} {}", command.get_name(), option.get_id());
        }
    }
}

#[test]
fn the_definition_of_the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn the_version_goes_to_stdout() {
    let run = TestEnv::new().run(&["--version"]);
    assert_eq!((run.code(), run.stdout().as_str()), (0, "audius-etl [VERSION]\n"));
}
