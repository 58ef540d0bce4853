//! Verifies a token with the code of the service, and explains the outcome.

mod claims;
mod differences;
mod facts;
mod kind;
mod near_secret;
mod parts;
mod signing;

use std::{convert::Infallible, sync::Mutex};

use async_trait::async_trait;
use serde_json::Value;
use task_auth::{
    FetchError, Fetched, Identity, InvalidKeySet, KeySource, NotAKeySet, Refusal, TokenVerifier, VerifyError,
    now,
};
use task_support::{json, path_segment};

use self::parts::Parts;
pub(super) use self::{facts::Facts, near_secret::has_edges};
use crate::doctor::{report::Finding, shown};

/// Extracts the token from the input, which may be a header or an answer of Better Auth.
pub(super) fn extract(input: &str) -> (String, Vec<Finding>) {
    let mut token = input.trim();
    let mut remarks = Vec::new();
    let mut remark = |what: &str| remarks.push(Finding::ok("token", format!("{what} was taken off")));
    let answer = json::parse_object(token.as_bytes()).ok();
    if let Some(inner) = answer.as_ref().and_then(|answer| answer.get("token")).and_then(Value::as_str) {
        remark("the JSON around it");
        token = inner.trim();
    }
    for name in ["Authorization:", "Bearer "] {
        if let Some((begin, rest)) = token.split_at_checked(name.len())
            && begin.eq_ignore_ascii_case(name)
        {
            remark(&format!("`{}` in front of it", name.trim()));
            token = rest.trim();
        }
    }
    for quote in ['"', '\''] {
        if let Some(inner) = token.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) {
            remark("quotation marks around it");
            token = inner.trim();
        }
    }
    (token.to_owned(), remarks)
}

/// Verifies a token and explains every fault. Returns the identity of a valid token.
pub(super) async fn examine(token: &str, facts: &Facts<'_>) -> (Vec<Finding>, Option<Identity>) {
    match verify(token, facts).await {
        Ok(identity) => (vec![valid(&identity)], Some(identity)),
        Err(error) => (explain(token, error, facts).await, None),
    }
}

/// Verifies a token with the verifiers of the service and the keys that the doctor has fetched already.
async fn verify(token: &str, facts: &Facts<'_>) -> Result<Identity, VerifyError> {
    let source = AlreadyFetched(Mutex::new(facts.keys.map(|(fetched, _)| fetched.clone())));
    let (verifiers, keys) = facts.auth.verifiers(Some(Box::new(source)));
    let Some(keys) = keys else { return verifiers.verify(token).await };
    tokio::select! {
        // In this order: the keys are there before the token is verified. The source answers without waiting.
        biased;
        never = keys.keep_fresh() => { let never: Infallible = never; match never {} }
        outcome = verifiers.verify(token) => outcome,
    }
}

/// A key source whose answer was fetched before.
struct AlreadyFetched(Mutex<Option<Fetched>>);

#[async_trait]
impl KeySource for AlreadyFetched {
    async fn fetch(&self) -> Result<Fetched, FetchError> {
        let fetched = self.0.lock().ok().and_then(|fetched| fetched.clone());
        fetched.ok_or(FetchError::Invalid(InvalidKeySet::NotAKeySet(NotAKeySet::Empty)))
    }
}

/// The finding about a valid token, with the fields of `GET /api/whoami`, and where the user's tasks are: an id may look
/// different in a path.
fn valid(identity: &Identity) -> Finding {
    let issuer = identity.issuer.as_deref().map_or_else(|| "none".to_owned(), shown::quoted);
    let found = format!(
        "valid\n  user_id     {}\n  tasks       /api/{}/tasks\n  issuer      {issuer}\n  expires_at  {}, in {}\n  algorithm   {}",
        shown::quoted(identity.user.as_str()),
        path_segment(identity.user.as_str()),
        shown::moment(identity.expires_at()),
        shown::seconds(identity.expires_at - now()),
        identity.algorithm,
    );
    if claims::looks_like_milliseconds(identity.expires_at) {
        let advice = "`exp` looks like milliseconds: it must be in seconds, or the token never expires.";
        return Finding::warning("token", found, advice);
    }
    Finding::ok("token", found)
}

/// Why a token is refused: the reason of the service first, then the faults that would come next.
async fn explain(token: &str, error: VerifyError, facts: &Facts<'_>) -> Vec<Finding> {
    let parts = match Parts::of(token) {
        Ok(parts) => parts,
        Err(finding) => return vec![finding],
    };
    if let Some(finding) = kind::of_jwt(&parts.header, &parts.claims) {
        return vec![finding];
    }
    let VerifyError::Refused(refusal) = error else {
        let found = "it cannot be verified without a key set: every request gets 503";
        let mut findings = vec![Finding::problem("token", found, "Fix the key set first, see above.")];
        findings.extend(claims::faults(&parts, facts.auth, now()));
        return findings;
    };
    let mut findings = match refusal {
        Refusal::Type => vec![signing::wrong_type(&parts)],
        Refusal::Critical => vec![signing::critical(&parts)],
        Refusal::Algorithm => return vec![signing::algorithm(&parts, facts)],
        Refusal::UnknownKey => vec![signing::unknown_key(&parts, facts)],
        Refusal::Signature if parts.algorithm() == Some("HS256") => {
            vec![near_secret::wrong_secret(token, facts.auth.secret_bytes().unwrap_or_default()).await]
        }
        Refusal::Signature => vec![signing::wrong_key(&parts)],
        Refusal::Malformed => vec![signing::malformed(&parts)],
        _ => Vec::new(),
    };
    findings.extend(claims::faults(&parts, facts.auth, now()));
    if findings.is_empty() {
        findings.push(Finding::problem("token", refusal.detail(), "Fetch a new token and try again."));
    }
    findings
}

#[cfg(test)]
mod tests;
