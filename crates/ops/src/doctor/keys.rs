//! Findings about the key set.

use std::{collections::BTreeMap, time::Instant};

use reqwest::StatusCode;
use task_adapters::inspection::ClockDifference;
use task_auth::{FetchError, Fetched, InvalidKeySet, KeySet, KeySource, NotAKeySet, SkippedKey, now};
use task_support::Chain;
use url::Url;

use crate::doctor::{clock, report::Finding, shown};

/// The answer of a key source, examined.
#[derive(Default)]
pub(super) struct Answer {
    /// The findings about it.
    pub(super) findings: Vec<Finding>,
    /// The answer itself with its keys, if any is usable.
    pub(super) usable: Option<(Fetched, KeySet)>,
    /// Whether the source answered.
    pub(super) reached: bool,
    /// The difference of its clock; `None` if the answer has no `Date`.
    pub(super) clock: Option<ClockDifference>,
}

/// Fetches the set once, as the service does.
pub(super) async fn fetch(source: &dyn KeySource, url: &Url) -> Answer {
    let (sent, since) = (now(), Instant::now());
    let outcome = source.fetch().await;
    let received = sent + since.elapsed().as_secs_f64();
    let address = address(url);
    let fetched = match outcome {
        Ok(fetched) => fetched,
        Err(error) => {
            return Answer { findings: vec![failed(&error, url)], ..Answer::default() };
        }
    };
    let clock = fetched.date.as_deref().and_then(|date| clock::ahead_of_us(date, sent, received));
    match KeySet::parse(&fetched.body) {
        Ok((keys, skipped)) => {
            let mut findings = vec![Finding::ok("key set", format!("{} at {address}", summary(&keys)))];
            findings.extend(skipped.iter().map(skipped_key));
            Answer { findings, usable: Some((fetched, keys)), reached: true, clock }
        }
        Err(error) => {
            let findings = vec![invalid(&error, &address)];
            Answer { findings, usable: None, reached: true, clock }
        }
    }
}

/// The address without its query, which may hold a secret.
pub(super) fn address(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    shown::plain(url.as_str())
}

/// Such as `2 keys can be used (EdDSA, ES256)`.
fn summary(keys: &KeySet) -> String {
    let mut algorithms: BTreeMap<&str, usize> = BTreeMap::new();
    for algorithm in keys.algorithms() {
        *algorithms.entry(algorithm).or_default() += 1;
    }
    let count: usize = algorithms.values().sum();
    let names: Vec<_> = algorithms.into_keys().collect();
    let noun = if count == 1 { "key" } else { "keys" };
    format!("{count} {noun} can be used ({})", names.join(", "))
}

fn skipped_key(key: &SkippedKey) -> Finding {
    let id = key.id.as_deref().map_or_else(String::new, |id| format!(" ({})", shown::quoted(id)));
    let found = format!("key {}{id} of the set is not used: {}", key.index + 1, key.reason);
    if key.reason.is_secret() {
        let advice = "Make new keys at once and remove this one from the set: every reader of the set can sign a token for \
                      any user.";
        Finding::problem("key set", found, advice)
    } else if key.reason.is_for_another_purpose() {
        Finding::ok("key set", found)
    } else {
        let advice = "Tokens that are signed with it are refused. In Better Auth `jwks.keyPairConfig.alg` of the `jwt()` \
                      plugin can be EdDSA (the default), ES256, RS256 or PS256.";
        Finding::warning("key set", found, advice)
    }
}

/// The finding about an answer without a usable key.
fn invalid(error: &InvalidKeySet, address: &str) -> Finding {
    let skipped = match error {
        InvalidKeySet::NotAKeySet(answer) => {
            let found = format!("the answer of {address} is {answer} and not a key set");
            return Finding::problem("key set", found, no_key_set(*answer));
        }
        InvalidKeySet::NoUsableKey(skipped) => skipped,
    };
    let reasons = skipped.iter().map(|key| format!("\n  key {}: {}", key.index + 1, key.reason));
    let found = format!("the set at {address} has no key that can be used{}", reasons.collect::<String>());
    let advice = if skipped.is_empty() {
        "It is empty: Better Auth makes its first key at the first call of /api/auth/token or /api/auth/jwks. Call one of \
         them, and look at its log."
    } else {
        "EdDSA, ES256, RS256 and PS256 can be used; in Better Auth it is `jwks.keyPairConfig.alg` of the `jwt()` plugin."
    };
    Finding::problem("key set", found, advice)
}

/// The remedy for an answer that is not a key set.
fn no_key_set(answer: NotAKeySet) -> &'static str {
    match answer {
        NotAKeySet::Page => {
            "AUTH_JWKS_URL names a page of the front end, perhaps its log-in or its \"not found\". Better Auth serves the \
             keys at /api/auth/jwks, with the `jwt()` plugin."
        }
        NotAKeySet::Compressed => "Let the server, or a proxy in front of it, send it as it is.",
        NotAKeySet::Utf16 => "Save the file in UTF-8.",
        NotAKeySet::Malformed(_) => {
            "Let a library write it. A member that is repeated could be read in two ways, so nothing of the set is used."
        }
        NotAKeySet::OpenIdConfiguration => "Set AUTH_JWKS_URL to what its `jwks_uri` says.",
        NotAKeySet::SingleKey => "It must be a set: a JSON object with an array `keys`.",
        NotAKeySet::Empty => "Better Auth serves the keys at /api/auth/jwks, with the `jwt()` plugin.",
        NotAKeySet::Other => {
            "A JSON object with an array `keys` is needed. Better Auth serves it at /api/auth/jwks, with the `jwt()` plugin."
        }
    }
}

/// The finding about a fetch that failed.
fn failed(error: &FetchError, url: &Url) -> Finding {
    let address = address(url);
    let (found, advice) = match error {
        FetchError::NoAnswer(cause) => {
            let reason = Chain(cause).to_string();
            (format!("{address} does not answer: {}", shown::plain(&reason)), no_answer(&reason, url))
        }
        FetchError::Redirected => (
            format!("{address} redirects, which is not followed: keys come from the configured place only"),
            "Set AUTH_JWKS_URL to the final address: mind https, www and a trailing slash. If it redirects to a log-in, \
             exclude /api/auth from the front end's middleware."
                .to_owned(),
        ),
        FetchError::Status(status) => {
            (format!("{address} answers with status {status}"), by_status(*status).to_owned())
        }
        FetchError::TooLarge | FetchError::Invalid(_) => (
            format!("{address}: {error}"),
            "AUTH_JWKS_URL must name the key set itself: Better Auth serves it at /api/auth/jwks.".to_owned(),
        ),
    };
    Finding::problem("key set", found, advice)
}

fn no_answer(reason: &str, url: &Url) -> String {
    let reason = reason.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| reason.contains(word));
    if says(&["certificate", "unknownissuer"]) {
        untrusted(&reason).to_owned()
    } else if says(&["corrupt message", "invalidcontenttype", "wrong version"]) {
        "No TLS is spoken there: begin AUTH_JWKS_URL with http://, or correct the port.".to_owned()
    } else if says(&["lookup", "resolve", "name or service", "dns"]) {
        "Correct the host in AUTH_JWKS_URL: its name is not known on this machine.".to_owned()
    } else if reason.contains("refused") {
        format!(
            "Nothing listens at {}: start Better Auth, or correct host and port in AUTH_JWKS_URL. In a container, localhost \
             is the container itself.",
            shown::plain(&url.origin().ascii_serialization())
        )
    } else if says(&["timed out", "timeout"]) {
        "It takes longer than 5 seconds: check that Better Auth is up, and look for a firewall in between."
            .to_owned()
    } else {
        "Open the address with `curl -i` from this machine and look at the log of Better Auth.".to_owned()
    }
}

/// What to do about a certificate, by what rustls says of it.
fn untrusted(reason: &str) -> &'static str {
    let says = |words: &[&str]| words.iter().any(|word| reason.contains(word));
    if says(&["not valid for"]) {
        "Let AUTH_JWKS_URL name a host that its certificate is for."
    } else if says(&["expired", "not valid yet"]) {
        "Renew its certificate, or correct the clock of this machine."
    } else if says(&["causedasendentity"]) {
        "It shows the certificate of an authority as its own: have one made without CA:TRUE."
    } else {
        "Its server must send the certificates of intermediate authorities too, as `curl` from another machine shows. If its \
         authority is your own, add that to those of this machine (package ca-certificates), or name a file of all \
         authorities in SSL_CERT_FILE, in the environment and not in .env."
    }
}

fn by_status(status: StatusCode) -> &'static str {
    match status.as_u16() {
        404 | 405 => {
            "Nothing is there. Better Auth serves its keys at /api/auth/jwks, once the `jwt()` plugin is in its `plugins`; \
             with another `basePath` or `jwks.jwksPath`, below that one. Correct AUTH_JWKS_URL."
        }
        401 | 403 => {
            "The key set must be public: exclude its path from the middleware or proxy in front of Better Auth."
        }
        429 => {
            "It gets too many requests: raise the rate limit of Better Auth or of the proxy in front for that path."
        }
        502..=504 => "A proxy answers in place of Better Auth, which is down: start it and look at its log.",
        500..=599 => {
            "Look at the log of Better Auth. Often its table `jwks` is missing: run its migration after adding the `jwt()` \
             plugin."
        }
        _ => "Open the address with `curl -i` and look at the log of Better Auth.",
    }
}

#[cfg(test)]
mod tests {
    use task_auth::Unusable;

    use super::*;
    use crate::doctor::report::Verdict;

    const URL: &str = "https://app.example.com/api/auth/jwks?key=hunter2";

    fn text(finding: &Finding) -> String {
        format!("{} {}", finding.found, finding.advice)
    }

    #[test]
    fn every_status_is_explained() {
        for (status, words) in [
            (404, &["/api/auth/jwks", "jwt()", "basePath"][..]),
            (403, &["public"]),
            (429, &["rate limit"]),
            (502, &["proxy"]),
            (500, &["table `jwks`"]),
            (418, &["curl"]),
        ] {
            let error = FetchError::Status(StatusCode::from_u16(status).unwrap());
            let text = text(&failed(&error, &URL.parse().unwrap()));
            assert!(words.iter().all(|word| text.contains(word)), "{text}");
            assert!(text.contains("https://app.example.com/api/auth/jwks"), "{text}");
            assert!(!text.contains("hunter2"), "{text}");
        }
    }

    #[test]
    fn every_way_of_not_answering_is_explained() {
        let url: Url = URL.parse().unwrap();
        for (reason, word) in [
            ("invalid peer certificate: UnknownIssuer", "intermediate authorities"),
            ("invalid peer certificate: UnknownIssuer", "SSL_CERT_FILE"),
            (
                "invalid peer certificate: certificate not valid for name \"a\"",
                "a host that its certificate is for",
            ),
            ("invalid peer certificate: certificate expired: verification time 1", "clock"),
            ("invalid peer certificate: Other(OtherError(CaUsedAsEndEntity))", "without CA:TRUE"),
            ("received corrupt message of type InvalidContentType", "http://"),
            ("dns error: failed to lookup address information", "not known on this machine"),
            (
                "tcp connect error: Connection refused (os error 111)",
                "Nothing listens at https://app.example.com:",
            ),
            ("operation timed out", "5 seconds"),
            ("connection closed before message completed", "curl -i"),
        ] {
            let advice = no_answer(reason, &url);
            assert!(advice.contains(word), "{reason}: {advice}");
        }
        let redirect = text(&failed(&FetchError::Redirected, &url));
        assert!(redirect.contains("final address"), "{redirect}");
        assert!(text(&failed(&FetchError::TooLarge, &url)).contains("bytes"));
    }

    #[test]
    fn an_answer_that_is_not_a_key_set_is_described() {
        for (body, words) in [
            ("<!doctype html><title>Log in</title>", &["HTML", "page"][..]),
            (r#"{"issuer":"x","jwks_uri":"https://x/jwks"}"#, &["OpenID", "jwks_uri"]),
            (r#"{"kty":"OKP","crv":"Ed25519","x":"AAAA"}"#, &["single key"]),
            ("", &["nothing"]),
            (r#"{"error":"x"}"#, &["something else", "`keys`"]),
            (r#"{"keys":[{"a":1,"a":2}]}"#, &["malformed JSON (a member is repeated at line 1", "library"]),
            ("{\0\"\0", &["UTF-16", "UTF-8"]),
            (r#"{"keys":[]}"#, &["no key that can be used", "first key"]),
            (r#"{"keys":[{"kty":"new"}]}"#, &["key 1: its kind is new, and none of", "EdDSA"]),
        ] {
            let error = KeySet::parse(body.as_bytes()).unwrap_err();
            let finding = invalid(&error, "https://a.example/jwks");
            assert_eq!(finding.verdict, Verdict::Problem);
            let text = text(&finding);
            assert!(words.iter().all(|word| text.contains(word)), "{body}: {text}");
        }
    }

    #[test]
    fn an_unused_key_is_a_warning_and_a_secret_one_is_a_problem() {
        let verdict = |reason| skipped_key(&SkippedKey { index: 0, id: None, reason }).verdict;
        assert_eq!(verdict(Unusable::Secret), Verdict::Problem);
        assert_eq!(verdict(Unusable::Point), Verdict::Warning);
        assert_eq!(
            verdict(Unusable::Use),
            Verdict::Ok,
            "many issuers have a key that encrypts in the same set"
        );
        let weak = SkippedKey { index: 1, id: Some("a\u{1b}".to_owned()), reason: Unusable::Bits(1024) };
        let found = skipped_key(&weak).found;
        let expected = "key 2 (\"a\\u{1b}\") of the set is not used: an RSA key must have 2048 to 8192 bits, and it has 1024";
        assert_eq!(found, expected);
    }
}
