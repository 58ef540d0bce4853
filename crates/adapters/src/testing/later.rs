//! Migrations of a release to come, for what the program of this one does while they run.

use std::path::PathBuf;

use diesel_migrations::FileBasedMigrations;

use super::database::TestDatabase;
use crate::migrations;

/// The migrations in a folder, all of them later than those of the program.
#[derive(Clone, Debug)]
pub struct LaterMigrations {
    folder: PathBuf,
}

impl LaterMigrations {
    /// Those of that folder, which holds one folder for each.
    #[must_use]
    pub fn of(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    fn source(&self) -> FileBasedMigrations {
        FileBasedMigrations::from_path(&self.folder).unwrap()
    }

    fn count(&self) -> usize {
        std::fs::read_dir(&self.folder).unwrap().count()
    }

    /// Applies all of them, as `task-api migrate run` of a later release would.
    pub async fn run(&self, database: &TestDatabase) {
        let applied = migrations::run_of(database.database(), self.source()).await.unwrap();
        assert_eq!(applied, self.count());
    }

    /// Takes all of them back, as `task-api migrate revert` would.
    pub async fn revert(&self, database: &TestDatabase) {
        for _ in 0..self.count() {
            migrations::revert_of(database.database(), self.source()).await.unwrap();
        }
    }
}
