//! The variables that steer the commands: the environment's, and beneath them those of `.env`.

use std::{collections::BTreeMap, env, path::Path};

use anyhow::{anyhow, bail};
use task_support::EnvFile;

use crate::workspace;

/// Variables by name. An empty one counts as not set.
#[derive(Clone, Debug, Default)]
pub struct Variables(BTreeMap<String, String>);

impl Variables {
    /// Reads both sources, exactly as the service does.
    pub fn load() -> anyhow::Result<Self> {
        let environment = env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.to_string_lossy().into_owned()))
        });
        Ok(Self::merged(of_file()?, environment))
    }

    /// Of two with the same name the later one counts, unless it is empty.
    fn merged(
        file: impl IntoIterator<Item = (String, String)>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        Self(file.into_iter().chain(environment).filter(|(_, value)| !value.trim().is_empty()).collect())
    }

    /// The value without white space around it.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.exact(name).map(str::trim)
    }

    /// The value as it is.
    fn exact(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.trim().is_empty())
    }

    /// Sets or replaces a variable.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.0.insert(name.to_owned(), value.into());
    }

    /// Names a private database. Migrations would otherwise go to the one that `DATABASE_DIRECT_URL` names.
    pub fn use_private_database(&mut self, url: &str) {
        for name in ["DATABASE_URL", "DATABASE_DIRECT_URL"] {
            self.set(name, url);
        }
    }

    /// The secret that tokens are signed with: the person's own, or one that is made once for this checkout.
    pub fn token_secret(&self) -> anyhow::Result<String> {
        self.exact("BETTER_AUTH_SECRET")
            .map_or_else(|| workspace::kept_secret("secret"), |secret| Ok(secret.to_owned()))
    }

    /// Refuses to go on against production.
    pub fn refuse_production(&self, what: &str) -> anyhow::Result<()> {
        if self.get("ENVIRONMENT").is_some_and(|environment| environment.eq_ignore_ascii_case("production")) {
            bail!(
                "ENVIRONMENT is production, where {what}: unset it, or use another checkout for development"
            );
        }
        Ok(())
    }
}

/// Whether a command would do something else without the variable. The service judges all the others itself.
fn is_ours(name: &str) -> bool {
    ["DATABASE_URL", "DATABASE_DIRECT_URL", "BETTER_AUTH_SECRET", "ENVIRONMENT", "PORT"].contains(&name)
}

/// The variables of `.env` in the current folder, if there is one.
fn of_file() -> anyhow::Result<Vec<(String, String)>> {
    let file =
        EnvFile::read(Path::new(".env")).map_err(|error| anyhow!(".env {error} (see .env.example)"))?;
    let EnvFile { variables, unreadable } = file.unwrap_or_default();
    // A line of another program may look as it likes. One of these would be done without in silence.
    let broken =
        unreadable.into_iter().find_map(|line| Some((line.number, line.name.filter(|name| is_ours(name))?)));
    if let Some((number, name)) = broken {
        bail!(
            ".env, line {number}: the value of {name} cannot be read; check its quotation marks (see .env.example)"
        );
    }
    Ok(variables)
}

impl IntoIterator for Variables {
    type Item = (String, String);
    type IntoIter = std::collections::btree_map::IntoIter<String, String>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_variable_is_not_set() {
        let mut variables = Variables::default();
        variables.set("DATABASE_URL", " ");
        assert_eq!(variables.get("DATABASE_URL"), None);
    }

    #[test]
    fn an_empty_variable_of_the_environment_leaves_that_of_the_file_as_the_service_does() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let file = [pair("ENVIRONMENT", "production"), pair("PORT", "1")];
        let variables = Variables::merged(file, [pair("ENVIRONMENT", ""), pair("PORT", "2")]);
        assert_eq!((variables.get("ENVIRONMENT"), variables.get("PORT")), (Some("production"), Some("2")));
    }

    #[test]
    fn a_private_database_is_migrated_itself_whatever_the_direct_address_was() {
        let mut variables = Variables::default();
        variables.set("DATABASE_DIRECT_URL", "postgres://elsewhere/app");
        variables.use_private_database("postgres://127.0.0.1/private");
        for name in ["DATABASE_URL", "DATABASE_DIRECT_URL"] {
            assert_eq!(variables.get(name), Some("postgres://127.0.0.1/private"));
        }
    }

    #[test]
    fn production_is_refused() {
        let mut variables = Variables::default();
        variables.refuse_production("nothing happens").unwrap();
        variables.set("ENVIRONMENT", "production");
        let error = variables.refuse_production("this must not run").unwrap_err().to_string();
        assert!(error.contains("this must not run"), "{error}");
    }
}
