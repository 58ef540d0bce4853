//! The browser that the example is tried in.

use std::path::PathBuf;

use anyhow::Context as _;
use tools_kit::{process, report, tools};

/// The names under which systems have it.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// Finds a Chromium, or installs one if that can be done.
pub(crate) async fn obtain() -> anyhow::Result<PathBuf> {
    if let Some(program) = installed().await {
        return Ok(program);
    }
    let install = report::step("Installing Chromium with apt-get (once)", tools::apt_install("chromium"));
    let advice = "there is no browser to try the example in: install Chromium or Google Chrome";
    install.await.context(advice)?;
    installed().await.context(advice)
}

async fn installed() -> Option<PathBuf> {
    for name in NAMES {
        let Some(program) = find(name, std::env::var_os("PATH")?) else { continue };
        if process::works(&program.to_string_lossy(), &["--version"]).await {
            return Some(program);
        }
    }
    None
}

/// The first program of that name in a list of folders as `PATH` is one.
fn find(name: &str, folders: impl AsRef<std::ffi::OsStr>) -> Option<PathBuf> {
    std::env::split_paths(&folders).map(|folder| folder.join(name)).find(|program| program.is_file())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tools_kit::scratch::Scratch;

    use super::*;

    #[test]
    fn a_program_is_found_in_the_first_folder_that_has_it() {
        let scratch = Scratch::new();
        let program = scratch.path().join("chromium");
        fs::write(&program, "").unwrap();
        let folders = format!("/nowhere:{}", scratch.path().display());
        assert_eq!(find("chromium", &folders), Some(program));
        assert_eq!(find("google-chrome", &folders), None);
    }
}
