//! Reads the file of `sslrootcert`.

use std::{fs, io};

use rustls::pki_types::{CertificateDer, pem::PemObject};

/// What the file holds.
#[derive(Debug)]
pub(super) struct RootFile {
    pub(super) certificates: Vec<CertificateDer<'static>>,
    /// Whether there is a private key in it, for which this machine has no use.
    pub(super) has_private_key: bool,
}

/// Reads the certificates of a file, or says why there is none.
pub(super) fn read(path: &str) -> Result<RootFile, String> {
    let contents = fs::read(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
        _ => error.to_string(),
    })?;
    let text = contents.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&contents);
    let mut certificates = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(text) {
        let number = certificates.len() + 1;
        certificates
            .push(certificate.map_err(|_| format!("its certificate {number} is cut off, or not in base64"))?);
    }
    if certificates.is_empty() {
        return Err(without_certificate(text).to_owned());
    }
    Ok(RootFile { certificates, has_private_key: has(text, "PRIVATE KEY-----") })
}

fn without_certificate(text: &[u8]) -> &'static str {
    match text {
        _ if text.trim_ascii().is_empty() => "it is empty",
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "it is in UTF-16: save it in UTF-8",
        [0x30, ..] => "it is in DER: write it as PEM, with `openssl x509 -inform der -in FILE -out FILE.pem`",
        _ if has(text, "-----BEGIN TRUSTED CERTIFICATE-----") => {
            "its certificate is in a form of OpenSSL alone: write it with `openssl x509 -in FILE -out FILE.pem`"
        }
        _ if has(text, "-----BEGIN PKCS7-----") => {
            "it is a bundle of PKCS #7: write it as PEM, with `openssl pkcs7 -print_certs -in FILE -out FILE.pem`"
        }
        _ if has(text, "-----BEGIN CERTIFICATE REQUEST-----") => {
            "it holds the request for a certificate, and not the certificate"
        }
        _ if has(text, "PRIVATE KEY-----") => "it holds a private key and no certificate",
        _ => "it holds no certificate",
    }
}

fn has(text: &[u8], words: &str) -> bool {
    text.windows(words.len()).any(|window| window == words.as_bytes())
}
