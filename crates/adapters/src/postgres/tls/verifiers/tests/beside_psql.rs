//! What psql 15 (with OpenSSL 3.0) said with `sslmode=verify-full`, and what is said here, for the same certificates.

use std::slice::from_ref;

use rcgen::CertifiedIssuer;
use rustls::pki_types::CertificateDer;

use super::{
    NOW, YEAR,
    certificates::{authority, for_clients, issued, key, parameters, self_signed, version_1},
    verifier, verify_at,
};

#[derive(Debug, PartialEq)]
enum Psql {
    Connects,
    Refuses,
}
use Psql::{Connects, Refuses};

/// What is said here: nothing if it connects too, or words of the sentence.
type Here = &'static [&'static str];
const CONNECTS: Here = &[];

/// What the server sends, what the file of `sslrootcert` holds, and what comes of it at that time.
struct Row<'a> {
    what: &'static str,
    sent: Vec<&'a CertificateDer<'static>>,
    file: Vec<&'a CertificateDer<'static>>,
    at: u64,
    psql: Psql,
    here: Here,
}

#[test]
fn whatever_psql_takes_is_taken_and_a_refusal_says_what_to_do() {
    let root = authority("Root", None, [2020, 2040]);
    let middle = authority("Middle", Some(&root), [2020, 2040]);
    let other = authority("Other", None, [2020, 2040]);
    let same_name = authority("Root", None, [2020, 2040]);
    let short = authority("Short", None, [2020, 2022]);
    let name = ["db.example"];
    let leaf = &issued(&middle, "db.example", &name);
    let direct = &issued(&root, "db.example", &name);
    let of_short = &issued(&short, "db.example", &name);
    let elsewhere = &issued(&root, "x", &["elsewhere.example"]);
    let client = &for_clients(&root);
    let own = &self_signed("db.example", &[]);
    let no_authority = &parameters("db.example", &name).self_signed(&key()).unwrap().der().clone();
    let old = &version_1(own);
    let old_issued = &version_1(direct);
    let (root, middle, other) = (root.der(), middle.der(), other.der());
    let (same_name, short) = (same_name.der(), short.der());

    let alone: Here =
        &["its own certificate only", "\"CN=Middle\"", "append", "ssl_cert_file", "file of sslrootcert"];
    let row = |what, sent: &[_], file: &[_], psql, here| Row {
        what,
        sent: sent.to_vec(),
        file: file.to_vec(),
        at: NOW,
        psql,
        here,
    };
    let table = [
        row("the authority", &[direct], &[root], Connects, CONNECTS),
        row("the authority among others", &[direct], &[other, root], Connects, CONNECTS),
        row("the whole chain", &[leaf, middle], &[root], Connects, CONNECTS),
        row("the whole chain with the root", &[leaf, middle, root], &[root], Connects, CONNECTS),
        row("without the middle", &[leaf], &[root], Refuses, alone),
        row("the middle in the file", &[leaf], &[root, middle], Connects, CONNECTS),
        // OpenSSL follows each chain to a self-signed end. The file says what is trusted, and this is less than its root.
        row("the middle alone in the file", &[leaf], &[middle], Refuses, CONNECTS),
        row("the middle alone in the file, and sent", &[leaf, middle], &[middle], Refuses, CONNECTS),
        row("the certificate itself in the file", &[leaf], &[leaf], Refuses, CONNECTS),
        row("another authority", &[direct], &[other], Refuses, &["its own certificate only", "\"CN=Root\""]),
        row(
            "another authority, whole chain",
            &[leaf, middle],
            &[other],
            Refuses,
            &["leads to \"CN=Root\"", "add"],
        ),
        row("and its root", &[leaf, middle, root], &[other], Refuses, &["leads to \"CN=Root\"", "add"]),
        row(
            "another authority of the same name",
            &[direct],
            &[same_name],
            Refuses,
            &["with another key", "\"CN=Root\""],
        ),
        row("self-signed", &[own], &[own], Connects, CONNECTS),
        row("self-signed, no authority", &[no_authority], &[no_authority], Connects, CONNECTS),
        row(
            "self-signed, not in the file",
            &[own],
            &[root],
            Refuses,
            &["it is self-signed: add", "ssl_cert_file"],
        ),
        row("self-signed of version 1", &[old], &[old], Connects, CONNECTS),
        row("version 1, not in the file", &[old], &[root], Refuses, &["it is self-signed"]),
        row("version 1 by another", &[old_issued], &[other], Refuses, &["version 1 of X.509"]),
        row(
            "for another host",
            &[elsewhere],
            &[root],
            Refuses,
            &["it is for elsewhere.example, and not for db.example"],
        ),
        row("for clients", &[client], &[root], Refuses, &["not for servers", "serverAuth"]),
        row(
            "an expired authority",
            &[of_short],
            &[short],
            Refuses,
            &["\"CN=Short\"", "until 2022-01-01", "renewed"],
        ),
        Row {
            at: NOW + YEAR,
            ..row("expired", &[direct], &[root], Refuses, &["has expired (2027-01-01", "renew it"])
        },
        Row {
            at: NOW - YEAR,
            ..row("not yet valid", &[direct], &[root], Refuses, &["not valid yet (from 2026-01-01"])
        },
        Row { at: NOW + YEAR, ..row("self-signed and expired", &[own], &[own], Refuses, &["has expired"]) },
    ];
    let owned = |all: &[&CertificateDer<'static>]| all.iter().map(|one| (*one).clone()).collect::<Vec<_>>();
    for Row { what, sent, file, at, psql, here } in &table {
        let outcome = verify_at(&verifier(&owned(file)), &owned(sent), "db.example", *at);
        assert_eq!(outcome.is_ok(), here.is_empty(), "{what}: {outcome:?}");
        assert!(outcome.is_ok() || *psql == Refuses, "{what}: psql takes it");
        let text = outcome.err().unwrap_or_default();
        assert!(here.iter().all(|words| text.contains(words)), "{what}: {text}");
    }
}

/// Such as a server's own certificate, which is in the file: the server must not be able to vouch for other hosts.
#[test]
fn only_an_authority_in_the_file_vouches_for_others() {
    let root = authority("Root", None, [2020, 2040]);
    let of_server = parameters("db.example", &["db.example"]);
    let server = CertifiedIssuer::signed_by(of_server, key(), &root).unwrap();
    let forged = issued(&server, "other.example", &["other.example"]);
    let server = server.der().clone();
    let verifier = verifier(from_ref(&server));
    assert_eq!(verify_at(&verifier, from_ref(&server), "db.example", NOW), Ok(()));
    assert!(verify_at(&verifier, from_ref(&forged), "other.example", NOW).is_err());
    assert!(verify_at(&verifier, &[forged, server], "other.example", NOW).is_err());
}
