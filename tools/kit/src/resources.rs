//! What processes take of the machine, as Linux counts it in `/proc`.

use std::{collections::HashMap, fs, future::Future, pin::pin, time::Duration};

use anyhow::Context as _;

/// What was used of the processors since they, or the processes, started; in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Processors {
    /// By the service.
    pub service: f64,
    /// By PostgreSQL, with the processes that it has for its clients.
    pub postgres: f64,
    /// By what we ran and waited for: the load generator.
    pub client: f64,
    /// By everything on the machine.
    pub all: f64,
}

impl Processors {
    /// Reads them now, for a service if there is one.
    pub fn read(service: Option<u32>, postgres: u32) -> anyhow::Result<Self> {
        Ok(Self {
            service: service.map(tree_seconds).transpose()?.unwrap_or_default(),
            postgres: tree_seconds(postgres)?,
            client: children_seconds()?,
            all: machine_seconds(&read("/proc/stat")?).context("/proc/stat has an unknown form")?,
        })
    }

    /// What was used since an earlier reading.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self {
            service: self.service - earlier.service,
            postgres: self.postgres - earlier.postgres,
            client: self.client - earlier.client,
            all: self.all - earlier.all,
        }
    }

    /// What programs used that have no part in the measurement.
    #[must_use]
    pub fn others(self) -> f64 {
        (self.all - self.service - self.postgres - self.client).max(0.0)
    }
}

/// The memory of a process that is in use and in RAM.
pub fn resident_mib(pid: u32) -> anyhow::Result<f64> {
    let status = read(&format!("/proc/{pid}/status"))?;
    resident_in(&status).context("/proc does not say what memory task-api uses")
}

/// Works, and reads the memory of a process at that interval meanwhile.
pub async fn watching<T>(
    pid: u32,
    every: Duration,
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<(T, Vec<f64>)> {
    let mut work = pin!(work);
    let mut clock = tokio::time::interval(every);
    let mut readings = Vec::new();
    loop {
        tokio::select! {
            done = &mut work => return Ok((done?, readings)),
            _ = clock.tick() => readings.push(resident_mib(pid)?),
        }
    }
}

/// A process in the words of `/proc/*/stat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Process {
    parent: u32,
    /// Its own ticks.
    own: u64,
    /// The ticks of its children that have ended.
    children: u64,
}

fn process_in(stat: &str) -> Option<Process> {
    // The name stands in parentheses and may hold anything, parentheses too.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |place: usize| fields.get(place)?.parse::<u64>().ok();
    Some(Process {
        parent: u32::try_from(number(1)?).ok()?,
        own: number(11)? + number(12)?,
        children: number(13)? + number(14)?,
    })
}

/// Processor time of a process and all below it, of those as well that have ended.
///
/// A process that ends while we look would count twice, once by itself and once in its parent, or not at all; so a look
/// counts only where the one before it and the one after it saw the same processes.
fn tree_seconds(root: u32) -> anyhow::Result<f64> {
    let mut looks: Vec<(Vec<u32>, u64)> = Vec::new();
    for _ in 0..100 {
        looks.push(look(root)?);
        if let [.., (before, _), (now, ticks), (after, _)] = &looks[..]
            && before == now
            && now == after
        {
            return Ok(in_seconds(*ticks));
        }
    }
    anyhow::bail!("the processes below {root} change too fast to be counted")
}

fn look(root: u32) -> anyhow::Result<(Vec<u32>, u64)> {
    let all = processes()?;
    let mut members = tree(root, &all);
    members.sort_unstable();
    let ticks =
        members.iter().filter_map(|pid| all.get(pid)).map(|process| process.own + process.children).sum();
    Ok((members, ticks))
}

fn processes() -> anyhow::Result<HashMap<u32, Process>> {
    let entries = fs::read_dir("/proc").context("cannot read /proc, which only Linux has")?;
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    // One that has ended since then has no more to say.
    let of = |pid| Some((pid, process_in(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)?));
    Ok(pids.filter_map(of).collect())
}

/// A process and all below it.
fn tree(root: u32, all: &HashMap<u32, Process>) -> Vec<u32> {
    let mut found = vec![root];
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        found.extend(all.iter().filter(|(_, process)| process.parent == parent).map(|(pid, _)| *pid));
        next += 1;
    }
    found
}

fn children_seconds() -> anyhow::Result<f64> {
    let process = process_in(&read("/proc/self/stat")?).context("/proc/self/stat has an unknown form")?;
    Ok(in_seconds(process.children))
}

/// The first line of `/proc/stat`: user, nice, system, idle, waiting for a disk, and interrupts of two kinds.
fn machine_seconds(stat: &str) -> Option<f64> {
    let fields = stat.lines().next()?.strip_prefix("cpu ")?;
    let ticks: Vec<u64> = fields.split_whitespace().filter_map(|field| field.parse().ok()).collect();
    let [user, nice, system, _idle, _waiting, interrupts, soft, ..] = ticks[..] else { return None };
    Some(in_seconds(user + nice + system + interrupts + soft))
}

fn resident_in(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<f64>().ok()? / 1024.0)
}

#[expect(clippy::cast_precision_loss, reason = "ticks of a few years are exact")]
fn in_seconds(ticks: u64) -> f64 {
    ticks as f64 / rustix::param::clock_ticks_per_second() as f64
}

fn read(path: &str) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str = "71 (a) (b c) S 7 71 71 0 -1 4194560 1 2 3 4 100 20 3000 400 20 0 4 0 99 1 2 3";

    #[test]
    fn a_process_is_read_whatever_its_name() {
        assert_eq!(process_in(STAT), Some(Process { parent: 7, own: 120, children: 3400 }));
        assert_eq!(process_in("71 (a"), None);
        assert_eq!(process_in("71 (a) S 7"), None);
    }

    #[test]
    fn a_tree_is_a_process_and_all_below_it() {
        let of = |parent| Process { parent, own: 1, children: 0 };
        let all = HashMap::from([(1, of(0)), (5, of(1)), (6, of(5)), (7, of(6)), (8, of(1))]);
        let mut found = tree(5, &all);
        found.sort_unstable();
        assert_eq!(found, [5, 6, 7]);
    }

    #[test]
    fn memory_and_processors_are_read() {
        assert_eq!(resident_in("Name:\tx\nVmRSS:\t   2048 kB\nThreads:\t1\n"), Some(2.0));
        assert_eq!(resident_in("Name:\tx\n"), None);
        let ticks = rustix::param::clock_ticks_per_second();
        let stat = format!("cpu  {ticks} 0 {ticks} 77 88 0 0 0 0 0\ncpu0 1 2 3\n");
        assert_eq!(machine_seconds(&stat), Some(2.0));
        assert_eq!(machine_seconds("intr 1"), None);
    }

    #[test]
    fn what_others_used_is_never_less_than_nothing() {
        let used = Processors { service: 1.0, postgres: 1.0, client: 0.5, all: 3.0 };
        assert!((used.others() - 0.5).abs() < f64::EPSILON);
        assert!(Processors { all: 1.0, ..used }.others().abs() < f64::EPSILON);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_has_memory_and_used_a_processor() {
        let pid = std::process::id();
        assert!(resident_mib(pid).unwrap() > 0.1);
        assert!(tree_seconds(pid).unwrap() >= 0.0);
    }
}
