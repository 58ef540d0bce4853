//! The sources of variables: `.env` in the current folder, and the environment.

use std::{env, path::Path};

use task_adapters::Database;
use task_support::EnvFile;

use crate::{
    database,
    reader::{InvalidSettings, Reader, SettingFault},
    server::{self, Listener},
    variables::VARIABLES,
};

/// Loads only `HOST` and `PORT`, for a client of the service.
pub fn load_listener() -> Result<Listener, InvalidSettings> {
    let Sources { variables, remarks } = Sources::load()?;
    let mut reader = Reader::new(variables);
    let listener = server::listener(&mut reader);
    reader.finish(Some(listener)).map_err(|error| error.with(remarks))
}

/// Loads only `DATABASE_DIRECT_URL`, or else `DATABASE_URL`, for a migration.
pub fn load_database() -> Result<Database, InvalidSettings> {
    let Sources { variables, remarks } = Sources::load()?;
    let mut reader = Reader::new(variables);
    let database = database::for_migrations(&mut reader);
    reader.finish(database).map_err(|error| error.with(remarks))
}

/// The file of variables that is read, in the current folder.
const FILE: &str = ".env";

/// The variables of both sources, and what was wrong with the file.
pub(crate) struct Sources {
    /// Those of the file, then those of the environment.
    pub(crate) variables: Vec<(String, String)>,
    /// Lines of the file that are not understood.
    pub(crate) remarks: Vec<String>,
}

impl Sources {
    /// Fails if the file cannot be read, or if it is one of our own variables whose line is not understood.
    pub(crate) fn load() -> Result<Self, InvalidSettings> {
        let file = EnvFile::read(Path::new(FILE));
        let file = file.map_err(|error| InvalidSettings::from(vec![fault(error.to_string())]))?;
        let EnvFile { variables, unreadable: lines } = file.unwrap_or_default();
        let (mut faults, mut remarks) = (Vec::new(), Vec::new());
        for line in lines {
            let number = line.number;
            match line.name.filter(|name| VARIABLES.iter().any(|variable| variable.name == *name)) {
                Some(name) => faults.push(fault(format!(
                    "line {number}: the value of {name} cannot be read; check its quotation marks"
                ))),
                None => remarks.push(format!(
                    "{FILE}, line {number}: left out, because it is not of the form NAME=value"
                )),
            }
        }
        if !faults.is_empty() {
            return Err(InvalidSettings::from(faults).with(remarks));
        }
        let environment = env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.to_string_lossy().into_owned()))
        });
        Ok(Self { variables: variables.into_iter().chain(environment).collect(), remarks })
    }
}

fn fault(problem: String) -> SettingFault {
    SettingFault { variable: FILE, problem, example: "" }
}
