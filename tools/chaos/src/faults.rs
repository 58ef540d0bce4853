//! The faults that one service and its database suffer, each done for real.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::sleep;
use tools_kit::{report, resources};

use crate::{
    disks::{self, FREEZE},
    fault::Fault,
    hostile,
    outcome::Outcome,
    overload,
    pause::{pause, until_writing},
    stage::Stage,
    vanish::{VANISHING, vanish},
};

/// How often the service is looked at while hostile clients are there, and how long it may take to disconnect them.
const LOOK: Duration = Duration::from_millis(100);
const GONE_LIMIT: Duration = Duration::from_secs(5);
/// What the ordinary clients' connections may be more than before.
const FEW: usize = 20;
/// What the service may take of memory while hostile clients are there, as docs/operations.md reckons it: for itself, and for
/// each connection.
const BASE_MIB: usize = 64;
const CLIENTS_IN_A_MIB: usize = 4;

pub(crate) async fn run(stage: &mut Stage, fault: Fault, times: usize) -> anyhow::Result<Outcome> {
    stage.store.empty().await?;
    let clients =
        stage.clients(fault.patience(), fault == Fault::EndedService, fault.pace(), fault.description())?;
    let mut recoveries = Vec::new();
    let mut complaints = Vec::new();
    match fault {
        Fault::VanishedClients => {
            complaints.extend(vanish(stage, times).await?);
            // The pool is whole: the clients that stay are served.
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
pub(crate) async fn once(stage: &mut Stage, fault: Fault) -> anyhow::Result<Vec<String>> {
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
