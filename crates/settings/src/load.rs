//! The sources of variables: `.env` in the current folder, and the environment.

use std::env;

use task_adapters::Database;

use crate::{
    database,
    reader::{InvalidSettings, Reader, SettingFault},
    server::{self, Listener},
};

/// Loads only `HOST` and `PORT`, for a client of the service.
pub fn load_listener() -> Result<Listener, InvalidSettings> {
    let mut reader = Reader::new(variables()?);
    let listener = server::listener(&mut reader);
    reader.finish(Some(listener))
}

/// Loads only `DATABASE_DIRECT_URL`, or else `DATABASE_URL`, for a migration.
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
                // The text of the error would repeat the line, which may hold a secret.
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
