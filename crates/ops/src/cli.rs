//! The arguments of the doctor.

use std::{
    ffi::OsStr,
    io::{self, Read},
};

use clap::{Arg, Args, Error, builder::TypedValueParser, error::ErrorKind};

/// The arguments of `task-api doctor`.
#[derive(Clone, Copy, Debug, Args)]
pub struct Doctor {
    /// Examine the token on standard input too; `-` is the only value, because the shell's history would keep a token on the
    /// command line.
    #[arg(long, value_name = "-", value_parser = StandardInputOnly)]
    pub token: Option<StandardInput>,
}

/// The most bytes that are read from standard input: more than any token in a header.
const MAX_TOKEN_BYTES: u64 = 1024 * 1024;

impl Doctor {
    /// The text on standard input, if `--token -` was given.
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

/// Refuses every value except `-` without repeating it: clap's own error would show the token.
#[derive(Clone, Copy)]
struct StandardInputOnly;

impl TypedValueParser for StandardInputOnly {
    type Value = StandardInput;

    fn parse_ref(&self, _: &clap::Command, _: Option<&Arg>, value: &OsStr) -> Result<StandardInput, Error> {
        if value == "-" {
            return Ok(StandardInput);
        }
        let sentence = "a token on the command line would be kept in the shell's history: write `--token -` and send the \
                        token to standard input. If this was a real token, remove the line from the history\n";
        Err(Error::raw(ErrorKind::InvalidValue, sentence))
    }
}
