//! Clients that do a bit of everything with tasks of their own, and look whether what they were told still holds.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::Context as _;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use tokio::{task::JoinSet, time::sleep};

use crate::{
    asking::{Answer, Asking},
    ledger::Ledger,
    store::VISITOR,
};

const VISITORS: usize = 8;
/// How many tasks each of them has at the most.
const KEPT: usize = 25;
/// How many tasks are on a page, and how many pages are read of a list.
const PAGE: usize = 20;
const PAGES: usize = 5;
/// How long one rests after each request.
const PACE: Duration = Duration::from_millis(25);

/// Visitors at work.
pub(crate) struct Visitors {
    stop: Arc<AtomicBool>,
    tasks: JoinSet<()>,
}

/// A task as a visitor knows it.
struct Known {
    url: String,
    etag: String,
}

#[derive(Clone)]
struct Visitor {
    asking: Asking,
    /// Where its list is.
    url: String,
    run: String,
    ledger: Arc<Ledger>,
    stop: Arc<AtomicBool>,
}

impl Visitors {
    /// Starts them. Their answers go into the ledger, except for their tasks, which change.
    pub(crate) fn start(url: &str, token: &str, run: &str, ledger: &Arc<Ledger>) -> anyhow::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let visitor = Visitor {
            asking: Asking::new(token, Arc::clone(ledger))?,
            url: format!("{url}/api/{VISITOR}/tasks"),
            run: run.to_owned(),
            ledger: Arc::clone(ledger),
            stop: Arc::clone(&stop),
        };
        let mut tasks = JoinSet::new();
        for number in 0..VISITORS {
            let visitor = visitor.clone();
            tasks.spawn(async move { visitor.visit(number).await });
        }
        Ok(Self { stop, tasks })
    }

    /// Lets each end what it is at.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(ended) = self.tasks.join_next().await {
            ended.context("a visitor has failed")?;
        }
        Ok(())
    }
}

impl Visitor {
    async fn visit(&self, number: usize) {
        let mut tasks = VecDeque::new();
        for round in 0_usize.. {
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            if let Some(task) = self.one_more(&format!("{}-{number}-{round}", self.run), round).await {
                tasks.push_back(task);
            }
            self.list().await;
            if tasks.len() > KEPT
                && let Some(task) = tasks.pop_front()
            {
                self.delete(&task, round).await;
            }
        }
    }

    /// Makes a task and changes it. The outcome of a change without an answer is unknown.
    async fn one_more(&self, name: &str, round: usize) -> Option<Known> {
        let create = self.asking.send(Method::POST, &self.url).body(format!("{{\"title\":\"{name}\"}}"));
        let create = if round.is_multiple_of(2) { create.header("Idempotency-Key", name) } else { create };
        let answer = self.ask(create, 201).await?;
        let id = json(&answer)["id"].as_u64()?;
        let mut task = Known { url: format!("{}/{id}", self.url), etag: answer.etag? };
        self.look(&task).await;
        let stale = task.etag.clone();
        let put = |tag: &str| {
            let put = self.asking.send(Method::PUT, &task.url).header("If-Match", tag);
            put.body(format!("{{\"title\":\"{name} changed\"}}"))
        };
        let changed = self.ask(put(&stale), 200).await?;
        if round.is_multiple_of(8) {
            self.ask(put(&stale), 412).await;
        }
        task.etag = changed.etag?;
        let toggle = self.asking.send(Method::PATCH, &format!("{}/complete", task.url));
        task.etag = self.ask(toggle, 200).await?.etag?;
        self.look(&task).await;
        Some(task)
    }

    /// What was acknowledged is what is read.
    async fn look(&self, task: &Known) {
        let Some(answer) = self.ask(self.asking.send(Method::GET, &task.url), 200).await else { return };
        if answer.etag.as_ref() != Some(&task.etag) {
            self.ledger.unexpected(format!(
                "{} is {:?} and was {}: a change is lost",
                task.url, answer.etag, task.etag
            ));
        }
    }

    /// Reads pages, on which no task may stand twice, nor before one that is newer or was made at the same time and has a higher number.
    async fn list(&self) {
        let (mut before, mut cursor) = (None, String::new());
        for _ in 0..PAGES {
            let url = format!("{}?limit={PAGE}{cursor}", self.url);
            let Some(answer) = self.ask(self.asking.send(Method::GET, &url), 200).await else { return };
            let page = json(&answer);
            for task in page["tasks"].as_array().into_iter().flatten() {
                // Times have the same number of digits, so that they sort as text.
                let place = (task["created_at"].as_str().map(str::to_owned), task["id"].as_u64());
                if before.as_ref().is_some_and(|before| place >= *before) {
                    self.ledger.unexpected(format!("{place:?} follows {before:?} in a list"));
                }
                before = Some(place);
            }
            let Some(next) = page["next_cursor"].as_str() else { return };
            cursor = format!("&cursor={next}");
        }
    }

    async fn delete(&self, task: &Known, round: usize) {
        let delete = self.asking.send(Method::DELETE, &task.url);
        let delete = if round.is_multiple_of(3) { delete } else { delete.header("If-Match", &task.etag) };
        if self.ask(delete, 200).await.is_some() {
            self.ask(self.asking.send(Method::GET, &task.url), 404).await;
        }
    }

    /// The answer, if it is the one that must come if there is any but 503.
    async fn ask(&self, request: RequestBuilder, status: u16) -> Option<Answer> {
        let answer = self.asking.answer(request).await;
        sleep(PACE).await;
        let answer = answer?;
        if answer.status == status {
            return Some(answer);
        }
        if answer.status == 503 && answer.retry {
            self.ledger.unavailable(&answer.body);
        } else {
            self.ledger.unexpected(format!("{} instead of {status}: {}", answer.status, answer.body));
        }
        None
    }
}

fn json(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap_or_default()
}
