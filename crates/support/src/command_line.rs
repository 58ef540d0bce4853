//! Reads a command line, and repeats nothing of one that is wrong: a token or the address of a database may stand there by
//! mistake, and what a program writes is often kept.

use std::ffi::OsString;

use clap::{
    Error, Parser,
    error::{ContextKind, ContextValue, ErrorKind},
};

/// What stands in a message in place of what was typed.
const LEFT_OUT: &str = "...";

/// Reads the command line of this process. Ends the process with a message for people if that is wrong.
#[must_use]
pub fn parse_arguments<T: Parser>() -> T {
    parse_from(std::env::args_os()).unwrap_or_else(|error| error.exit())
}

/// Reads these arguments, the first of which is the name of the program.
pub fn parse_from<T: Parser>(arguments: impl IntoIterator<Item = OsString>) -> Result<T, Error> {
    T::try_parse_from(arguments).map_err(without_what_was_typed)
}

fn without_what_was_typed(mut error: Error) -> Error {
    // Of the other kinds, what is named are options and commands of the program.
    let typed: &[ContextKind] = match error.kind() {
        ErrorKind::UnknownArgument => &[ContextKind::InvalidArg, ContextKind::Suggested],
        ErrorKind::InvalidSubcommand => &[ContextKind::InvalidSubcommand, ContextKind::Suggested],
        ErrorKind::InvalidValue
        | ErrorKind::ValueValidation
        | ErrorKind::TooManyValues
        | ErrorKind::WrongNumberOfValues
        | ErrorKind::NoEquals => &[ContextKind::InvalidValue, ContextKind::Suggested],
        _ => &[],
    };
    for kind in typed {
        if error.remove(*kind).is_some() && *kind != ContextKind::Suggested {
            error.insert(*kind, ContextValue::String(LEFT_OUT.to_owned()));
        }
    }
    error
}

#[cfg(test)]
mod tests {
    use clap::Subcommand;
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Parser)]
    #[command(name = "program", version)]
    struct Cli {
        #[command(subcommand)]
        command: Option<Command>,
    }

    #[derive(Debug, Subcommand)]
    enum Command {
        #[command(subcommand)]
        Migrate(Migrate),
        Doctor {
            #[arg(long)]
            token: bool,
        },
    }

    #[derive(Debug, Subcommand)]
    enum Migrate {
        Status,
        Revert {
            #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
            steps: u16,
        },
    }

    fn message(arguments: &[&str]) -> String {
        let arguments = std::iter::once("program").chain(arguments.iter().copied()).map(OsString::from);
        parse_from::<Cli>(arguments).unwrap_err().to_string()
    }

    #[test]
    fn what_was_typed_is_not_repeated_and_what_was_meant_is_suggested() {
        for (arguments, words) in [
            (
                &["migrate", "stauts"][..],
                &["unrecognized subcommand '...'", "similar subcommand exists: 'status'"][..],
            ),
            (&["doctor", "--tken"], &["unexpected argument '...'", "similar argument exists: '--token'"]),
            (&["migrate", "revert", "--steps", "hunter2"], &["invalid value '...' for '--steps <STEPS>'"]),
            (&["migrate", "revert", "--steps", "-1"], &["unexpected argument '...'"]),
            (&["migrate"], &["Usage: program migrate <COMMAND>"]),
        ] {
            let message = message(arguments);
            assert!(words.iter().all(|word| message.contains(word)), "{message}");
            assert!(!message.contains("hunter2") && message.contains("--help"), "{message}");
        }
    }

    /// Where a secret may stand, with it in the place of `#`.
    const LINES: [&str; 20] = [
        "#",
        "postgres://u:#@h/d",
        "--#",
        "--#=#",
        "-#",
        "-- #",
        "migrate #",
        "migrate postgres://u:#@h/d",
        "migrate status postgres://u:#@h/d",
        "migrate status --database-url=postgres://u:#@h/d",
        "migrate status -- #",
        "migrate revert --steps #",
        "migrate revert --steps=#",
        "migrate revert --steps 1 #",
        "doctor #",
        "doctor --token --token #",
        "doctor --token #",
        "doctor --token=#",
        "doctor --token -- #",
        "doctor --token --bearer=#",
    ];

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn no_part_of_a_secret_on_the_command_line_is_repeated(
            secret in "[QXZ0-9@:/?#%&=+,;'\"\\[\\]\\\\~-]{4,24}",
            line in 0..LINES.len(),
        ) {
            let arguments: Vec<_> = LINES[line].split(' ').map(|part| part.replace('#', &secret)).collect();
            let arguments = std::iter::once("program".to_owned()).chain(arguments).map(OsString::from);
            // As a number of steps it would be understood.
            let Err(error) = parse_from::<Cli>(arguments) else { return Ok(()) };
            let shown = format!("{error} {}", error.render().ansi());
            let characters: Vec<char> = secret.chars().collect();
            for run in characters.windows(4) {
                let run: String = run.iter().collect();
                prop_assert!(!shown.contains(&run), "{run:?} of {:?} is in {shown}", LINES[line]);
            }
        }
    }
}
