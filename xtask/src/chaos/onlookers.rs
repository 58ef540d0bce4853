//! Somebody who only looks, and whom it need not concern that nothing can be written.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Context as _;
use tokio::{task::JoinSet, time::sleep};

use super::{faults::Stage, outcome::ANSWER_LIMIT, store::USER};
use crate::report;

/// How often they look.
const LOOK: Duration = Duration::from_millis(50);
/// More than the service may take for any answer.
const TIMEOUT: Duration = Duration::from_secs(20);

/// They look until they are told to stop.
pub(super) struct Onlookers {
    stop: Arc<AtomicBool>,
    looking: JoinSet<anyhow::Result<[Seen; 3]>>,
}

/// What was seen of a path.
struct Seen {
    path: String,
    times: usize,
    longest: Duration,
    /// What came instead of 200.
    others: Vec<String>,
}

impl Onlookers {
    /// They look at a page of tasks, whether the service is up, and whether it takes requests.
    pub(super) fn start(stage: &Stage) -> Self {
        let tasks = format!("/api/{USER}/tasks?limit=5");
        let seen = [tasks, "/health/live".to_owned(), "/health/ready".to_owned()].map(Seen::nothing);
        let (url, token) = (stage.service.url(), stage.store.token().to_owned());
        let stop = Arc::new(AtomicBool::new(false));
        let mut looking = JoinSet::new();
        looking.spawn(look(url, token, seen, Arc::clone(&stop)));
        Self { stop, looking }
    }

    /// Says what they have seen that must not be: anything but 200 in good time.
    pub(super) async fn stop(mut self, when: &str) -> anyhow::Result<Vec<String>> {
        self.stop.store(true, Ordering::Relaxed);
        let seen = self.looking.join_next().await.context("nobody looks")?;
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
            let status = answer.map(|answer| answer.status().as_u16());
            seen.note(status.map_err(|error| error.to_string()), since.elapsed());
        }
        sleep(LOOK).await;
    }
    Ok(seen)
}

impl Seen {
    fn nothing(path: String) -> Self {
        Self { path, times: 0, longest: Duration::ZERO, others: Vec::new() }
    }

    fn note(&mut self, answer: Result<u16, String>, after: Duration) {
        self.times += 1;
        self.longest = self.longest.max(after);
        match answer {
            Ok(200) => {}
            Ok(status) => self.others.push(status.to_string()),
            Err(error) => self.others.push(format!("no answer ({error})")),
        }
    }

    fn words(&self) -> String {
        let (good, longest) = (self.times - self.others.len(), self.longest.as_millis());
        format!("{} was 200 {good} times of {}, after {longest} ms at most", self.path, self.times)
    }

    fn faults(&self) -> Vec<String> {
        let mut faults: Vec<String> =
            self.others.first().map(|other| format!("{} was {other}", self.path)).into_iter().collect();
        if self.longest > ANSWER_LIMIT {
            faults.push(format!("{} took {:?}", self.path, self.longest));
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
    fn whatever_is_not_200_in_good_time_is_told() {
        let faults = |answers: &[(Result<u16, String>, u64)]| {
            let mut seen = Seen::nothing("/".to_owned());
            for (answer, seconds) in answers {
                seen.note(answer.clone(), Duration::from_secs(*seconds));
            }
            seen.faults().len()
        };
        assert_eq!(faults(&[(Ok(200), 1), (Ok(200), 2)]), 0);
        assert_eq!(faults(&[(Ok(200), 1), (Ok(503), 1)]), 1);
        assert_eq!(faults(&[(Err("gone".to_owned()), 1)]), 1);
        assert_eq!(faults(&[(Ok(200), 7)]), 1);
        assert_eq!(faults(&[]), 1);
    }
}
