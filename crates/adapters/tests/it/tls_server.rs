//! docs/security.md, "TLS to the database", against a PostgreSQL that speaks TLS itself and takes passwords by SCRAM, so
//! that the password can be bound to the connection. An attacker in between, with a certificate that
//! the client trusts, shows that the binding protects the password.

use std::{env::temp_dir, fs, path::PathBuf, sync::Arc};

use diesel::{QueryableByName, sql_types::Bool};
use diesel_async::RunQueryDsl;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    crypto::aws_lc_rs::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use task_adapters::Database;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// What a client sends first when it wants to know whether the server speaks TLS.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
const VERIFIED: [&str; 3] = ["require", "verify-ca", "verify-full"];
/// The one database of the server that can be reached without TLS.
const PLAIN: &str = "template1";

/// The server that `cargo xtask test` starts: for 127.0.0.1, with an authority of its own.
struct Server {
    credentials: String,
    address: String,
    authority: String,
}

impl Server {
    fn get() -> Self {
        let url = std::env::var("TEST_TLS_DATABASE_URL").expect(
            "this test needs a PostgreSQL that speaks TLS: run `cargo xtask test`, which starts one and sets \
             TEST_TLS_DATABASE_URL",
        );
        let (base, parameters) = url.split_once('?').unwrap();
        let authority = parameters.split_once("sslrootcert=").unwrap().1.to_owned();
        let (credentials, rest) = base.strip_prefix("postgres://").unwrap().split_once('@').unwrap();
        let address = rest.split('/').next().unwrap().to_owned();
        Self { credentials: credentials.to_owned(), address, authority }
    }

    fn port(&self) -> &str {
        self.address.rsplit(':').next().unwrap()
    }

    /// With these parameters, and the right authority.
    async fn trusted(&self, parameters: &str) -> Result<bool, String> {
        self.at(&self.address, "postgres", &format!("{parameters}&sslrootcert={}", self.authority)).await
    }

    /// Connects, and returns whether PostgreSQL says that the connection is encrypted.
    async fn at(&self, address: &str, database: &str, parameters: &str) -> Result<bool, String> {
        #[derive(QueryableByName)]
        struct Session {
            #[diesel(sql_type = Bool)]
            ssl: bool,
        }
        let url = format!("postgres://{}@{address}/{database}?{parameters}", self.credentials);
        let mut connection = Database::parse(&url).unwrap().connect().await.map_err(|error| chain(&error))?;
        let session = diesel::sql_query("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
        Ok(session.get_result::<Session>(&mut connection).await.unwrap().ssl)
    }
}

/// An error with its causes, as the log shows it.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// An attacker between client and server, with a certificate for 127.0.0.1 from an authority that the client trusts.
struct Between {
    address: String,
    authority: PathBuf,
}

impl Between {
    /// `to_server`: what encrypts the way on to the server, unless that is plain.
    async fn new(server: &Server, to_server: Option<TlsConnector>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (authority, acceptor) = certified();
        let file = temp_dir().join(format!("task-api-between-{}.pem", address.replace(':', "-")));
        fs::write(&file, authority).unwrap();
        let upstream = server.address.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass_on(client, acceptor.clone(), upstream.clone(), to_server.clone()));
            }
        });
        Self { address, authority: file }
    }

    async fn connect(&self, server: &Server, database: &str, binding: &str) -> Result<bool, String> {
        let parameters =
            format!("sslmode=verify-full&sslrootcert={}&channel_binding={binding}", self.authority.display());
        server.at(&self.address, database, &parameters).await
    }
}

impl Drop for Between {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.authority);
    }
}

fn certified() -> (String, TlsAcceptor) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let names = ["127.0.0.1".to_owned()];
    let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &authority).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    (authority.pem(), TlsAcceptor::from(Arc::new(config)))
}

/// What speaks TLS to the server itself.
fn connector(server: &Server) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(&server.authority).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

/// Ends the client's TLS, reads everything, and passes it on.
async fn pass_on(
    mut client: TcpStream,
    acceptor: TlsAcceptor,
    upstream: String,
    to_server: Option<TlsConnector>,
) {
    let mut request = [0; 8];
    client.read_exact(&mut request).await.unwrap();
    assert_eq!(request, SSL_REQUEST);
    client.write_all(b"S").await.unwrap();
    let mut client = acceptor.accept(client).await.unwrap();
    let mut server = TcpStream::connect(upstream).await.unwrap();
    let Some(connector) = to_server else {
        let _ = copy_bidirectional(&mut client, &mut server).await;
        return;
    };
    server.write_all(&SSL_REQUEST).await.unwrap();
    assert_eq!(server.read_u8().await.unwrap(), b'S');
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let mut server = connector.connect(name, server).await.unwrap();
    let _ = copy_bidirectional(&mut client, &mut server).await;
}

#[tokio::test]
async fn every_mode_but_disable_is_encrypted() {
    let server = Server::get();
    for mode in VERIFIED {
        assert_eq!(server.trusted(&format!("sslmode={mode}")).await, Ok(true), "{mode}");
    }
    assert_eq!(server.at(&server.address, "postgres", "sslmode=prefer").await, Ok(true));
    assert_eq!(server.at(&server.address, PLAIN, "sslmode=disable").await, Ok(false));
    let refused = server.at(&server.address, "postgres", "sslmode=disable").await.unwrap_err();
    assert!(refused.contains("no encryption"), "{refused}");
}

#[tokio::test]
async fn the_password_is_bound_to_the_connection_where_that_is_required() {
    let server = Server::get();
    for mode in ["prefer", "require", "verify-ca", "verify-full"] {
        let parameters = format!("sslmode={mode}&channel_binding=require");
        assert_eq!(server.trusted(&parameters).await, Ok(true), "{mode}");
    }
}

#[tokio::test]
async fn a_plain_connection_binds_nothing_and_is_refused_where_that_is_required() {
    let server = Server::get();
    let plain = async |binding: &str| {
        let parameters = format!("sslmode=disable&channel_binding={binding}");
        server.at(&server.address, PLAIN, &parameters).await
    };
    let refused = plain("require").await.unwrap_err();
    assert!(refused.contains("server did not use channel binding"), "{refused}");
    assert_eq!(plain("prefer").await, Ok(false));
}

#[tokio::test]
async fn the_client_notices_a_relay_that_speaks_tls_to_both_sides() {
    let server = Server::get();
    let between = Between::new(&server, Some(connector(&server))).await;
    for binding in ["require", "prefer"] {
        let refused = between.connect(&server, "postgres", binding).await.unwrap_err();
        assert!(refused.contains("SCRAM channel binding check failed"), "{binding}: {refused}");
    }
    // Nothing else would have noticed.
    assert_eq!(between.connect(&server, "postgres", "disable").await, Ok(true));
}

#[tokio::test]
async fn a_client_that_requires_binding_notices_a_relay_that_speaks_plain_text_to_the_server() {
    let server = Server::get();
    let between = Between::new(&server, None).await;
    let refused = between.connect(&server, PLAIN, "require").await.unwrap_err();
    assert!(refused.contains("server did not use channel binding"), "{refused}");
    assert_eq!(between.connect(&server, PLAIN, "disable").await, Ok(false));
}

#[tokio::test]
async fn a_certificate_of_another_authority_or_for_another_host_is_refused() {
    let server = Server::get();
    let other = Between::new(&server, None).await;
    for mode in VERIFIED {
        let parameters = format!("sslmode={mode}&sslrootcert={}", other.authority.display());
        let refused = server.at(&server.address, "postgres", &parameters).await.unwrap_err();
        assert!(refused.contains("certificate is refused"), "{mode}: {refused}");

        let parameters = format!("sslmode={mode}&sslrootcert={}", server.authority);
        let elsewhere = format!("localhost:{}", server.port());
        let refused = server.at(&elsewhere, "postgres", &parameters).await.unwrap_err();
        assert!(refused.contains("it is for 127.0.0.1, and not for localhost"), "{mode}: {refused}");
    }
}
