//! The faults that one service and its database suffer, each done for real.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process};
use tokio::{io::AsyncWriteExt as _, net::TcpStream, task::JoinSet, time::sleep};

use super::{
    clients::{Clients, Way},
    disks,
    fault::Fault,
    hostile,
    outcome::Outcome,
    overload, pause,
    service::{Service, SetUp},
    store::{Store, USER},
    until_writing,
    vitals::Vitals,
};
use crate::{
    bench::resources,
    postgres::{
        disk::Disk,
        throwaway::{self, ThrowAway},
    },
    report, workspace,
};

/// How long the database stands still: longer than any request is waited for.
pub(super) const FREEZE: Duration = Duration::from_secs(6);
/// How many clients vanish at a time.
const VANISHING: usize = 100;

/// How often the service is looked at while hostile clients are there, and how long it may take to let go of them.
const LOOK: Duration = Duration::from_millis(100);
const GONE_LIMIT: Duration = Duration::from_secs(5);
/// What the ordinary clients' connections may be more than before.
const FEW: usize = 20;
/// What the service may take of memory while hostile clients are there, as docs/operations.md reckons it: for itself, and for
/// each connection.
const BASE_MIB: usize = 64;
const CLIENTS_IN_A_MIB: usize = 4;
/// How long a body may take to arrive: less than by default, so that it need not be waited for.
const BODY_SECONDS: (&str, &str) = ("REQUEST_BODY_TIMEOUT_SECONDS", "2");

/// What the faults are done to.
pub(super) struct Stage {
    pub(super) service: Service,
    pub(super) store: Store,
    /// How many hostile clients come at once.
    crowd: usize,
    /// Dropped last: the service ends before its database.
    pub(super) server: ThrowAway,
}

impl Stage {
    pub(super) async fn set(program: &std::path::Path, crowd: usize) -> anyhow::Result<Self> {
        Self::on(throwaway::start_durable().await?, program, crowd).await
    }

    /// The same, with a small disk for the data of PostgreSQL.
    pub(super) async fn set_on_small_disk(program: &std::path::Path, crowd: usize) -> anyhow::Result<Self> {
        Self::on(throwaway::start_on_small_disk().await?, program, crowd).await
    }

    async fn on(server: ThrowAway, program: &std::path::Path, crowd: usize) -> anyhow::Result<Self> {
        let store = Store::prepare(server.url().to_owned()).await?;
        let set_up = SetUp {
            name: "task-api",
            folder: server.folder(),
            database: store.url(),
            secret: store.secret(),
            settings: &[BODY_SECONDS],
        };
        let service = Service::start(program.to_owned(), &set_up).await?;
        Ok(Self { service, store, crowd, server })
    }

    /// Lets clients write.
    pub(super) fn clients(
        &self,
        patience: Duration,
        watched: bool,
        pace: Duration,
        description: usize,
    ) -> anyhow::Result<Clients> {
        let (url, token) = (self.service.url(), self.store.token());
        let way = Way { url: &url, token, watched, patience, pace, description };
        Clients::start(&way, &workspace::random_hex(4)?)
    }

    pub(super) async fn vitals(&self) -> anyhow::Result<Vitals> {
        let backends = self.backends().await?.len();
        Vitals::read(self.service.pid()?, backends)
    }

    pub(super) fn has_disk(&self) -> bool {
        self.server.disk().is_some()
    }

    /// What PostgreSQL's data is on.
    pub(super) fn disk(&self) -> anyhow::Result<&Disk> {
        self.server.disk().context("PostgreSQL has no disk of its own here")
    }

    /// The process that all others of PostgreSQL are children of.
    fn postmaster(&self) -> anyhow::Result<i32> {
        i32::try_from(self.server.pid()).context("a process has a small number")
    }

    /// The processes of PostgreSQL that work for the service.
    pub(super) async fn backends(&self) -> anyhow::Result<Vec<i32>> {
        let sql = "SELECT pid::text FROM pg_stat_activity WHERE application_name = 'task-api' AND pid <> pg_backend_pid()";
        let found = self.store.column(sql).await?;
        found.iter().map(|pid| pid.parse().context("a process has a number")).collect()
    }
}

pub(super) async fn run(stage: &mut Stage, fault: Fault, times: usize) -> anyhow::Result<Outcome> {
    stage.store.empty().await?;
    let clients =
        stage.clients(fault.patience(), fault == Fault::EndedService, fault.pace(), fault.description())?;
    let mut recoveries = Vec::new();
    let mut complaints = Vec::new();
    match fault {
        Fault::VanishedClients => {
            complaints.extend(vanish(stage, times).await?);
            // The pool is whole: whoever stays is served.
            recoveries.push(until_writing(&clients.ledger, Instant::now(), fault.heal_limit()).await?);
        }
        _ => {
            for _ in 0..times {
                sleep(pause()?).await;
                let since = Instant::now();
                complaints.extend(once(stage, fault).await?);
                recoveries.push(until_writing(&clients.ledger, since, fault.heal_limit()).await?);
            }
        }
    }
    // What came after the last time is compared too.
    sleep(Duration::from_millis(300)).await;
    let ledger = clients.stop().await?;
    if fault.is_of_disk() && ledger.answers_503() == 0 {
        complaints.push("no write was refused, so that nothing has befallen the disk".to_owned());
    }
    Outcome::of(fault, times, ledger, &stage.store, recoveries, complaints).await
}

/// Does it one time, and says what came of it that must not be.
pub(super) async fn once(stage: &mut Stage, fault: Fault) -> anyhow::Result<Vec<String>> {
    match fault {
        Fault::KilledService => {
            stage.service.kill().await?;
            stage.service.start_again().await?;
        }
        Fault::EndedService => {
            let status = stage.service.end().await?;
            stage.service.start_again().await?;
            if !status.success() {
                return Ok(vec![format!("it ended with {status}")]);
            }
        }
        Fault::CrashedDatabase => {
            let backends = stage.backends().await?;
            let pid = backends.first().context("no process of PostgreSQL works for the service")?;
            signal(*pid, Signal::KILL)?;
            // Until all of it has noticed.
            sleep(Duration::from_millis(50)).await;
        }
        Fault::KilledPostmaster => stage.server.kill_and_start_again().await?,
        Fault::FrozenDatabase => freeze(stage).await?,
        Fault::VanishedClients => return vanish(stage, VANISHING).await,
        Fault::HostileClients => return besiege(stage).await,
        Fault::Overload => {
            return overload::overload(stage.service.address(), stage.store.token(), stage.crowd).await;
        }
        Fault::FullDisk => return disks::fill(stage).await,
        Fault::FullLog => return disks::fill_log(stage).await,
        Fault::StoppedDisk => return disks::stop(stage).await,
        // These are not done to this stage.
        Fault::RollingReplacement | Fault::FailOver | Fault::SilentPrimary => {}
    }
    Ok(Vec::new())
}

async fn freeze(stage: &Stage) -> anyhow::Result<()> {
    let mut all = vec![stage.postmaster()?];
    all.extend(stage.backends().await?);
    for pid in &all {
        signal(*pid, Signal::STOP)?;
    }
    sleep(FREEZE).await;
    all.iter().try_for_each(|pid| signal(*pid, Signal::CONT))
}

/// Lets thousands of hostile clients come, looks at the service's memory meanwhile, and whether it lets go of them.
async fn besiege(stage: &Stage) -> anyhow::Result<Vec<String>> {
    let before = stage.vitals().await?;
    let siege = hostile::besiege(stage.service.address(), stage.store.token(), stage.crowd);
    let (mut complaints, memory) = resources::watching(stage.service.pid()?, LOOK, siege).await?;
    let peak = memory.into_iter().fold(before.resident_mib, f64::max);
    let limit = u32::try_from(BASE_MIB + stage.crowd.div_ceil(CLIENTS_IN_A_MIB))?;
    if peak > f64::from(limit) {
        complaints.push(format!("it takes {peak:.0} MiB while hostile clients are there"));
    }
    let since = Instant::now();
    let after = loop {
        let after = stage.vitals().await?;
        if after.other_descriptors() <= before.other_descriptors() + FEW || since.elapsed() > GONE_LIMIT {
            break after;
        }
        sleep(LOOK).await;
    };
    report::note(&format!(
        "{} hostile clients: {:.1} MiB before, at most {peak:.1}, {:.1} after; {} descriptors before, {} after",
        stage.crowd, before.resident_mib, after.resident_mib, before.descriptors, after.descriptors
    ));
    if after.other_descriptors() > before.other_descriptors() + FEW {
        complaints.push(format!("{} descriptors became {}", before.descriptors, after.descriptors));
    }
    Ok(complaints)
}

fn signal(pid: i32, signal: Signal) -> anyhow::Result<()> {
    let pid = Pid::from_raw(pid).context("no process has the number 0")?;
    kill_process(pid, signal).context("the process of PostgreSQL is gone, or is not ours")
}

/// Lets clients send a write and go. Afterwards no transaction may be open, and every connection must be of use.
async fn vanish(stage: &Stage, times: usize) -> anyhow::Result<Vec<String>> {
    let run = workspace::random_hex(4)?;
    // Half of a body, so that nothing of it may ever be written; and a change of a task that is none.
    let half = format!(
        "POST /api/{USER}/tasks HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: 500\r\n\r\n{{\"title\":\"half",
        stage.store.token()
    );
    // With a key, which takes a transaction of several statements; of no task, so that nothing is written that counts.
    let whole = |number: usize| {
        format!(
            "PATCH /api/{USER}/tasks/9000000000/complete HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\
             Idempotency-Key: {run}-{number}\r\n\r\n",
            stage.store.token()
        )
    };
    let list = format!(
        "GET /api/{USER}/tasks?limit=1000&total=true HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\r\n",
        stage.store.token()
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
    let left = stage.store.column(sql).await?.len();
    let complaints = if left > 0 {
        vec![format!("{left} connections are left with an open transaction")]
    } else {
        Vec::new()
    };
    Ok(complaints)
}
