//! When the next fault comes, and when the service has recovered from the last one.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use tokio::time::sleep;
use tools_kit::{report, workspace};

use crate::ledger::Ledger;

/// Says how far it is.
pub(crate) fn tell(name: &str, ledger: &Ledger) {
    report::note(&format!("{}: {} writes were acknowledged", name, ledger.acknowledged()));
}

/// A number below another one, different each time.
pub(crate) fn random_below(limit: u64) -> anyhow::Result<u64> {
    let random = u64::from_str_radix(&workspace::random_hex(4)?, 16).context("no hexadecimal number")?;
    Ok(random % limit)
}

/// Some time, different each time, so that not always the same is under way.
pub(crate) fn pause() -> anyhow::Result<Duration> {
    Ok(Duration::from_millis(100 + random_below(300)?))
}

/// Waits until a write is acknowledged that is sent from now on, and says how long ago `since` was.
pub(crate) async fn until_writing(
    ledger: &Ledger,
    since: Instant,
    limit: Duration,
) -> anyhow::Result<Duration> {
    let now = Instant::now();
    while !ledger.writes_since(now) {
        ensure!(since.elapsed() < limit, "nothing is written after {} s", limit.as_secs());
        sleep(Duration::from_millis(1)).await;
    }
    Ok(since.elapsed())
}
