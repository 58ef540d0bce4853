//! Other roles than the owner of the tables.

use task_adapters::{Database, testing::TestDatabase};

/// The database as a role sees it that has no rights but those given here. The role ends with the test.
pub(crate) struct Role<'a> {
    db: &'a TestDatabase,
    pub(crate) name: String,
}

impl<'a> Role<'a> {
    /// `ROLE` in the rights stands for its name.
    pub(crate) async fn new(db: &'a TestDatabase, rights: &str) -> Self {
        let name = format!("{}_role", db.name());
        db.execute(&format!("CREATE ROLE {name}; {}", rights.replace("ROLE", &name))).await;
        Self { db, name }
    }

    pub(crate) fn database(&self) -> Database {
        let separator = if self.db.url().contains('?') { '&' } else { '?' };
        let url = format!("{}{separator}options=-c%20role%3D{}", self.db.url(), self.name);
        Database::parse(&url).unwrap()
    }

    pub(crate) async fn drop(self) {
        self.db.execute(&format!("DROP OWNED BY {0}; DROP ROLE {0}", self.name)).await;
    }
}
