//! A folder for one test of a tool, removed with it.
#![expect(clippy::unwrap_used, reason = "test support panics where a test cannot go on")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::workspace::random_hex;

/// The folder, for as long as this value lives.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    /// An empty folder of a name that no other test has.
    #[must_use]
    #[expect(
        clippy::new_without_default,
        clippy::missing_panics_doc,
        reason = "it makes a folder, for tests only"
    )]
    pub fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("task-api-scratch-{}", random_hex(8).unwrap()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file below it, with the folders above that file.
    #[expect(clippy::missing_panics_doc, reason = "for tests only")]
    pub fn write(&self, path: &str, text: &str) {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
