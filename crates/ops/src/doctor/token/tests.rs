mod faults;
mod helpers;

use serde_json::json;
use task_auth::{Fetched, KeySet};
use task_settings::AuthSettings;

use self::helpers::{SECRET, auth, claims, eddsa, hs256, keys};
use super::*;
use crate::doctor::report::Verdict;

async fn said(token: &str, auth: &AuthSettings, keys: Option<&(Fetched, KeySet)>) -> Vec<Finding> {
    let (findings, identity) = examine(token, &Facts { auth, keys }).await;
    let good = findings.iter().all(|finding| finding.verdict == Verdict::Ok);
    assert!(!findings.is_empty() && identity.is_some() == good, "{findings:?}");
    let text = format!("{findings:?}");
    assert!(!text.contains(SECRET), "{text}");
    for part in token.split('.').filter(|part| part.len() > 10) {
        assert!(!text.contains(part), "{part} is repeated: {text}");
    }
    findings
}

#[tokio::test]
async fn every_fault_is_named_with_its_remedy() {
    let (keys, auth) = (keys(), auth(&[]));
    let mut missing = Vec::new();
    for (token, words) in faults::all(&keys) {
        let findings = said(&token, &auth, Some(&keys.fetched)).await;
        assert!(findings.iter().all(|finding| !finding.advice.is_empty()), "{findings:?}");
        let text: String = findings.iter().map(ToString::to_string).collect();
        assert!(!text.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{text:?}");
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        missing.extend(
            words.iter().filter(|word| !text.contains(**word)).map(|word| format!("{word}\n  {text}")),
        );
    }
    assert!(missing.is_empty(), "{}", missing.join("\n\n"));
}

#[tokio::test]
async fn a_valid_token_is_shown_with_the_path_of_its_tasks() {
    let token = hs256(&claims(json!({"sub": "a/b é"})), SECRET.as_bytes());
    let findings = said(&token, &auth(&[]), Some(&keys().fetched)).await;
    let found = &findings.last().unwrap().found;
    assert!(found.contains("user_id     \"a/b é\"\n  tasks       /api/a%2Fb%20%C3%A9/tasks\n"), "{found}");
}

#[tokio::test]
async fn one_report_names_all_faults() {
    let keys = keys();
    let token = eddsa(
        &claims(json!({"exp": 5, "sub": 7, "iss": "https://a.example", "aud": "https://b.example"})),
        &keys.theirs,
    );
    let findings = said(&token, &auth(&[]), Some(&keys.fetched)).await;
    let names: Vec<_> = findings.iter().map(|finding| finding.name).collect();
    let expected = ["token signature", "token expiry", "token subject", "token issuer", "token audience"];
    assert_eq!(names, expected);
}

#[tokio::test]
async fn a_disabled_algorithm_is_named_with_the_variable_that_enables_it() {
    let keys = keys();
    let with_secret = hs256(&claims(json!({})), SECRET.as_bytes());
    let findings = said(&with_secret, &auth(&[("BETTER_AUTH_SECRET", "")]), Some(&keys.fetched)).await;
    assert!(findings[0].found.contains("BETTER_AUTH_SECRET is not set"), "{findings:?}");
    let with_key = eddsa(&claims(json!({})), &keys.ours);
    let findings = said(&with_key, &auth(&[("AUTH_JWKS_URL", "")]), None).await;
    assert!(findings[0].advice.contains("`AUTH_JWKS_URL=https://"), "{findings:?}");
    let findings = said(&with_key, &auth(&[]), None).await;
    assert!(findings[0].found.contains("without a key set") && findings.len() == 1, "{findings:?}");
}

#[tokio::test]
async fn white_space_and_quotation_marks_around_the_secret_are_named() {
    let token = hs256(&claims(json!({})), SECRET.as_bytes());
    for (secret, word) in [
        (format!("{SECRET} "), "without the white space"),
        (format!("\"{SECRET}\""), "without the quotation marks"),
        (format!("'{SECRET}'"), "without the quotation marks"),
        (format!("\"{SECRET}x"), "begins or ends with one of them"),
    ] {
        let findings = said(&token, &auth(&[("BETTER_AUTH_SECRET", &secret)]), None).await;
        let text = format!("{} {}", findings[0].found, findings[0].advice);
        assert!(text.contains(word), "{secret}: {text}");
    }
    let hexadecimal = SECRET.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    let findings = said(&token, &auth(&[("BETTER_AUTH_SECRET", &hexadecimal)]), None).await;
    assert!(findings[0].found.contains("hexadecimal"), "{findings:?}");
}

#[tokio::test]
async fn issuer_and_audience_that_are_set_are_named_by_their_variable() {
    let keys = keys();
    let auth = auth(&[("AUTH_ISSUER", "https://app.example.com/"), ("AUTH_AUDIENCE", "tasks")]);
    for token in [eddsa(&claims(json!({})), &keys.ours), hs256(&claims(json!({})), SECRET.as_bytes())] {
        let findings = said(&token, &auth, Some(&keys.fetched)).await;
        assert_eq!(findings.len(), 2, "{findings:?}");
        assert!(findings[0].found.contains("(AUTH_ISSUER): the setting has a slash"), "{findings:?}");
        assert!(findings[1].found.contains("\"tasks\" is expected (AUTH_AUDIENCE)"), "{findings:?}");
        assert!(findings[1].advice.contains("`AUTH_AUDIENCE=https://app.example.com`"), "{findings:?}");
    }
}

#[tokio::test]
async fn a_valid_token_is_shown_with_the_fields_of_whoami() {
    let (keys, auth) = (keys(), auth(&[]));
    for (token, algorithm) in [
        (eddsa(&claims(json!({})), &keys.ours), "EdDSA"),
        (hs256(&claims(json!({"iss": null, "aud": null})), SECRET.as_bytes()), "HS256"),
    ] {
        let findings = said(&token, &auth, Some(&keys.fetched)).await;
        let text = &findings[0].found;
        for word in ["valid", "\"alice\"", "expires_at", "in 15 minutes", algorithm] {
            assert!(text.contains(word), "{word}: {text}");
        }
    }
    let (findings, identity) = examine(
        &eddsa(&claims(json!({"exp": now().floor() * 1000.0})), &keys.ours),
        &Facts { auth: &auth, keys: Some(&keys.fetched) },
    )
    .await;
    assert!(identity.is_some() && findings[0].verdict == Verdict::Warning, "{findings:?}");
}

#[test]
fn a_token_is_extracted_from_a_header_or_an_answer() {
    for (given, remarks) in [
        ("a.b.c", 0),
        ("  a.b.c\r\n", 0),
        ("Bearer a.b.c", 1),
        ("bearer   a.b.c\n", 1),
        ("Authorization: Bearer a.b.c", 2),
        ("\"a.b.c\"", 1),
        ("'a.b.c'", 1),
        ("{\"token\":\"a.b.c\"}\n", 1),
    ] {
        let (token, found) = extract(given);
        assert_eq!((token.as_str(), found.len()), ("a.b.c", remarks), "{given}");
    }
    assert_eq!(extract(" \n").0, "");
    assert_eq!(extract("Bearer ").0, "Bearer", "nothing follows the scheme");
}
