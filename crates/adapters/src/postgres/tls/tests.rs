//! The file of `sslrootcert`, as people give it.

use std::{fs, path::PathBuf};

use rcgen::KeyPair;

use super::*;

/// A file for one test, removed with it.
struct File(PathBuf);

impl File {
    fn new(name: &str, contents: impl AsRef<[u8]>) -> Self {
        let path = std::env::temp_dir().join(format!("task-api-{}-{name}.pem", std::process::id()));
        fs::write(&path, contents).unwrap();
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn certificate() -> rcgen::Certificate {
    rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap().cert
}

/// The remarks about a file that can be used, or the error.
fn connector(path: &str) -> Result<Vec<String>, String> {
    let mut remarks = Vec::new();
    let connector = Connector::new(SslMode::Verified, Some(path), &mut remarks);
    connector.map(|_| remarks).map_err(|error| error.to_string())
}

#[test]
fn a_root_file_may_be_written_on_any_system_and_hold_other_things_too() {
    let (one, two) = (certificate().pem(), certificate().pem());
    for (name, contents) in [
        ("two", format!("A comment.\n{one}{two}")),
        ("mark", format!("\u{feff}{one}")),
        ("carriage-returns", format!("{one}\n{two}").replace('\n', "\r\n")),
        ("no-end", one.trim_end().to_owned()),
        ("twice", format!("{one}{one}")),
    ] {
        assert_eq!(connector(File::new(name, contents).path()), Ok(Vec::new()), "{name}");
    }
}

#[test]
fn a_private_key_in_a_root_file_is_remarked_upon() {
    let file =
        File::new("both", format!("{}{}", certificate().pem(), KeyPair::generate().unwrap().serialize_pem()));
    let remarks = connector(file.path()).unwrap();
    assert!(remarks.len() == 1 && remarks[0].contains("holds a private key"), "{remarks:?}");
}

#[test]
fn a_root_file_that_cannot_be_used_is_named_with_what_it_is() {
    let pem = certificate().pem();
    let utf16: Vec<u8> = format!("\u{feff}{pem}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let key = KeyPair::generate().unwrap().serialize_pem();
    for (name, contents, words) in [
        ("empty", b"\n".to_vec(), "it is empty"),
        ("text", b"no certificate at all".to_vec(), "it holds no certificate"),
        ("torn", pem.as_bytes()[..200].to_vec(), "its certificate 1 is cut off"),
        ("second", format!("{pem}{}", &pem[..200]).into(), "its certificate 2 is cut off"),
        (
            "nonsense",
            b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_vec(),
            "its certificate 1 is malformed",
        ),
        ("key", key.clone().into(), "it holds a private key and no certificate"),
        (
            "der",
            certificate().der().to_vec(),
            "it is in DER: write it as PEM, with `openssl x509 -inform der",
        ),
        ("utf16", utf16, "it is in UTF-16"),
        ("pkcs7", pem.replace("CERTIFICATE", "PKCS7").into(), "`openssl pkcs7 -print_certs"),
        ("trusted", pem.replace("CERTIFICATE", "TRUSTED CERTIFICATE").into(), "a form of OpenSSL alone"),
        (
            "request",
            pem.replace("CERTIFICATE", "CERTIFICATE REQUEST").into(),
            "the request for a certificate",
        ),
    ] {
        let file = File::new(name, contents);
        let error = connector(file.path()).unwrap_err();
        let begin = format!("sslrootcert {} cannot be read: ", file.path());
        assert!(error.starts_with(&begin) && error.contains(words), "{name}: {error}");
        // A line of the file may be a line of a key.
        let lines = key.lines().chain(pem.lines()).filter(|line| line.len() > 40);
        assert!(lines.into_iter().all(|line| !error.contains(line)), "{name}: {error}");
    }
    for (path, words) in [("/no/such/file", "there is no such file"), ("/", "it is a folder")] {
        let error = connector(path).unwrap_err();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn no_roots_are_needed_if_nothing_is_verified() {
    let new = |mode, file| Connector::new(mode, file, &mut Vec::new());
    assert!(matches!(new(SslMode::Disable, Some("/no/such/file")), Ok(Connector::Plain)));
    assert!(matches!(new(SslMode::Prefer, None), Ok(Connector::Rustls(_))));
}
