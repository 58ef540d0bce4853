//! TLS to the database, with certificates of a self-made authority.
//!
//! The server of the tests speaks none, so something in between does it for it.

use std::{fs, sync::Arc};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs::sign::any_supported_type,
    pki_types::{CertificateDer, PrivateKeyDer},
    sign::{CertifiedKey, SingleCertAndKey},
};
use task_adapters::{Database, testing::TestDatabase};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;
use x509_cert::der::{Decode as _, Encode as _, EncodePem as _, pem::LineEnding};

/// What a client sends first when it wants to know whether the server speaks TLS.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// A database behind a server that speaks TLS, with a certificate of an authority of its own.
struct Secured {
    db: TestDatabase,
    /// The file of the authority's certificate.
    authority: std::path::PathBuf,
    address: String,
    server: JoinHandle<()>,
}

impl Secured {
    /// `Some(host)`: its certificate is for that host. `None`: it speaks no TLS.
    async fn new(host: Option<&str>) -> Self {
        let (authority, acceptor) = certified(host.unwrap_or("127.0.0.1"), &Clone::clone);
        Self::with(&authority, host.map(|_| acceptor)).await
    }

    /// Its certificate is one of version 1, as old tools make them for themselves.
    async fn of_version_1() -> Self {
        let (authority, acceptor) = certified("127.0.0.1", &version_1);
        Self::with(&authority, Some(acceptor)).await
    }

    /// The same, and the file holds that certificate itself.
    async fn of_trusted_version_1() -> Self {
        let file = std::cell::RefCell::new(String::new());
        let (_, acceptor) = certified("127.0.0.1", &|certificate| {
            let old = version_1(certificate);
            *file.borrow_mut() =
                x509_cert::Certificate::from_der(&old).unwrap().to_pem(LineEnding::LF).unwrap();
            old
        });
        Self::with(&file.into_inner(), Some(acceptor)).await
    }

    async fn with(authority: &str, acceptor: Option<TlsAcceptor>) -> Self {
        let db = TestDatabase::empty().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let file = std::env::temp_dir().join(format!("{}.pem", db.name()));
        fs::write(&file, authority).unwrap();
        let (_, upstream) = db.detour(&address);
        let server = tokio::spawn(serve(listener, acceptor, upstream));
        Self { db, authority: file, address, server }
    }

    /// Connects, and returns what the server answered with to the question who is there.
    async fn connect(&self, mode: &str, authority: Option<&Self>) -> Result<(), String> {
        let (url, _) = self.db.detour(&self.address);
        let base = url.split('?').next().unwrap();
        let root = authority.map(|authority| format!("&sslrootcert={}", authority.authority.display()));
        let url = format!("{base}?sslmode={mode}{}", root.unwrap_or_default());
        let connection = Database::parse(&url).unwrap().connect().await.map_err(|error| error.to_string());
        connection.map(drop)
    }
}

impl Drop for Secured {
    fn drop(&mut self) {
        self.server.abort();
        let _ = fs::remove_file(&self.authority);
    }
}

/// The certificate in its first version, which has no extensions. No client of these tests checks its signature, so it has the old one.
fn version_1(certificate: &CertificateDer<'static>) -> CertificateDer<'static> {
    let mut read = x509_cert::Certificate::from_der(certificate).unwrap();
    read.tbs_certificate.version = x509_cert::Version::V1;
    read.tbs_certificate.extensions = None;
    read.to_der().unwrap().into()
}

/// An authority, and a server with a certificate of it for that host, of which something else is made.
fn certified(
    host: &str,
    make: &dyn Fn(&CertificateDer<'static>) -> CertificateDer<'static>,
) -> (String, TlsAcceptor) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "An authority of the tests");
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();

    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new([host.to_owned()]).unwrap();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, host);
    let certificate = params.signed_by(&key, &authority).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(CertifiedKey::new(
            vec![make(certificate.der())],
            any_supported_type(&PrivateKeyDer::try_from(key.serialize_der()).unwrap()).unwrap(),
        ))));
    (authority.pem(), TlsAcceptor::from(Arc::new(config)))
}

/// Answers who asks for TLS, and passes on what comes then. Closes the connection of who does not ask.
async fn serve(listener: TcpListener, acceptor: Option<TlsAcceptor>, upstream: String) {
    while let Ok((mut client, _)) = listener.accept().await {
        let (acceptor, upstream) = (acceptor.clone(), upstream.clone());
        tokio::spawn(async move {
            let mut request = [0; 8];
            if client.read_exact(&mut request).await.is_err() || request != SSL_REQUEST {
                return;
            }
            let mut server = TcpStream::connect(upstream).await.unwrap();
            let Some(acceptor) = acceptor else {
                client.write_all(b"N").await.unwrap();
                let _ = copy_bidirectional(&mut client, &mut server).await;
                return;
            };
            client.write_all(b"S").await.unwrap();
            if let Ok(mut client) = acceptor.accept(client).await {
                let _ = copy_bidirectional(&mut client, &mut server).await;
            }
        });
    }
}

const VERIFIED: [&str; 3] = ["require", "verify-ca", "verify-full"];

#[tokio::test]
async fn a_certificate_for_the_host_from_the_trusted_authority_is_accepted() {
    let secured = Secured::new(Some("127.0.0.1")).await;
    for mode in VERIFIED {
        assert_eq!(secured.connect(mode, Some(&secured)).await, Ok(()), "{mode}");
    }
}

#[tokio::test]
async fn a_certificate_from_any_other_authority_is_refused() {
    let (secured, other) = (Secured::new(Some("127.0.0.1")).await, Secured::new(Some("127.0.0.1")).await);
    for mode in VERIFIED {
        for authority in [Some(&other), None] {
            let text = secured.connect(mode, authority).await.unwrap_err();
            let sentence = if authority.is_some() { "with another key" } else { "its own certificate only" };
            assert!(text.starts_with("the server's certificate is refused: "), "{mode}: {text}");
            assert!(text.contains(sentence), "{mode}: {text}");
        }
    }
}

#[tokio::test]
async fn a_certificate_for_another_host_is_refused() {
    let secured = Secured::new(Some("elsewhere.example")).await;
    for mode in VERIFIED {
        let text = secured.connect(mode, Some(&secured)).await.unwrap_err();
        assert!(text.contains("it is for elsewhere.example, and not for 127.0.0.1"), "{mode}: {text}");
    }
}

#[tokio::test]
async fn a_server_without_tls_is_refused_unless_plain_text_will_do() {
    let plain = Secured::new(None).await;
    for mode in VERIFIED {
        let text = plain.connect(mode, Some(&plain)).await.unwrap_err();
        assert!(text.contains("does not support TLS"), "{mode}: {text}");
    }
    assert_eq!(plain.connect("prefer", None).await, Ok(()));
}

#[tokio::test]
async fn prefer_encrypts_whatever_the_certificate() {
    let secured = Secured::new(Some("elsewhere.example")).await;
    assert_eq!(secured.connect("prefer", None).await, Ok(()));
    let old = Secured::of_version_1().await;
    assert_eq!(old.connect("prefer", None).await, Ok(()));
    for mode in VERIFIED {
        old.connect(mode, Some(&old)).await.unwrap_err();
    }
}

#[tokio::test]
async fn a_certificate_of_version_1_that_the_file_holds_is_trusted_as_itself() {
    let old = Secured::of_trusted_version_1().await;
    for mode in VERIFIED {
        assert_eq!(old.connect(mode, Some(&old)).await, Ok(()), "{mode}");
    }
}

#[tokio::test]
async fn disable_never_asks_for_tls() {
    // This server speaks only after the client has.
    let secured = Secured::new(Some("127.0.0.1")).await;
    secured.connect("disable", None).await.unwrap_err();
}
