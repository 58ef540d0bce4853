//! Waiting for what must come, however slow the machine is.

use std::time::{Duration, Instant};

/// How long a test waits for anything. On the slowest machine a program takes less, unless it hangs: no outcome of a test
/// may depend on a shorter time.
pub const HUNG: Duration = Duration::from_mins(3);

/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// Waits until the condition holds.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < HUNG, "not within {HUNG:?}: {what}");
        tokio::time::sleep(LOOK).await;
    }
}
