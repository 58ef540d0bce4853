//! The faults, each done for real.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tokio::{io::AsyncWriteExt as _, net::TcpStream, task::JoinSet, time::sleep};

use super::{
    Stage, USER,
    clients::Clients,
    ledger::{Differences, Ledger},
    tell,
};
use crate::workspace;

/// What a fault may take to heal, at most.
const HEAL_LIMIT: Duration = Duration::from_secs(30);
/// How long the database stands still: longer than any request is waited for.
const FREEZE: Duration = Duration::from_secs(6);
/// What the longest answer may take (contract, 503), and what a busy machine adds.
const ANSWER_LIMIT: Duration = Duration::from_millis(5_900);
/// How many clients vanish at a time.
const VANISHING: usize = 100;

/// Something bad that is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Fault {
    /// `kill -9` of the service while it writes.
    KilledService,
    /// SIGTERM to the service while it writes.
    EndedService,
    /// `kill -9` of a process of PostgreSQL, which makes all of it start anew from its log.
    CrashedDatabase,
    /// PostgreSQL stands still for six seconds.
    FrozenDatabase,
    /// Clients that send a write and are gone.
    VanishedClients,
}

impl Fault {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::KilledService => "the service is killed (kill -9)",
            Self::EndedService => "the service is told to end (SIGTERM)",
            Self::CrashedDatabase => "PostgreSQL crashes (kill -9 of a process)",
            Self::FrozenDatabase => "PostgreSQL stands still for 6 s",
            Self::VanishedClients => "clients vanish in mid-request",
        }
    }

    fn times(self, short: bool) -> usize {
        let (long, few) = match self {
            Self::KilledService => (50, 5),
            Self::EndedService => (20, 5),
            Self::CrashedDatabase => (10, 2),
            Self::FrozenDatabase => (5, 1),
            Self::VanishedClients => (10_000, 500),
        };
        if short { few } else { long }
    }
}

/// What came of a fault.
pub(super) struct Outcome {
    times: usize,
    ledger: Arc<Ledger>,
    differences: Differences,
    /// How long it took each time until a write was acknowledged again.
    recoveries: Vec<Duration>,
    complaints: Vec<String>,
}

pub(super) async fn run(stage: &mut Stage, fault: Fault, short: bool) -> anyhow::Result<Outcome> {
    let times = fault.times(short);
    crate::report::headline(&format!("{}, {times} times", fault.name()));
    stage.column("WITH gone AS (DELETE FROM tasks RETURNING 1) SELECT count(*)::text FROM gone").await?;
    let run = workspace::random_hex(4)?;
    let balanced = fault == Fault::EndedService;
    let clients = Clients::start(&stage.service.url(), USER, &stage.token, &run, balanced)?;
    let mut recoveries = Vec::new();
    let mut complaints = Vec::new();
    match fault {
        Fault::VanishedClients => {
            complaints.extend(vanish(stage, times, &run).await?);
            // The pool is whole: whoever stays is served.
            recoveries.push(until_writing(&clients.ledger, Instant::now()).await?);
        }
        _ => {
            for _ in 0..times {
                sleep(pause()?).await;
                let since = Instant::now();
                complaints.extend(once(stage, fault).await?);
                recoveries.push(until_writing(&clients.ledger, since).await?);
            }
        }
    }
    // What came after the last time is compared too.
    sleep(Duration::from_millis(300)).await;
    let ledger = clients.stop().await?;
    tell(fault, &ledger);
    let differences = ledger.compare(&stage.titles().await?);
    Ok(Outcome { times, ledger, differences, recoveries, complaints })
}

/// Some time, different each time, so that not always the same is under way.
fn pause() -> anyhow::Result<Duration> {
    let random = u64::from_str_radix(&workspace::random_hex(2)?, 16).context("no hexadecimal number")?;
    Ok(Duration::from_millis(100 + random % 300))
}

async fn once(stage: &mut Stage, fault: Fault) -> anyhow::Result<Option<String>> {
    match fault {
        Fault::KilledService => {
            stage.service.kill().await?;
            stage.service.start_again().await?;
        }
        Fault::EndedService => {
            let status = stage.service.end().await?;
            stage.service.start_again().await?;
            return Ok((!status.success()).then(|| format!("it ended with {status}")));
        }
        Fault::CrashedDatabase => {
            let backends = stage.backends().await?;
            let pid = backends.first().context("no process of PostgreSQL works for the service")?;
            signal(*pid, Signal::KILL)?;
            // Until all of it has noticed.
            sleep(Duration::from_millis(50)).await;
        }
        Fault::FrozenDatabase => {
            let mut all = vec![stage.postmaster()?];
            all.extend(stage.backends().await?);
            for pid in &all {
                signal(*pid, Signal::STOP)?;
            }
            sleep(FREEZE).await;
            for pid in &all {
                signal(*pid, Signal::CONT)?;
            }
        }
        Fault::VanishedClients => {}
    }
    Ok(None)
}

fn signal(pid: i32, signal: Signal) -> anyhow::Result<()> {
    let pid = Pid::from_raw(pid).context("no process has the number 0")?;
    kill_process(pid, signal).context("the process of PostgreSQL is gone, or is not ours")
}

/// Waits until a write is acknowledged that is sent from now on, and says how long ago `since` was.
async fn until_writing(ledger: &Ledger, since: Instant) -> anyhow::Result<Duration> {
    let now = Instant::now();
    while !ledger.writes_since(now) {
        ensure!(since.elapsed() < HEAL_LIMIT, "nothing is written after {} s", HEAL_LIMIT.as_secs());
        sleep(Duration::from_millis(1)).await;
    }
    Ok(since.elapsed())
}

/// Lets clients send a write and go. Afterwards no transaction may be open, and every connection must be of use.
async fn vanish(stage: &Stage, times: usize, run: &str) -> anyhow::Result<Vec<String>> {
    // Half of a body, so that nothing of it may ever be written; and a change of a task that is none.
    let half = format!(
        "POST /api/{USER}/tasks HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: 500\r\n\r\n{{\"title\":\"half",
        stage.token
    );
    // With a key, which takes a transaction of several statements; of no task, so that nothing is written that counts.
    let whole = |number: usize| {
        format!(
            "PATCH /api/{USER}/tasks/9000000000/complete HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\
             Idempotency-Key: {run}-{number}\r\n\r\n",
            stage.token
        )
    };
    let list = format!(
        "GET /api/{USER}/tasks?limit=1000&total=true HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\r\n",
        stage.token
    );
    let address = stage.service.address();
    let mut sent = 0;
    while sent < times {
        let mut vanishing = JoinSet::new();
        for _ in 0..VANISHING.min(times - sent) {
            let request = match sent % 3 {
                0 => half.clone(),
                1 => whole(sent),
                _ => list.clone(),
            };
            sent += 1;
            vanishing.spawn(async move {
                let mut stream = TcpStream::connect(address).await?;
                stream.write_all(request.as_bytes()).await
            });
        }
        while let Some(ended) = vanishing.join_next().await {
            ended?.context("the service takes no connection")?;
        }
    }
    // Longer than any of their statements takes, and shorter than PostgreSQL lets a transaction stand open.
    sleep(Duration::from_millis(1500)).await;
    let sql = "SELECT pid::text FROM pg_stat_activity WHERE application_name = 'task-api'
               AND state LIKE 'idle in transaction%' AND state_change < clock_timestamp() - interval '1 second'";
    let left = stage.column(sql).await?.len();
    let complaints = if left > 0 {
        vec![format!("{left} connections are left with an open transaction")]
    } else {
        Vec::new()
    };
    Ok(complaints)
}

impl Outcome {
    pub(super) fn cells(&self, fault: Fault) -> Vec<String> {
        let milliseconds = |time: Duration| format!("{:.0}", time.as_secs_f64() * 1e3);
        let mut sorted = self.recoveries.clone();
        sorted.sort_unstable();
        let median = sorted.get(sorted.len() / 2).copied().map_or("-".to_owned(), milliseconds);
        let most = sorted.last().copied().map_or("-".to_owned(), milliseconds);
        vec![
            fault.name().to_owned(),
            self.times.to_string(),
            self.ledger.acknowledged().to_string(),
            self.differences.lost.to_string(),
            self.differences.twice.to_string(),
            self.differences.strange.to_string(),
            self.ledger.answers_503().to_string(),
            self.ledger.broken_off().to_string(),
            milliseconds(self.ledger.longest()),
            median,
            most,
        ]
    }

    /// What must not be.
    pub(super) fn failures(&self, fault: Fault) -> Vec<String> {
        let mut found = self.complaints.clone();
        let Differences { lost, twice, strange } = self.differences;
        if self.differences != Differences::default() {
            found
                .push(format!("{lost} writes are lost, {twice} are there twice, {strange} nobody asked for"));
        }
        found.extend(self.ledger.surprises().into_iter().take(5));
        if self.ledger.longest() > ANSWER_LIMIT {
            found.push(format!("an answer took {:?}", self.ledger.longest()));
        }
        // Only a service that is killed breaks off; everything else is answered.
        let unanswered = self.ledger.broken_off() + self.ledger.refused();
        if fault != Fault::KilledService && unanswered > 0 {
            found.push(format!("{unanswered} requests got no answer"));
        }
        found.into_iter().map(|what| format!("{}: {what}", fault.name())).collect()
    }
}
