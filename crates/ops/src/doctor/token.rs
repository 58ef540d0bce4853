//! A token, judged by the code that the service judges with, and explained.

mod claims;
mod differences;
mod kind;
mod near_secret;
mod parts;
mod signing;

use std::{convert::Infallible, sync::Mutex};

use async_trait::async_trait;
use serde_json::Value;
use task_auth::{
    FetchError, Fetched, Identity, InvalidKeySet, KeySet, KeySource, Refusal, TokenVerifier, VerifyError, now,
};
use task_settings::AuthSettings;
use task_support::json;

pub(super) use self::near_secret::has_edges;
use self::parts::Parts;
use super::{report::Finding, shown};

/// What a token is judged with.
pub(super) struct Facts<'a> {
    /// The settings of the service.
    pub(super) auth: &'a AuthSettings,
    /// The key set that was fetched, with the answer that it stood in.
    pub(super) keys: Option<&'a (Fetched, KeySet)>,
}

impl Facts<'_> {
    fn key_set(&self) -> Option<&KeySet> {
        self.keys.map(|(_, keys)| keys)
    }
}

/// Takes a token out of what was given, which may be how it is sent or how Better Auth answers.
pub(super) fn taken_out(given: &str) -> (String, Vec<Finding>) {
    let mut token = given.trim();
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

/// Judges a token and says everything that there is to say. Gives what it says where it is valid.
pub(super) async fn examine(token: &str, facts: &Facts<'_>) -> (Vec<Finding>, Option<Identity>) {
    match verify(token, facts).await {
        Ok(identity) => (vec![valid(&identity)], Some(identity)),
        Err(error) => (explain(token, error, facts).await, None),
    }
}

/// Asks the verifiers of the service, with the keys that were fetched already.
async fn verify(token: &str, facts: &Facts<'_>) -> Result<Identity, VerifyError> {
    let source = AlreadyFetched(Mutex::new(facts.keys.map(|(fetched, _)| fetched.clone())));
    let (verifiers, keys) = facts.auth.verifiers(Some(Box::new(source)));
    let Some(keys) = keys else { return verifiers.verify(token).await };
    tokio::select! {
        // First the keys are taken over, which waits for nothing; then the token is judged.
        biased;
        never = keys.keep_fresh() => { let never: Infallible = never; match never {} }
        outcome = verifiers.verify(token) => outcome,
    }
}

/// The answer that is there already.
struct AlreadyFetched(Mutex<Option<Fetched>>);

#[async_trait]
impl KeySource for AlreadyFetched {
    async fn fetch(&self) -> Result<Fetched, FetchError> {
        let fetched = self.0.lock().ok().and_then(|fetched| fetched.clone());
        fetched.ok_or(FetchError::Invalid(InvalidKeySet::NotAKeySet))
    }
}

/// What `GET /api/whoami` would answer.
fn valid(identity: &Identity) -> Finding {
    let issuer = identity.issuer.as_deref().map_or_else(|| "none".to_owned(), shown::quoted);
    let found = format!(
        "valid\n  user_id     {}\n  issuer      {issuer}\n  expires_at  {}, in {}\n  algorithm   {}",
        shown::quoted(identity.user.as_str()),
        shown::moment(identity.expires_at()),
        shown::seconds(identity.expires_at - now()),
        identity.algorithm,
    );
    if claims::looks_like_milliseconds(identity.expires_at) {
        let advice = "`exp` looks like milliseconds: it has to be in seconds, or the token never expires.";
        return Finding::warning("token", found, advice);
    }
    Finding::ok("token", found)
}

/// Why a token is refused: what the service says first, and then whatever else would be said once that is right.
async fn explain(token: &str, error: VerifyError, facts: &Facts<'_>) -> Vec<Finding> {
    let parts = match Parts::of(token) {
        Ok(parts) => parts,
        Err(finding) => return vec![finding],
    };
    if let Some(finding) = kind::of_jwt(&parts.header, &parts.claims) {
        return vec![finding];
    }
    let VerifyError::Refused(refusal) = error else {
        let found = "it cannot be judged without a key set: every request gets 503";
        let mut findings = vec![Finding::problem("token", found, "See to the key set first, see above.")];
        findings.extend(claims::misfits(&parts, facts.auth, now()));
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
    findings.extend(claims::misfits(&parts, facts.auth, now()));
    if findings.is_empty() {
        findings.push(Finding::problem("token", refusal.detail(), "Fetch a new one and try again."));
    }
    findings
}

#[cfg(test)]
mod tests;
