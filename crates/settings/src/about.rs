//! The title and version that the API shows, and the environment that it runs in.

use crate::{quoted::quoted, reader::Reader};

/// The title, version and environment of the service.
#[derive(Clone, Debug)]
pub struct About {
    /// The title of the API.
    pub title: String,
    /// The version of the API.
    pub version: String,
    /// Where the service runs.
    pub environment: Environment,
}

/// Where the service runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    /// On a developer's machine.
    Dev,
    /// For tests before production.
    Staging,
    /// For real users.
    Production,
}

impl Environment {
    /// All environments.
    pub const ALL: [Self; 3] = [Self::Dev, Self::Staging, Self::Production];

    /// The name, as the settings and `/health` write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Staging => "staging",
            Self::Production => "production",
        }
    }
}

/// Reads `API_TITLE`, `API_VERSION` and `ENVIRONMENT`.
pub(crate) fn read(reader: &mut Reader) -> About {
    About {
        environment: environment(reader),
        title: reader.text("API_TITLE").unwrap_or_default(),
        version: reader.text("API_VERSION").unwrap_or_default(),
    }
}

fn environment(reader: &mut Reader) -> Environment {
    let environment = reader.parsed("ENVIRONMENT", |text| match text {
        "dev" => Ok(Environment::Dev),
        "staging" => Ok(Environment::Staging),
        "production" => Ok(Environment::Production),
        other => Err(format!("must be dev, staging or production, not {}", quoted(other, other))),
    });
    environment.unwrap_or(Environment::Dev)
}
