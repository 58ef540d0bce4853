//! Several hosts in one `DATABASE_URL`: the order in which they are asked, and which answer counts.

use std::{
    collections::hash_map::RandomState,
    future::Future,
    hash::BuildHasher as _,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use tokio_postgres::{
    Config,
    config::{Host, LoadBalanceHosts, TargetSessionAttrs},
};

use super::{error::ConnectError, url::Place};

/// How long to wait for a host before the next one is asked as well. A host that does not answer at all would otherwise
/// use up the time of the whole request.
const HEAD_START: Duration = Duration::from_millis(250);

/// The hosts of a URL, and which of them accepted last.
#[derive(Clone, Debug)]
pub(super) struct Hosts {
    /// For each host all that is needed to connect to it alone.
    each: Arc<[Config]>,
    /// The index of the host that accepted last, so that a standby is not asked again for each connection.
    last: Arc<AtomicUsize>,
    /// Whether any of them is to be asked first.
    random: bool,
    /// Whether servers that cannot be written to refuse the connection, so that any that accepts is the right one.
    /// Otherwise only the order of the URL says which is.
    told_apart: bool,
}

impl Hosts {
    /// Each host apart, with all else that `others` has; `None` if there is only one.
    pub(super) fn of(hosts: &[Place], others: &Config) -> Option<Self> {
        if hosts.len() < 2 {
            return None;
        }
        let each = hosts.iter().map(|place| {
            let mut config = others.clone();
            place.add_to(&mut config);
            config
        });
        let random = others.get_load_balance_hosts() == LoadBalanceHosts::Random;
        let told_apart = others.get_target_session_attrs() != TargetSessionAttrs::Any;
        Some(Self { each: each.collect(), last: Arc::default(), random, told_apart })
    }

    /// The same for each.
    #[cfg(feature = "testing")]
    pub(super) fn with(&self, change: impl Fn(&mut Config)) -> Self {
        let mut each = self.each.to_vec();
        each.iter_mut().for_each(change);
        Self { each: each.into(), last: Arc::default(), ..*self }
    }

    /// The first connection that comes about. The host that accepted last is asked first, each further one when those
    /// before it have refused or have not answered for a moment.
    ///
    /// With `target_session_attrs=any` it is as with libpq: in the order of the URL, and the next one only when the one
    /// before has refused. A slow answer of the primary is no reason to take its standby, and to stay there.
    pub(super) async fn connect<'a, T, F>(
        &'a self,
        connect: impl Fn(&'a Config) -> F,
    ) -> Result<T, ConnectError>
    where
        F: Future<Output = Result<T, ConnectError>>,
    {
        let first = if self.random {
            // Its keys are random, which is all that is wanted.
            usize::try_from(RandomState::new().hash_one(()) >> 33).unwrap_or_default()
        } else {
            self.last.load(Ordering::Relaxed)
        };
        let mut waiting = (0..self.each.len()).map(|step| (first + step) % self.each.len());
        let mut asked = FuturesUnordered::new();
        let mut refusals = Vec::new();
        loop {
            let next = waiting.next();
            if let Some(place) = next {
                let attempt = connect(&self.each[place]);
                asked.push(async move { (place, attempt.await) });
            }
            let head_start = async {
                match next {
                    Some(_) if self.told_apart => tokio::time::sleep(HEAD_START).await,
                    _ => std::future::pending().await,
                }
            };
            tokio::pin!(head_start);
            loop {
                tokio::select! {
                    biased;
                    answer = asked.next() => match answer {
                        Some((place, Ok(connection))) => {
                            if self.told_apart {
                                self.last.store(place, Ordering::Relaxed);
                            }
                            return Ok(connection);
                        }
                        Some((place, Err(ConnectError(reason)))) => {
                            refusals.push(format!("{}: {reason}", address(&self.each[place])));
                            if asked.is_empty() { break }
                        }
                        None => return Err(ConnectError(refusals.join("; "))),
                    },
                    () = &mut head_start => break,
                }
            }
        }
    }
}

/// Host and port of a configuration that has one of each.
fn address(config: &Config) -> String {
    let port = config.get_ports().first().copied().unwrap_or(5432);
    match config.get_hosts().first() {
        Some(Host::Tcp(name)) => format!("{name}:{port}"),
        Some(Host::Unix(folder)) => format!("{}:{port}", folder.display()),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests;
