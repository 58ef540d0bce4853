//! Clients that write all the time, and repeat what was not answered as the contract tells them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Context as _;
use reqwest::Method;
use tokio::{
    task::{JoinHandle, JoinSet},
    time::sleep,
};

use crate::{asking::Asking, ledger::Ledger, store::USER};

/// How many write with a key, and repeat each write until it is answered; and how many without one.
const WITH_KEY: usize = 8;
const WITHOUT_KEY: usize = 8;
/// How often it is seen whether the service is ready.
const LOOK: Duration = Duration::from_millis(50);
/// How long a client waits before it repeats what broke off.
const PAUSE: Duration = Duration::from_millis(20);

/// Clients at work.
pub(crate) struct Clients {
    pub(crate) ledger: Arc<Ledger>,
    stop: Arc<AtomicBool>,
    tasks: JoinSet<()>,
    balancer: Option<JoinHandle<()>>,
}

/// Where clients write to, and how.
pub(crate) struct Way<'a> {
    pub(crate) url: &'a str,
    pub(crate) token: &'a str,
    /// Whether requests are held back while the service says that it is not ready, as whatever stands in front of it would
    /// do.
    pub(crate) watched: bool,
    /// How long a client with a key repeats a write.
    pub(crate) patience: Duration,
    /// How long a client rests after each write.
    pub(crate) pace: Duration,
    /// How many characters the description of each task has.
    pub(crate) description: usize,
}

/// What each client has.
#[derive(Clone)]
struct Writer {
    asking: Asking,
    url: String,
    ledger: Arc<Ledger>,
    stop: Arc<AtomicBool>,
    /// Whether requests are sent on to the service.
    sent_on: Arc<AtomicBool>,
    patience: Duration,
    pace: Duration,
    /// The further member of each body, if there is one.
    description: String,
}

impl Clients {
    /// Sets them to work. `run` is in all titles, so that no two runs write the same.
    pub(crate) fn start(way: &Way<'_>, run: &str) -> anyhow::Result<Self> {
        let Way { url, token, watched, patience, pace, description } = *way;
        let ledger = Arc::new(Ledger::default());
        let stop = Arc::new(AtomicBool::new(false));
        let asking = Asking::new(token, Arc::clone(&ledger))?;
        let sent_on = Arc::new(AtomicBool::new(true));
        let ready = format!("{url}/health/ready");
        let watching =
            watched.then(|| tokio::spawn(look_at_readiness(asking.http(), ready, Arc::clone(&sent_on))));
        let description = match description {
            0 => String::new(),
            characters => format!(",\"description\":\"{}\"", "x".repeat(characters)),
        };
        let writer = Writer {
            asking,
            url: format!("{url}/api/{USER}/tasks"),
            ledger: Arc::clone(&ledger),
            stop: Arc::clone(&stop),
            sent_on,
            patience,
            pace,
            description,
        };
        let mut tasks = JoinSet::new();
        for number in 0..WITH_KEY + WITHOUT_KEY {
            let (writer, name) = (writer.clone(), format!("{run}-{number}"));
            tasks.spawn(async move { writer.work(&name, number < WITH_KEY).await });
        }
        Ok(Self { ledger, stop, tasks, balancer: watching })
    }

    /// Lets each end what it is at.
    pub(crate) async fn stop(mut self) -> anyhow::Result<Arc<Ledger>> {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(ended) = self.tasks.join_next().await {
            ended.context("a client has failed")?;
        }
        if let Some(balancer) = self.balancer {
            balancer.abort();
        }
        Ok(self.ledger)
    }
}

/// Says again and again whether the service is ready.
async fn look_at_readiness(http: reqwest::Client, url: String, sent_on: Arc<AtomicBool>) {
    loop {
        let ready = http.get(&url).send().await.is_ok_and(|answer| answer.status().is_success());
        sent_on.store(ready, Ordering::Relaxed);
        sleep(LOOK).await;
    }
}

impl Writer {
    async fn work(&self, name: &str, with_key: bool) {
        for number in 0_u64.. {
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            while !self.sent_on.load(Ordering::Relaxed) {
                sleep(LOOK).await;
            }
            let title = format!("{name}-{number}");
            if with_key {
                self.write_until_answered(title).await;
            } else {
                self.write_once(title).await;
            }
            if !self.pace.is_zero() {
                sleep(self.pace).await;
            }
        }
    }

    /// With a key the same request may be sent until there is an answer, and has its effect once.
    async fn write_until_answered(&self, title: String) {
        let since = Instant::now();
        while since.elapsed() < self.patience {
            let sent = Instant::now();
            match self.send(&title, true).await {
                Some(201) => return self.ledger.acknowledge(title, sent),
                Some(409 | 503) | None => sleep(PAUSE).await,
                // It was told to the ledger, and is nothing to repeat.
                Some(_) => return,
            }
        }
        self.ledger.unexpected(format!("no answer to {title} in {} s", self.patience.as_secs()));
    }

    async fn write_once(&self, title: String) {
        let sent = Instant::now();
        if self.send(&title, false).await == Some(201) {
            self.ledger.acknowledge(title, sent);
        } else {
            self.ledger.is_unknown(title);
            sleep(PAUSE).await;
        }
    }

    /// The status of the answer; `None` if there was none.
    async fn send(&self, title: &str, with_key: bool) -> Option<u16> {
        let body = format!("{{\"title\":\"{title}\"{}}}", self.description);
        let request = self.asking.send(Method::POST, &self.url).body(body);
        let request = if with_key { request.header("Idempotency-Key", title) } else { request };
        let answer = self.asking.answer(request).await?;
        match answer.status {
            201 if answer.body.contains(title) => {}
            409 if with_key && answer.retry => {}
            503 if answer.retry => self.ledger.unavailable(&answer.body),
            status => self.ledger.unexpected(format!("{status} for {title}: {}", answer.body)),
        }
        Some(answer.status)
    }
}
