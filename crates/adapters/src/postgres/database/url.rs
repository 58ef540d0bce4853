//! A `DATABASE_URL`, read as libpq reads one (PostgreSQL's manual, "Connection URIs"): what the query names replaces what
//! stands in its place before it.
//!
//! What cannot be parsed is never repeated. It may be a part of a password with a character that had to be encoded.

use std::{net::IpAddr, time::Duration};

use percent_encoding::percent_decode_str;
use tokio_postgres::{
    Config,
    config::{ChannelBinding, LoadBalanceHosts, SslNegotiation, TargetSessionAttrs},
};

use super::{error::InvalidDatabaseUrl, parameters::judge};
use crate::postgres::tls::SslMode;

/// What a URL says.
pub(super) struct DatabaseUrl {
    /// All but the hosts.
    pub(super) config: Config,
    /// At least one.
    pub(super) hosts: Vec<Place>,
    pub(super) ssl_mode: SslMode,
    /// The file of `sslrootcert`.
    pub(super) root_file: Option<String>,
    /// What was ignored, and why.
    pub(super) remarks: Vec<String>,
}

/// A host that may be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) host: String,
    pub(super) address: Option<IpAddr>,
    pub(super) port: u16,
}

impl Place {
    /// The configuration with this host alone added to it.
    pub(super) fn add_to(&self, config: &mut Config) {
        // A name that begins with `/` is a folder of sockets, for the method too.
        config.host(&self.host).port(self.port);
        if let Some(address) = self.address {
            config.hostaddr(address);
        }
    }
}

/// The text of the parts that name a place.
#[derive(Default)]
struct Places {
    hosts: String,
    addresses: String,
    ports: String,
}

impl DatabaseUrl {
    /// Reads a URL; what it leaves out is as in `defaults`.
    pub(super) fn parse(url: &str, defaults: Config) -> Result<Self, InvalidDatabaseUrl> {
        let rest = without_scheme(url)?;
        let (login, place, query) = parts(rest)?;
        let (hosts, name) = place.split_once('/').unwrap_or((place, ""));
        let mut read = Reading::new(defaults);
        if let Some(login) = login {
            let (user, password) =
                login.split_once(':').map_or((login, None), |(user, password)| (user, Some(password)));
            read.user(&decoded(user)?);
            if let Some(password) = password {
                read.config.password(bytes(password)?);
            }
        }
        read.name(&decoded(name)?);
        (read.places.hosts, read.places.ports) = hosts_and_ports(hosts)?;
        for (index, pair) in query.split('&').filter(|pair| !pair.is_empty()).enumerate() {
            read.pair(index + 1, pair)?;
        }
        read.finish()
    }
}

fn without_scheme(url: &str) -> Result<&str, InvalidDatabaseUrl> {
    if url.starts_with(['"', '\'']) {
        return Err(InvalidDatabaseUrl::Quoted);
    }
    let rest = url.strip_prefix("postgresql://").or_else(|| url.strip_prefix("postgres://"));
    rest.ok_or(InvalidDatabaseUrl::Scheme)
}

/// Takes apart what is behind the scheme: the login, hosts and path, and the parameters.
///
/// Everything before the first `@` is the login, to libpq too if it has no `/`. A password may have a `?`, so the
/// parameters begin behind the `@`.
fn parts(rest: &str) -> Result<(Option<&str>, &str, &str), InvalidDatabaseUrl> {
    let (login, place) = rest.split_once('@').map_or((None, rest), |(login, place)| (Some(login), place));
    if login.is_some_and(|login| login.contains('/') && login.contains('?')) {
        return Err(InvalidDatabaseUrl::Ambiguous);
    }
    let (place, query) = place.split_once('?').unwrap_or((place, ""));
    if place.contains('@') {
        return Err(InvalidDatabaseUrl::SecondAt);
    }
    Ok((login, place, query))
}

/// `one:1,[::1]:2,three` as two lists; there is a list of ports if one of them has a port.
fn hosts_and_ports(text: &str) -> Result<(String, String), InvalidDatabaseUrl> {
    let (mut hosts, mut ports) = (Vec::new(), Vec::new());
    for element in text.split(',') {
        let (host, port) = match element.strip_prefix('[') {
            Some(bracketed) => {
                let (host, rest) = bracketed.split_once(']').ok_or(InvalidDatabaseUrl::Brackets)?;
                (host, rest.strip_prefix(':').unwrap_or(rest))
            }
            None => element.split_once(':').unwrap_or((element, "")),
        };
        hosts.push(decoded(host)?);
        ports.push(decoded(port)?);
    }
    let ports = if ports.iter().all(String::is_empty) { String::new() } else { ports.join(",") };
    Ok((hosts.join(","), ports))
}

/// The bytes that a percent-encoded text stands for.
fn bytes(text: &str) -> Result<Vec<u8>, InvalidDatabaseUrl> {
    let mut escapes = text.split('%').skip(1);
    let is_escape =
        |rest: &str| rest.as_bytes().get(..2).is_some_and(|pair| pair.iter().all(u8::is_ascii_hexdigit));
    if !escapes.all(is_escape) {
        return Err(InvalidDatabaseUrl::Percent);
    }
    let bytes: Vec<u8> = percent_decode_str(text).collect();
    if bytes.contains(&0) { Err(InvalidDatabaseUrl::Percent) } else { Ok(bytes) }
}

fn decoded(text: &str) -> Result<String, InvalidDatabaseUrl> {
    String::from_utf8(bytes(text)?).map_err(|_| InvalidDatabaseUrl::Percent)
}

/// What has been read so far.
struct Reading {
    config: Config,
    places: Places,
    ssl_mode: SslMode,
    root_file: Option<String>,
    remarks: Vec<String>,
    faults: Vec<String>,
}

impl Reading {
    fn new(config: Config) -> Self {
        Self {
            config,
            places: Places::default(),
            ssl_mode: SslMode::Prefer,
            root_file: None,
            remarks: Vec::new(),
            faults: Vec::new(),
        }
    }

    fn user(&mut self, user: &str) {
        if !user.is_empty() {
            self.config.user(user);
        }
    }

    fn name(&mut self, name: &str) {
        if !name.is_empty() {
            self.config.dbname(name);
        }
    }

    /// Reads the parameter at `place`, counted from 1.
    fn pair(&mut self, place: usize, pair: &str) -> Result<(), InvalidDatabaseUrl> {
        let Some((name, value)) = pair.split_once('=') else {
            self.faults.push(format!("parameter {place} behind the `?` has no `=`"));
            return Ok(());
        };
        let (name, value) = (decoded(name)?, decoded(value)?);
        match judge(&name, &value) {
            Ok(remark) => {
                let is_understood = remark.is_none();
                self.remarks.extend(remark);
                if is_understood && let Err(expected) = self.set(&name, &value) {
                    self.faults.push(format!("`{name}` must be {expected}"));
                }
            }
            Err(Some(fault)) => self.faults.push(fault),
            Err(None) => self.faults.push(format!(
                "parameter {place} behind the `?` is none that is known; if a password has a `?`, write %3F for it"
            )),
        }
        Ok(())
    }

    /// Sets a parameter that is understood, or says what its value must be.
    fn set(&mut self, name: &str, value: &str) -> Result<(), &'static str> {
        let config = &mut self.config;
        match name {
            "host" => value.clone_into(&mut self.places.hosts),
            "hostaddr" => value.clone_into(&mut self.places.addresses),
            "port" => value.clone_into(&mut self.places.ports),
            "user" => self.user(value),
            "password" => drop(config.password(value)),
            "dbname" => self.name(value),
            "options" => drop(config.options(value)),
            "application_name" => drop(config.application_name(value)),
            "fallback_application_name" => {
                if config.get_application_name().is_none() {
                    config.application_name(value);
                }
            }
            "sslmode" => {
                self.ssl_mode =
                    SslMode::parse(value).ok_or("disable, prefer, require, verify-ca or verify-full")?;
            }
            "sslrootcert" => self.root_file = Some(value.to_owned()),
            "sslnegotiation" => {
                config.ssl_negotiation(match value {
                    "postgres" => SslNegotiation::Postgres,
                    "direct" => SslNegotiation::Direct,
                    _ => return Err("postgres or direct"),
                });
            }
            "channel_binding" => {
                config.channel_binding(match value {
                    "disable" => ChannelBinding::Disable,
                    "prefer" => ChannelBinding::Prefer,
                    "require" => ChannelBinding::Require,
                    _ => return Err("disable, prefer or require"),
                });
            }
            "target_session_attrs" => {
                config.target_session_attrs(match value {
                    "any" => TargetSessionAttrs::Any,
                    "read-write" | "primary" => TargetSessionAttrs::ReadWrite,
                    "read-only" => TargetSessionAttrs::ReadOnly,
                    _ => return Err("any, read-write, primary or read-only"),
                });
            }
            "load_balance_hosts" => {
                config.load_balance_hosts(match value {
                    "disable" => LoadBalanceHosts::Disable,
                    "random" => LoadBalanceHosts::Random,
                    _ => return Err("disable or random"),
                });
            }
            _ => return self.set_time(name, value),
        }
        Ok(())
    }

    /// Sets one of the parameters whose value is a number.
    fn set_time(&mut self, name: &str, value: &str) -> Result<(), &'static str> {
        let number: i32 = value.trim().parse().map_err(|_| "a whole number")?;
        let Ok(positive) = u32::try_from(number) else { return Ok(()) };
        // To libpq 0 is "as the system likes it" here, and it is "for ever" for the time of connecting.
        if positive == 0 && name != "keepalives" {
            return Ok(());
        }
        let seconds = Duration::from_secs(positive.into());
        let config = &mut self.config;
        match name {
            "connect_timeout" => config.connect_timeout(seconds),
            "tcp_user_timeout" => config.tcp_user_timeout(Duration::from_millis(positive.into())),
            "keepalives" => config.keepalives(positive != 0),
            "keepalives_idle" => config.keepalives_idle(seconds),
            "keepalives_interval" => config.keepalives_interval(seconds),
            _ => config.keepalives_retries(positive),
        };
        Ok(())
    }

    fn finish(self) -> Result<DatabaseUrl, InvalidDatabaseUrl> {
        if !self.faults.is_empty() {
            return Err(InvalidDatabaseUrl::Parameters(self.faults.join("; ")));
        }
        let hosts = self.places.all()?;
        let Self { config, ssl_mode, root_file, remarks, .. } = self;
        Ok(DatabaseUrl { config, hosts, ssl_mode, root_file, remarks })
    }
}

impl Places {
    /// Each host with its address and its port.
    fn all(&self) -> Result<Vec<Place>, InvalidDatabaseUrl> {
        let list = |text: &str| -> Vec<String> {
            if text.is_empty() {
                Vec::new()
            } else {
                text.split(',').map(|item| item.trim().to_owned()).collect()
            }
        };
        let (mut hosts, addresses, ports) = (list(&self.hosts), list(&self.addresses), list(&self.ports));
        if hosts.is_empty() {
            // An address is enough. There is no name then that a certificate could be checked against but the address.
            hosts.clone_from(&addresses);
        }
        if hosts.is_empty() || hosts.iter().any(String::is_empty) {
            return Err(InvalidDatabaseUrl::NoHost);
        }
        let fits = |count: usize| count == hosts.len() || count <= 1;
        if !fits(ports.len()) || !(addresses.is_empty() || addresses.len() == hosts.len()) {
            return Err(InvalidDatabaseUrl::Hosts);
        }
        let port = |text: Option<&String>| match text.map(String::as_str) {
            None | Some("") => Ok(5432),
            Some(text) => text.parse().ok().filter(|port| *port > 0).ok_or(InvalidDatabaseUrl::Port),
        };
        let place = |(index, host): (usize, String)| {
            let address = addresses.get(index).filter(|address| !address.is_empty());
            let address = address.map(|text| text.parse()).transpose();
            Ok(Place {
                host,
                address: address.map_err(|_| InvalidDatabaseUrl::Address)?,
                port: port(ports.get(index).or(ports.first().filter(|_| ports.len() == 1)))?,
            })
        };
        hosts.into_iter().enumerate().map(place).collect()
    }
}

#[cfg(test)]
mod tests;
