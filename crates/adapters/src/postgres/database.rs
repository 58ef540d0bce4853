pub(crate) mod error;
mod hosts;
mod parameters;
mod url;

use std::{fmt, net::IpAddr, sync::Arc, time::Duration};

use diesel_async::AsyncPgConnection;
use tokio_postgres::{
    Client, Config, NoTls,
    config::{Host, SslMode as WireSslMode},
};

use self::{
    error::{ConnectError, InvalidDatabaseUrl},
    hosts::Hosts,
    url::DatabaseUrl,
};
use super::tls::{self, SslMode};

/// How long the TCP handshake with one address may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long TLS, the password and the start of a session may take after that. Requests wait less, see `PoolOptions`.
const STARTUP_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection is silent before TCP asks whether the other end is still there.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(30);
/// How long sent data may stay unacknowledged before TCP gives the connection up.
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(10);

/// The address of the database and how to connect to it: a parsed `DATABASE_URL`.
///
/// Opens single connections. Its `Debug` shows neither user nor password.
#[derive(Clone)]
pub struct Database {
    config: Config,
    /// Each host apart, if there are several.
    hosts: Option<Hosts>,
    tls: tls::Connector,
    remarks: Arc<[String]>,
}

impl Database {
    /// Parses a `DATABASE_URL` as libpq understands it.
    ///
    /// `sslmode` is `prefer` unless it is given. `prefer` encrypts if the server can, without checking its
    /// certificate; `require`, `verify-ca` and `verify-full` all check the chain and the host name, against
    /// `sslrootcert` if that is given and the system's authorities otherwise.
    ///
    /// Of several hosts the first that answers is taken; with `target_session_attrs=read-write` the first that can be
    /// written to, which after a fail-over is another one than before.
    pub fn parse(url: &str) -> Result<Self, InvalidDatabaseUrl> {
        let DatabaseUrl { mut config, hosts, ssl_mode, root_file, mut remarks } =
            DatabaseUrl::parse(url, defaults())?;
        complete(&mut config, ssl_mode);
        let each = Hosts::of(&hosts, &config);
        for place in &hosts {
            place.add_to(&mut config);
        }
        let tls = tls::Connector::new(ssl_mode, root_file.as_deref(), &mut remarks)?;
        Ok(Self { config, hosts: each, tls, remarks: remarks.into() })
    }

    /// What its URL says that changes nothing here, each in a sentence that says why. Holds no values.
    #[must_use]
    pub fn remarks(&self) -> &[String] {
        &self.remarks
    }

    /// Opens a connection. Its driver runs on the runtime of the caller and ends with the connection.
    pub async fn connect(&self) -> Result<AsyncPgConnection, ConnectError> {
        let opening = Box::pin(async {
            match &self.hosts {
                None => self.connect_by(&self.config).await,
                Some(hosts) => hosts.connect(|config| self.connect_by(config)).await,
            }
        });
        self.in_time(opening).await
    }

    /// A server may accept a connection and never answer on it, which no other limit would notice.
    async fn in_time<T>(
        &self,
        opening: impl Future<Output = Result<T, ConnectError>>,
    ) -> Result<T, ConnectError> {
        let of_hosts = self.config.get_connect_timeout().copied().unwrap_or(CONNECT_TIMEOUT);
        let limit = of_hosts.saturating_mul(u32::try_from(self.config.get_hosts().len()).unwrap_or(1));
        let limit = limit.saturating_add(STARTUP_TIMEOUT);
        let opened = tokio::time::timeout(limit, opening).await;
        opened.unwrap_or_else(|_| Err(ConnectError::no_answer_within(limit)))
    }

    async fn connect_by(&self, config: &Config) -> Result<AsyncPgConnection, ConnectError> {
        Ok(match &self.tls {
            tls::Connector::Plain => {
                let (client, connection) = config.connect(NoTls).await?;
                AsyncPgConnection::try_from_client_and_connection(client, connection).await?
            }
            tls::Connector::Rustls(connector) => {
                let (client, connection) = config.connect(connector.clone()).await?;
                AsyncPgConnection::try_from_client_and_connection(client, connection).await?
            }
        })
    }

    /// Opens a connection without diesel, for what diesel does not show: when which statement is prepared.
    pub(crate) async fn client(&self) -> Result<Client, ConnectError> {
        let opening = Box::pin(async {
            match &self.hosts {
                None => self.client_by(&self.config).await,
                Some(hosts) => hosts.connect(|config| self.client_by(config)).await,
            }
        });
        self.in_time(opening).await
    }

    async fn client_by(&self, config: &Config) -> Result<Client, ConnectError> {
        // A driver ends with its client, and the client gets the driver's error.
        Ok(match &self.tls {
            tls::Connector::Plain => {
                let (client, connection) = config.connect(NoTls).await?;
                drop(tokio::spawn(connection));
                client
            }
            tls::Connector::Rustls(connector) => {
                let (client, connection) = config.connect(connector.clone()).await?;
                drop(tokio::spawn(connection));
                client
            }
        })
    }

    /// Hosts, ports and name in one line; neither user nor password.
    #[must_use]
    pub fn address(&self) -> String {
        let ports = self.config.get_ports();
        let hosts = self.config.get_hosts().iter().enumerate().map(|(index, host)| {
            let port = ports.get(index).or(ports.first()).copied().unwrap_or(5432);
            match host {
                Host::Tcp(name) => format!("{name}:{port}"),
                Host::Unix(folder) => format!("{}:{port}", folder.display()),
            }
        });
        let hosts: Vec<_> = hosts.collect();
        format!("{}/{}", hosts.join(","), self.config.get_dbname().unwrap_or_default())
    }

    /// How many hosts a new connection may ask, at least one.
    #[must_use]
    pub fn host_count(&self) -> usize {
        self.config.get_hosts().len().max(1)
    }

    /// Whether what is sent leaves this machine.
    #[must_use]
    pub fn is_remote(&self) -> bool {
        let is_far = |host: &Host| match host {
            Host::Tcp(name) => {
                name != "localhost" && !name.parse().is_ok_and(|address: IpAddr| address.is_loopback())
            }
            Host::Unix(_) => false,
        };
        let addresses = self.config.get_hostaddrs();
        if addresses.is_empty() {
            self.config.get_hosts().iter().any(is_far)
        } else {
            !addresses.iter().all(IpAddr::is_loopback)
        }
    }

    /// Whether a connection is encrypted for sure, and the certificate checked. `None`: as the server likes it.
    pub(crate) fn is_verified(&self) -> Option<bool> {
        match self.config.get_ssl_mode() {
            WireSslMode::Disable => Some(false),
            WireSslMode::Require => Some(true),
            _ => None,
        }
    }

    /// The same server, with another database.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn with_name(&self, name: &str) -> Self {
        let mut other = self.clone();
        other.config.dbname(name);
        other.hosts = other.hosts.map(|hosts| {
            hosts.with(|config| {
                config.dbname(name);
            })
        });
        other
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database")
            .field("hosts", &self.config.get_hosts())
            .field("ports", &self.config.get_ports())
            .field("database", &self.config.get_dbname())
            .finish_non_exhaustive()
    }
}

/// The limits of time, unless the URL names others.
fn defaults() -> Config {
    let mut config = Config::new();
    config
        .connect_timeout(CONNECT_TIMEOUT)
        .keepalives_idle(KEEPALIVE_IDLE)
        .tcp_user_timeout(TCP_USER_TIMEOUT);
    config
}

/// What the URL cannot say, and the name of this program unless it says another one.
fn complete(config: &mut Config, mode: SslMode) {
    config.ssl_mode(match mode {
        SslMode::Disable => WireSslMode::Disable,
        SslMode::Prefer => WireSslMode::Prefer,
        SslMode::Verified => WireSslMode::Require,
    });
    if config.get_application_name().is_none() {
        config.application_name("task-api");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_of_neon_is_understood() {
        let url = "postgresql://owner:s3cret@ep-x-pooler.eu-central-1.aws.neon.tech/app?sslmode=require&channel_binding=require";
        let database = Database::parse(url).unwrap();
        let shown = format!("{database:?}");
        assert!(shown.contains("neon.tech") && shown.contains("app"), "{shown}");
        assert!(!shown.contains("s3cret") && !shown.contains("owner"), "{shown}");
    }

    #[test]
    fn an_address_tells_where_and_not_who() {
        for (url, address, remote) in [
            ("postgres://me:s3cret@localhost/app", "localhost:5432/app", false),
            ("postgres://me:s3cret@127.0.0.1:5433/app", "127.0.0.1:5433/app", false),
            (
                "postgres://me:s3cret@db.example.com,10.0.0.7:6000/app",
                "db.example.com:5432,10.0.0.7:6000/app",
                true,
            ),
            ("postgres://me@%2Frun%2Fpostgresql/app", "/run/postgresql:5432/app", false),
            ("postgres://me@app.example.com/app?hostaddr=127.0.0.1", "app.example.com:5432/app", false),
        ] {
            let database = Database::parse(url).unwrap();
            assert_eq!((database.address().as_str(), database.is_remote()), (address, remote));
        }
    }

    #[tokio::test]
    async fn a_refused_connection_says_why() {
        let error = Database::parse("postgres://127.0.0.1:1/d").unwrap().connect().await.err().unwrap();
        assert!(error.to_string().contains("refused"), "{error}");
    }
}
