//! Waiting for what must come, however slow the machine is.

use std::{
    thread,
    time::{Duration, Instant},
};

use task_adapters::testing::HUNG;

/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// Waits until the condition holds.
#[track_caller]
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < HUNG, "not within {HUNG:?}: {what}");
        thread::sleep(LOOK);
    }
}
