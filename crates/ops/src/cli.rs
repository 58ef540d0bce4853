//! The arguments of the doctor.

use std::{
    ffi::OsStr,
    io::{self, Read},
};

use clap::{Arg, Args, Error, builder::TypedValueParser, error::ErrorKind};

/// What the doctor is to look at besides the set-up.
#[derive(Clone, Copy, Debug, Args)]
pub struct Doctor {
    /// Judge the token on standard input as well; `-` is the only value, since a token on the command line would be kept
    /// in the shell's history.
    #[arg(long, value_name = "-", value_parser = StandardInputOnly)]
    pub token: Option<StandardInput>,
}

/// How much of standard input is read, in bytes: more than any token that is sent in a header.
const MAX_TOKEN_BYTES: u64 = 1024 * 1024;

impl Doctor {
    /// What stands on standard input, where the token is to be read from there.
    pub fn token(self) -> io::Result<Option<String>> {
        if self.token.is_none() {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        io::stdin().lock().take(MAX_TOKEN_BYTES).read_to_end(&mut bytes)?;
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }
}

/// Standard input, written as `-`.
#[derive(Clone, Copy, Debug)]
pub struct StandardInput;

/// Refuses everything but `-`, and repeats nothing of it: clap's own refusal would show the token.
#[derive(Clone, Copy)]
struct StandardInputOnly;

impl TypedValueParser for StandardInputOnly {
    type Value = StandardInput;

    fn parse_ref(&self, _: &clap::Command, _: Option<&Arg>, value: &OsStr) -> Result<StandardInput, Error> {
        if value == "-" {
            return Ok(StandardInput);
        }
        let sentence = "a token is not taken from the command line, where it would land in the shell's history: write \
                        `--token -` and send the token to standard input. If this was a real token, remove the line from the \
                        history\n";
        Err(Error::raw(ErrorKind::InvalidValue, sentence))
    }
}
