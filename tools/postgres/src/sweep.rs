//! What killed runs left behind.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

use crate::{disk, folder::PREFIX, pidfile::PidFile};

/// A folder without a lock that is younger than this may be one that is just being made.
const YOUNG: Duration = Duration::from_mins(1);
/// How long a server may take to end when its disk goes on.
const END_LIMIT: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(50);

/// Removes what killed runs left behind: folders whose lock is free and whose server has ended.
pub(crate) fn sweep(base: &Path) {
    for entry in fs::read_dir(base).into_iter().flatten().flatten() {
        let lock = entry.path();
        let ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        if !ours || lock.extension().is_none_or(|extension| extension != "lock") || is_young(&lock) {
            continue;
        }
        let folder = lock.with_extension("");
        let abandoned = File::open(&lock).is_ok_and(|file| file.try_lock().is_ok());
        if abandoned && has_ended(&folder) {
            disk::unmount(&disk::root_in(&folder));
            let _ = fs::remove_dir_all(&folder);
            let _ = fs::remove_file(&lock);
        }
    }
}

/// Whether the server of an abandoned folder has ended. One with a frozen disk could not: it was asked to, and does after the
/// disk is thawed.
fn has_ended(folder: &Path) -> bool {
    let homes = [folder.to_owned(), disk::root_in(folder)];
    let ended = || {
        let file = |home: &PathBuf| PidFile::read(&home.join("data"));
        homes.iter().all(|home| file(home).is_none_or(|file| !file.is_alive(folder)))
    };
    let since = Instant::now();
    while disk::thaw(folder) && !ended() && since.elapsed() < END_LIMIT {
        std::thread::sleep(POLL);
    }
    ended()
}

fn is_young(path: &Path) -> bool {
    let changed = fs::metadata(path).and_then(|found| found.modified()).unwrap_or_else(|_| SystemTime::now());
    changed.elapsed().unwrap_or_default() < YOUNG
}
