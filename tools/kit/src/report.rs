//! What a person sees while a command works: each step as it begins, and how long it took.

use std::{
    future::Future,
    io::Write as _,
    time::{Duration, Instant},
};

/// Runs one step and shows it: its name at once, its time when it is done.
pub async fn step<T>(name: &str, work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let shown = Shown::begin(name);
    let outcome = work.await;
    if outcome.is_ok() {
        shown.done();
    }
    outcome
}

/// A few words to the person, on the stream that holds no results.
pub fn note(text: &str) {
    eprintln!("  {text}");
}

/// A headline above the output of another program.
pub fn headline(text: &str) {
    eprintln!("\n== {text}");
}

/// An error with its causes. Some errors repeat their cause in their own words; a cause that was said already is left
/// out.
pub fn sentence(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |said, cause| {
        if said.is_empty() {
            cause
        } else if said.contains(&cause) {
            said
        } else {
            format!("{said}: {cause}")
        }
    })
}

/// A duration as people read it.
#[must_use]
pub fn seconds(time: Duration) -> String {
    if time.as_secs() < 60 {
        format!("{:.1} s", time.as_secs_f64())
    } else {
        format!("{} min {:02} s", time.as_secs() / 60, time.as_secs() % 60)
    }
}

/// A step whose name stands on the screen, waiting for its end.
struct Shown {
    since: Instant,
    ended: bool,
}

impl Shown {
    fn begin(name: &str) -> Self {
        eprint!("  {name} ... ");
        // A progress line that cannot be flushed is no reason to stop the work.
        let _ = std::io::stderr().flush();
        Self { since: Instant::now(), ended: false }
    }

    fn done(mut self) {
        self.ended = true;
        eprintln!("{}", seconds(self.since.elapsed()));
    }
}

impl Drop for Shown {
    /// A step that failed or was interrupted ends its line as well, so that what follows starts on a new one.
    fn drop(&mut self) {
        if !self.ended {
            eprintln!("not done after {}", seconds(self.since.elapsed()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_said_once() {
        let error =
            anyhow::anyhow!("connection refused").context("no answer: connection refused").context("stopped");
        assert_eq!(sentence(&error), "stopped: no answer: connection refused");
    }

    #[test]
    fn time_is_readable() {
        assert_eq!(seconds(Duration::from_millis(640)), "0.6 s");
        assert_eq!(seconds(Duration::from_secs(125)), "2 min 05 s");
    }
}
