//! The variables that steer the commands: the environment's, and beneath them those of `.env`.

use std::collections::BTreeMap;

use anyhow::bail;

use crate::workspace;

/// Variables by name. An empty one counts as not set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Variables(BTreeMap<String, String>);

impl Variables {
    /// Reads both sources, exactly as the service does.
    pub(crate) fn load() -> anyhow::Result<Self> {
        let given =
            task_api::settings::variables()?.into_iter().filter(|(_, value)| !value.trim().is_empty());
        Ok(Self(given.collect()))
    }

    /// The value without white space around it.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.exact(name).map(str::trim)
    }

    /// The value as it is.
    fn exact(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.trim().is_empty())
    }

    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.0.insert(name.to_owned(), value.into());
    }

    /// The secret that tokens are signed with: the person's own, or one that is made once for this checkout.
    pub(crate) fn token_secret(&self) -> anyhow::Result<String> {
        self.exact("BETTER_AUTH_SECRET")
            .map_or_else(|| workspace::kept_secret("secret"), |secret| Ok(secret.to_owned()))
    }

    /// Refuses to go on against production.
    pub(crate) fn refuse_production(&self, what: &str) -> anyhow::Result<()> {
        if self.get("ENVIRONMENT").is_some_and(|environment| environment.eq_ignore_ascii_case("production")) {
            bail!(
                "ENVIRONMENT is production, where {what}: unset it, or use another checkout for development"
            );
        }
        Ok(())
    }
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
    fn production_is_refused() {
        let mut variables = Variables::default();
        variables.refuse_production("nothing happens").unwrap();
        variables.set("ENVIRONMENT", "production");
        let error = variables.refuse_production("this must not run").unwrap_err().to_string();
        assert!(error.contains("this must not run"), "{error}");
    }
}
