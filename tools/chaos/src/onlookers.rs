//! Clients that only read, while nothing can be written.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Context as _;
use tokio::{task::JoinSet, time::sleep};
use tools_kit::report;

use crate::{outcome::ANSWER_LIMIT, stage::Stage, store::USER};

/// How often they look.
const LOOK: Duration = Duration::from_millis(50);
/// More than the service may take for any answer.
const TIMEOUT: Duration = Duration::from_secs(20);

/// They read until `stop`.
pub(crate) struct Onlookers {
    stop: Arc<AtomicBool>,
    looking: JoinSet<anyhow::Result<[Seen; 3]>>,
}

/// What was seen of a path.
struct Seen {
    path: String,
    times: usize,
    longest: Duration,
    /// How often the answer was 503 with `Retry-After`.
    refused: usize,
    /// What else came instead of 200.
    others: Vec<String>,
    /// Whether it may be refused.
    may_be_refused: bool,
}

/// What becomes of those who only read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reads {
    GoOn,
    MayBeRefused,
}

impl Onlookers {
    /// They look at a page of tasks, whether the service takes requests, and whether it is up, which it always is.
    pub(crate) fn start(stage: &Stage, reads: Reads) -> Self {
        let may_be_refused = reads == Reads::MayBeRefused;
        let seen = [
            Seen::nothing(format!("/api/{USER}/tasks?limit=5"), may_be_refused),
            Seen::nothing("/health/ready".to_owned(), may_be_refused),
            Seen::nothing("/health/live".to_owned(), false),
        ];
        let (url, token) = (stage.service.url(), stage.store.token().to_owned());
        let stop = Arc::new(AtomicBool::new(false));
        let mut looking = JoinSet::new();
        looking.spawn(look(url, token, seen, Arc::clone(&stop)));
        Self { stop, looking }
    }

    /// Says what they have seen that must not be: anything but the right answer in good time.
    pub(crate) async fn stop(mut self, when: &str) -> anyhow::Result<Vec<String>> {
        self.stop.store(true, Ordering::Relaxed);
        let seen = self.looking.join_next().await.context("no onlooker runs")?;
        let seen = seen.context("an onlooker has failed")??;
        report::note(&format!("{when}: {}", seen.each_ref().map(Seen::words).join("; ")));
        Ok(seen.iter().flat_map(Seen::faults).map(|fault| format!("{fault} {when}")).collect())
    }
}

async fn look(
    url: String,
    token: String,
    mut seen: [Seen; 3],
    stop: Arc<AtomicBool>,
) -> anyhow::Result<[Seen; 3]> {
    let client = reqwest::Client::builder().timeout(TIMEOUT).build().context("no HTTP client")?;
    while !stop.load(Ordering::Relaxed) {
        for seen in &mut seen {
            let since = Instant::now();
            let answer = client.get(format!("{url}{}", seen.path)).bearer_auth(&token).send().await;
            seen.note(status(answer), since.elapsed());
        }
        sleep(LOOK).await;
    }
    Ok(seen)
}

/// The status of an answer that may be, or what was wrong.
fn status(answer: reqwest::Result<reqwest::Response>) -> Result<u16, String> {
    let answer = answer.map_err(|error| format!("no answer ({error})"))?;
    match answer.status().as_u16() {
        503 if !answer.headers().contains_key("retry-after") => Err("503 without Retry-After".to_owned()),
        status => Ok(status),
    }
}

impl Seen {
    fn nothing(path: String, may_be_refused: bool) -> Self {
        Self { path, times: 0, longest: Duration::ZERO, refused: 0, others: Vec::new(), may_be_refused }
    }

    fn note(&mut self, answer: Result<u16, String>, after: Duration) {
        self.times += 1;
        self.longest = self.longest.max(after);
        match answer {
            Ok(200) => {}
            Ok(503) => self.refused += 1,
            Ok(status) => self.others.push(status.to_string()),
            Err(fault) => self.others.push(fault),
        }
    }

    fn words(&self) -> String {
        let Self { path, times, longest, refused, .. } = self;
        format!(
            "{path} was asked {times} times and refused {refused} times, after {} ms at most",
            longest.as_millis()
        )
    }

    fn faults(&self) -> Vec<String> {
        let mut faults: Vec<String> =
            self.others.first().map(|other| format!("{} was {other}", self.path)).into_iter().collect();
        if self.longest > ANSWER_LIMIT {
            faults.push(format!("{} took {:?}", self.path, self.longest));
        }
        if self.refused > 0 && !self.may_be_refused {
            faults.push(format!("{} was 503", self.path));
        }
        if self.times == 0 {
            faults.push(format!("{} was not looked at", self.path));
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_or_late_answer_is_reported() {
        let faults = |answers: &[(Result<u16, String>, u64)]| {
            [false, true].map(|may_be_refused| {
                let mut seen = Seen::nothing("/".to_owned(), may_be_refused);
                for (answer, seconds) in answers {
                    seen.note(answer.clone(), Duration::from_secs(*seconds));
                }
                seen.faults().len()
            })
        };
        assert_eq!(faults(&[(Ok(200), 1), (Ok(200), 2)]), [0, 0]);
        assert_eq!(faults(&[(Ok(200), 1), (Ok(503), 1)]), [1, 0]);
        assert_eq!(faults(&[(Ok(500), 1)]), [1, 1]);
        assert_eq!(faults(&[(Err("gone".to_owned()), 1)]), [1, 1]);
        assert_eq!(faults(&[(Ok(200), 7)]), [1, 1]);
        assert_eq!(faults(&[]), [1, 1]);
    }
}
