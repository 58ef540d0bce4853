//! Findings about times, subject, issuer and audience.

use serde_json::Value;
use task_auth::{ClaimRules, moment};
use task_domain::{InvalidUserId, UserId};
use task_settings::AuthSettings;
use task_support::json::Object;

use crate::doctor::{
    report::Finding,
    shown,
    token::{
        differences::{differences, distance},
        parts::Parts,
    },
};

/// From this number on, a time is in milliseconds of this century rather than in seconds.
const MILLISECONDS: f64 = 1e11;

/// The comparison of a claim with a setting.
struct Compared<'a> {
    /// The name of the finding.
    name: &'static str,
    claim: &'static str,
    variable: &'static str,
    expected: &'a str,
    /// Whether the operator has set the variable; otherwise the origin of the key set is expected.
    is_set: bool,
}

/// The faults of the claims, in the order in which the service checks them.
pub(super) fn faults(parts: &Parts, auth: &AuthSettings, now: f64) -> Vec<Finding> {
    let key_set = auth.jwks.as_ref().filter(|_| parts.algorithm() != Some("HS256"));
    let rules = key_set.map_or(&auth.claims, |jwks| &jwks.claims);
    let claims = &parts.claims;
    let issuer = rules.issuer.as_deref().map(|expected| Compared {
        name: "token issuer",
        claim: "iss",
        variable: "AUTH_ISSUER",
        expected,
        is_set: auth.claims.issuer.is_some(),
    });
    let audience = rules.audience.as_deref().map(|expected| Compared {
        name: "token audience",
        claim: "aud",
        variable: "AUTH_AUDIENCE",
        expected,
        is_set: auth.claims.audience.is_some(),
    });
    let mut findings: Vec<_> = [expiry(claims, rules, now), not_before(claims, rules, now), subject(claims)]
        .into_iter()
        .flatten()
        .collect();
    for compared in [issuer, audience].into_iter().flatten() {
        findings.extend(compared.fault(claims.get(compared.claim)));
    }
    findings
}

/// Whether a time seems to be in milliseconds instead of seconds.
pub(super) fn looks_like_milliseconds(time: f64) -> bool {
    (MILLISECONDS..MILLISECONDS * 1000.0).contains(&time)
}

fn expiry(claims: &Object, rules: &ClaimRules, now: f64) -> Option<Finding> {
    let Some(expires_at) = claims.get("exp").and_then(Value::as_f64) else {
        let what = claims.get("exp").map_or_else(|| "missing".to_owned(), shown::value);
        return Some(Finding::problem(
            "token expiry",
            format!("`exp` is {what}, but must be a number: seconds since 1970"),
            "Let the issuer of the token set an expiry, as the `jwt()` plugin does.",
        ));
    };
    let over = now - expires_at - f64::from(rules.leeway_seconds);
    if over < 0.0 {
        return None;
    }
    let found = format!(
        "it expired {} ago, at {}; this machine's clock says {}",
        shown::seconds(now - expires_at),
        shown::moment(moment(expires_at)),
        shown::moment(moment(now))
    );
    let issued_at = claims.get("iat").and_then(Value::as_f64);
    let advice = match issued_at {
        Some(issued_at) if expires_at <= issued_at => {
            "It was never valid: `exp` is not after `iat`. Correct the lifetime at its issuer."
        }
        _ => {
            "Fetch a new one from `GET /api/auth/token`: they are valid for 15 minutes unless `jwt.expirationTime` says \
             otherwise, so clients have to fetch new ones. If even a new one has expired, look at the clocks."
        }
    };
    Some(Finding::problem("token expiry", found, advice))
}

fn not_before(claims: &Object, rules: &ClaimRules, now: f64) -> Option<Finding> {
    let claim = claims.get("nbf")?;
    let Some(not_before) = claim.as_f64() else {
        let found = format!("`nbf` is {}, but must be a number: seconds since 1970", shown::value(claim));
        return Some(Finding::problem(
            "token begin",
            found,
            "Correct it at the issuer of the token, or omit it.",
        ));
    };
    if now >= not_before - f64::from(rules.leeway_seconds) {
        return None;
    }
    let found = format!(
        "it is valid from {} on (`nbf`), {} from now; this machine's clock says {}",
        shown::moment(moment(not_before)),
        shown::seconds(not_before - now),
        shown::moment(moment(now))
    );
    let advice = if looks_like_milliseconds(not_before) {
        "`nbf` looks like milliseconds: it must be in seconds."
    } else {
        "Look at both clocks (NTP). AUTH_LEEWAY_SECONDS bridges up to 60 seconds."
    };
    Some(Finding::problem("token begin", found, advice))
}

fn subject(claims: &Object) -> Option<Finding> {
    const ADVICE: &str = "`sub` must be the user's id, as a string. The `jwt()` plugin sets it by itself: look at its \
                          `jwt.getSubject` and `definePayload`, or at the issuer of the token.";
    let found = match claims.get("sub") {
        None => {
            let id = ["id", "userId", "user_id", "uid"].into_iter().find(|name| claims.contains_key(*name));
            match id {
                Some(name) => format!("it has no `sub`; it has `{name}`, which is ignored"),
                None => "it has no `sub`, so it names no user".to_owned(),
            }
        }
        Some(Value::String(subject)) => {
            let why = match UserId::parse(subject) {
                Ok(_) => return None,
                Err(InvalidUserId::Blank) => "is empty",
                Err(InvalidUserId::TooLong) => "has more than 255 characters",
                Err(InvalidUserId::Control) => "has a control character",
                Err(InvalidUserId::DotSegment) => "is a dot segment, which no path can hold",
            };
            format!("`sub` is {}, which {why}", shown::quoted(subject))
        }
        Some(other) => format!("`sub` is {}, but must be a string", shown::value(other)),
    };
    Some(Finding::problem("token subject", found, ADVICE))
}

impl Compared<'_> {
    fn fault(&self, claim: Option<&Value>) -> Option<Finding> {
        let Self { name, claim: claim_name, variable, expected, is_set } = self;
        let origin = if *is_set { variable } else { "the origin of AUTH_JWKS_URL" };
        let expected_text = format!("{} is expected ({origin})", shown::quoted(expected));
        let Some(claim) = claim else {
            return Some(Finding::problem(
                name,
                format!("it has no `{claim_name}`, but {expected_text}"),
                format!(
                    "The `jwt()` plugin sets it to the origin of `baseURL`. Let the issuer of the token set it; with the \
                     shared secret alone, {variable} may also be unset."
                ),
            ));
        };
        let entries: Vec<&str> = match claim {
            Value::Array(entries) if *claim_name == "aud" => {
                entries.iter().filter_map(Value::as_str).collect()
            }
            other => other.as_str().into_iter().collect(),
        };
        if entries.contains(expected) {
            return None;
        }
        let Some(closest) = entries.iter().min_by_key(|entry| distance(entry, expected)) else {
            let found = format!("`{claim_name}` is {}, but {expected_text}", shown::value(claim));
            let advice = format!("Let the issuer of the token set `{claim_name}` to a string.");
            return Some(Finding::problem(name, found, advice));
        };
        let found = format!(
            "`{claim_name}` is {}, but {expected_text}: {}",
            shown::value(claim),
            differences(closest, expected).join(", ")
        );
        Some(Finding::problem(name, found, self.advice(closest)))
    }

    fn advice(&self, closest: &str) -> String {
        let Self { claim, variable, .. } = self;
        let plain = closest.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'`' && byte != b'"');
        let setting = if plain && closest.len() < 200 {
            format!("set `{variable}={closest}`")
        } else {
            format!("set {variable} to {}", shown::quoted(closest))
        };
        let inner = if self.is_set {
            ""
        } else {
            " If AUTH_JWKS_URL is an address inside of your network, nothing else is needed."
        };
        format!(
            "If this is your Better Auth's token, {setting}: it is compared character by character.{inner} Otherwise correct \
             `{claim}` at its issuer: in Better Auth it is the origin of `baseURL` (BETTER_AUTH_URL), or what \
             `jwt.{}` of the `jwt()` plugin says.",
            if *claim == "iss" { "issuer" } else { "audience" },
        )
    }
}
