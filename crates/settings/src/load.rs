//! Where variables come from: `.env` in the current folder, and the environment.

use std::env;

use task_adapters::Database;

use crate::{
    database,
    reader::{InvalidSettings, Reader, SettingFault},
    server::{self, Listener},
};

/// Loads `HOST` and `PORT` alone: all that is needed to find the program.
pub fn load_listener() -> Result<Listener, InvalidSettings> {
    let mut reader = Reader::new(variables()?);
    let listener = server::listener(&mut reader);
    reader.finish(Some(listener))
}

/// Loads `DATABASE_DIRECT_URL`, or else `DATABASE_URL`: all that a migration needs.
pub fn load_database() -> Result<Database, InvalidSettings> {
    let mut reader = Reader::new(variables()?);
    let database = database::for_migrations(&mut reader);
    reader.finish(database)
}

/// The variables of `.env` in the current folder, then those of the environment.
pub fn variables() -> Result<Vec<(String, String)>, InvalidSettings> {
    let mut variables = Vec::new();
    match dotenvy::from_filename_iter(".env") {
        Ok(lines) => {
            for line in lines {
                // The error's own text repeats the line, in which there may be a secret.
                variables
                    .push(line.map_err(|_| unreadable("has a line that is not of the form NAME=value"))?);
            }
        }
        Err(error) if error.not_found() => {}
        Err(_) => return Err(unreadable("cannot be read")),
    }
    let environment = env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())));
    variables.extend(environment);
    Ok(variables)
}

fn unreadable(problem: &str) -> InvalidSettings {
    let fault = SettingFault { variable: ".env", problem: problem.to_owned(), example: "see .env.example" };
    InvalidSettings { faults: vec![fault] }
}
