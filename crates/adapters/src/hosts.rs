//! Several hosts of one database, of which one can be written to: which it is is found out by asking them.

use std::{collections::hash_map::RandomState, hash::BuildHasher as _, time::Duration};

use futures_util::{
    FutureExt as _,
    stream::{FuturesUnordered, StreamExt as _},
};
use tokio_postgres::{
    Config,
    config::{Host, LoadBalanceHosts, TargetSessionAttrs},
};

/// How long one host is asked before the next one is asked as well.
const HEAD_START: Duration = Duration::from_millis(250);

/// One of the hosts, with everything else that the whole says.
#[derive(Clone)]
pub(crate) struct Candidate {
    pub(crate) config: Config,
    /// Host and port.
    pub(crate) address: String,
}

/// The hosts to ask, in the order in which to ask them. Empty where one after the other is right: there is only one, or
/// any will do, so that a slow answer of the first is no reason to take another.
pub(crate) fn candidates(whole: &Config) -> Vec<Candidate> {
    let several = whole.get_hosts().len().max(whole.get_hostaddrs().len());
    if several < 2 || whole.get_target_session_attrs() == TargetSessionAttrs::Any {
        return Vec::new();
    }
    // What does not fit together is for tokio-postgres to complain of.
    let fits = |length: usize| length == 0 || length == several;
    if !fits(whole.get_hosts().len()) || !fits(whole.get_hostaddrs().len()) {
        return Vec::new();
    }
    let mut found: Vec<Candidate> = (0..several).map(|index| one_of(whole, index)).collect();
    if whole.get_load_balance_hosts() == LoadBalanceHosts::Random {
        let random = RandomState::new();
        found.sort_by_cached_key(|candidate| random.hash_one(&candidate.address));
    }
    found
}

/// Asks one after the other, the next one as soon as the one before has failed or has had its head start, and takes the
/// first that can be used. So a host that does not answer at all costs a moment, and not the time in which a request has to
/// be answered. Where none can be used, all reasons are handed back.
pub(crate) async fn first<T, E, F>(
    candidates: Vec<Candidate>,
    connect: impl Fn(Config) -> F,
) -> Result<T, Vec<(String, E)>>
where
    F: Future<Output = Result<T, E>>,
{
    let mut failed = Vec::new();
    let mut untried = candidates.into_iter();
    let mut asked = FuturesUnordered::new();
    loop {
        let patience = untried.next().map(|Candidate { config, address }| {
            asked.push(connect(config).map(|answer| (address, answer)));
            HEAD_START
        });
        match next_within(&mut asked, patience).await {
            Some(Some((_, Ok(connection)))) => return Ok(connection),
            Some(Some((address, Err(error)))) => failed.push((address, error)),
            // Nobody is left.
            Some(None) => return Err(failed),
            // It goes on being asked, beside the next one.
            None => {}
        }
    }
}

/// The next answer, or none where it takes longer than that.
async fn next_within<F: Future>(
    asked: &mut FuturesUnordered<F>,
    patience: Option<Duration>,
) -> Option<Option<F::Output>> {
    match patience {
        Some(time) => tokio::time::timeout(time, asked.next()).await.ok(),
        None => Some(asked.next().await),
    }
}

/// The host with that number, with everything else as it is. `Config` can be added to and not be taken from.
fn one_of(whole: &Config, index: usize) -> Candidate {
    let mut config = Config::new();
    let ports = whole.get_ports();
    let port = ports.get(index).or(ports.first()).copied().unwrap_or(5432);
    config.port(port);
    let mut name = String::new();
    match whole.get_hosts().get(index) {
        Some(Host::Tcp(host)) => {
            config.host(host);
            name.clone_from(host);
        }
        Some(Host::Unix(folder)) => {
            config.host_path(folder);
            name = folder.display().to_string();
        }
        None => {}
    }
    if let Some(address) = whole.get_hostaddrs().get(index) {
        config.hostaddr(*address);
        name = address.to_string();
    }
    copy_identity(whole, &mut config);
    copy_transport(whole, &mut config);
    Candidate { config, address: format!("{name}:{port}") }
}

fn copy_identity(from: &Config, to: &mut Config) {
    from.get_user().map(|user| to.user(user));
    from.get_password().map(|password| to.password(password));
    from.get_dbname().map(|name| to.dbname(name));
    from.get_options().map(|options| to.options(options));
    from.get_application_name().map(|name| to.application_name(name));
    to.target_session_attrs(from.get_target_session_attrs());
    to.channel_binding(from.get_channel_binding());
}

fn copy_transport(from: &Config, to: &mut Config) {
    from.get_connect_timeout().map(|time| to.connect_timeout(*time));
    from.get_tcp_user_timeout().map(|time| to.tcp_user_timeout(*time));
    from.get_keepalives_interval().map(|time| to.keepalives_interval(time));
    from.get_keepalives_retries().map(|number| to.keepalives_retries(number));
    to.keepalives(from.get_keepalives()).keepalives_idle(from.get_keepalives_idle());
    to.ssl_mode(from.get_ssl_mode()).ssl_negotiation(from.get_ssl_negotiation());
    to.load_balance_hosts(from.get_load_balance_hosts());
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERYTHING: &str = "user=u password=p dbname=d options='-c x=y' application_name=a sslmode=require \
        sslnegotiation=direct connect_timeout=3 tcp_user_timeout=4 keepalives=0 keepalives_idle=5 \
        keepalives_interval=6 keepalives_retries=7 target_session_attrs=read-write channel_binding=require \
        load_balance_hosts=random";

    #[test]
    fn a_candidate_differs_from_the_whole_in_its_host_only() {
        let whole: Config =
            format!("{EVERYTHING} host=x,y hostaddr=10.0.0.1,10.0.0.2 port=1,2").parse().unwrap();
        let alone: Config = format!("{EVERYTHING} host=y hostaddr=10.0.0.2 port=2").parse().unwrap();
        let found = candidates(&whole);
        let second = found.iter().find(|candidate| candidate.address == "10.0.0.2:2").unwrap();
        assert_eq!(second.config, alone);
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn one_port_is_that_of_all_and_a_socket_is_a_host_too() {
        let whole: Config = "host=x,/run/postgresql port=6 target_session_attrs=read-write".parse().unwrap();
        let found: Vec<_> = candidates(&whole).into_iter().map(|candidate| candidate.address).collect();
        assert_eq!(found, ["x:6", "/run/postgresql:6"]);
    }

    #[test]
    fn one_host_and_hosts_of_which_any_will_do_are_not_asked_beside_each_other() {
        for text in ["host=x target_session_attrs=read-write", "host=x,y", "host=x,y hostaddr=10.0.0.1"] {
            assert!(candidates(&text.parse().unwrap()).is_empty(), "{text}");
        }
    }

    #[test]
    fn where_the_order_is_to_be_random_each_comes_first_now_and_then() {
        let whole: Config =
            "host=x,y target_session_attrs=read-write load_balance_hosts=random".parse().unwrap();
        let first: std::collections::HashSet<_> =
            (0..100).map(|_| candidates(&whole).swap_remove(0).address).collect();
        assert_eq!(first.len(), 2);
    }
}
