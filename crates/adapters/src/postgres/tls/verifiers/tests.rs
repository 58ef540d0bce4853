mod beside_psql;
mod certificates;

use std::time::Duration;

use rustls::crypto::aws_lc_rs;

use self::certificates::{authority, issued, self_signed};
use super::*;

/// The 1st of June 2026.
const NOW: u64 = 1_780_272_000;
const YEAR: u64 = 365 * 24 * 3600;

fn verifier(listed: &[CertificateDer<'static>]) -> AsLibpq {
    AsLibpq::new(Trusted::listed(listed.to_vec()).unwrap(), &aws_lc_rs::default_provider())
}

/// What is wrong with what a server sends, in the words for people.
fn verify_at(
    verifier: &AsLibpq,
    sent: &[CertificateDer<'static>],
    name: &str,
    seconds: u64,
) -> Result<(), String> {
    let name = ServerName::try_from(name).unwrap();
    let now = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    match verifier.verify_server_cert(&sent[0], &sent[1..], &name, &[], now) {
        Ok(_) => Ok(()),
        Err(Error::InvalidCertificate(CertificateError::Other(OtherError(refused)))) => {
            Err(refused.to_string())
        }
        Err(error) => panic!("there is no sentence for {error}"),
    }
}

fn verify(verifier: &AsLibpq, certificate: &CertificateDer<'static>, name: &str) -> Result<(), String> {
    verify_at(verifier, std::slice::from_ref(certificate), name, NOW)
}

#[test]
fn a_certificate_that_sslrootcert_holds_is_trusted_as_itself_for_its_host() {
    for certificate in [self_signed("db.example", &[]), self_signed("x", &["db.example", "10.0.0.7"])] {
        let verifier = verifier(std::slice::from_ref(&certificate));
        assert_eq!(verify(&verifier, &certificate, "db.example"), Ok(()));
        assert!(verify(&verifier, &certificate, "other.example").is_err());
    }
    let by_address = self_signed("x", &["10.0.0.7"]);
    assert_eq!(verify(&verifier(std::slice::from_ref(&by_address)), &by_address, "10.0.0.7"), Ok(()));
}

#[test]
fn another_certificate_for_the_same_host_is_refused() {
    let verifier = verifier(&[self_signed("db.example", &[])]);
    assert!(verify(&verifier, &self_signed("db.example", &[]), "db.example").is_err());
}

#[test]
fn a_certificate_is_refused_outside_of_its_time() {
    let certificate = self_signed("db.example", &[]);
    let verifier = verifier(std::slice::from_ref(&certificate));
    let at = |seconds| {
        verify_at(&verifier, std::slice::from_ref(&certificate), "db.example", seconds).unwrap_err()
    };
    let early = at(NOW - YEAR);
    assert!(early.contains("not valid yet (from 2026-01-01 00:00:00 UTC)"), "{early}");
    assert!(early.contains("clock of this machine (2025-06-01 00:00:00 UTC)"), "{early}");
    let late = at(NOW + YEAR);
    assert!(late.contains("has expired (2027-01-01 00:00:00 UTC)"), "{late}");
}

#[test]
fn the_common_name_counts_if_there_are_no_alternative_names() {
    let authority = authority("an authority", None, [2020, 2040]);
    let verifier = verifier(&[authority.der().clone()]);
    let issued = |common_name, names: &[&str]| issued(&authority, common_name, names);
    assert_eq!(verify(&verifier, &issued("db.example", &[]), "DB.example"), Ok(()));
    assert_eq!(verify(&verifier, &issued("x", &["db.example"]), "db.example"), Ok(()));
    assert!(verify(&verifier, &issued("db.example", &[]), "other.example").is_err());
    assert!(verify(&verifier, &issued("db.example", &["other.example"]), "db.example").is_err());
}

#[test]
fn the_hosts_of_a_certificate_for_others_are_named() {
    let authority = authority("an authority", None, [2020, 2040]);
    let verifier = verifier(&[authority.der().clone()]);
    for (common_name, names, expected) in [
        (
            "x",
            &["a.example", "*.b.example", "10.0.0.7", "fd00::7"][..],
            "a.example, *.b.example, 10.0.0.7, fd00::7",
        ),
        ("a.example", &[], "a.example"),
        ("\u{1b}[31m", &[], "\\u{1b}[31m"),
        (
            "x",
            &["1.example", "2.example", "3.example", "4.example", "5.example", "6.example"],
            "5.example and more",
        ),
    ] {
        let text = verify(&verifier, &issued(&authority, common_name, names), "db.example").unwrap_err();
        assert!(text.contains(&format!("{expected}, and not for db.example")), "{text}");
    }
}
