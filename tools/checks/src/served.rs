//! A service of a check's own, on a throw-away database with the table of users and all migrations.

use task_adapters::{Database, migrations};
use tools_kit::{
    program::{self, Profile},
    running_service::{Service, SetUp},
    workspace,
};
use tools_postgres::{
    stand_in_users,
    throwaway::{self, ThrowAway},
};

/// A service that answers. Both end with this value.
pub(crate) struct Served {
    // Dropped in this order: the service ends before its database.
    pub(crate) service: Service,
    pub(crate) database: ThrowAway,
    /// What tokens are signed with.
    pub(crate) secret: String,
}

impl Served {
    /// Compiles it as in development, and starts it. Its log has warnings only.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let program = program::build(Profile::Dev).await?;
        let database = throwaway::start().await?;
        stand_in_users::provide_user(&tools_postgres::connect(database.url()).await?).await?;
        migrations::run(&Database::parse(database.url())?).await?;
        let secret = workspace::random_hex(32)?;
        let set_up = SetUp {
            name: "task-api",
            folder: database.folder(),
            database: database.url(),
            secret: &secret,
            settings: &[("ENVIRONMENT", "dev"), ("LOG_LEVEL", "warn")],
        };
        let service = Service::start(program, &set_up).await?;
        Ok(Self { service, database, secret })
    }
}
