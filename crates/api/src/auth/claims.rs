use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::Value;
use task_domain::UserId;

use super::{Identity, Refusal};
use crate::json::{self, Object};

/// A signed JWT in compact form (RFC 7515, section 7.1), taken apart but not yet believed.
pub(super) struct Jws<'a> {
    /// What is signed: header and claims as they were sent.
    pub(super) signed: &'a str,
    /// The signature, still encoded.
    pub(super) signature: &'a str,
    header: Object,
    payload: &'a str,
}

impl<'a> Jws<'a> {
    pub(super) fn parse(token: &'a str) -> Result<Self, Refusal> {
        let (signed, signature) = token.rsplit_once('.').ok_or(Refusal::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(Refusal::Malformed)?;
        let header = decode(header)?;
        // An extension that must be understood (RFC 7515, section 4.1.11), of which we understand none.
        if header.contains_key("crit") {
            return Err(Refusal::Malformed);
        }
        Ok(Self { signed, signature, header, payload })
    }

    /// The algorithm that the token claims. Which one is used is for the configuration to say.
    pub(super) fn algorithm(&self) -> Option<&str> {
        self.header.get("alg")?.as_str()
    }

    /// The claims. To be read once the signature has been found good.
    pub(super) fn claims(&self) -> Result<Object, Refusal> {
        decode(self.payload)
    }
}

/// Decodes strict, unpadded base64url (RFC 7515, section 2) of a JSON object.
fn decode(part: &str) -> Result<Object, Refusal> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| Refusal::Malformed)?;
    json::parse_object(&bytes).map_err(|_| Refusal::Malformed)
}

/// What the claims of a token with a good signature must say.
#[derive(Clone, Debug, Default)]
pub struct ClaimRules {
    /// How far, in seconds, the issuer's clock may differ from ours.
    pub leeway_seconds: u8,
    /// Who must have issued the token; anybody where it is `None`.
    pub issuer: Option<String>,
    /// For whom the token must be; for anybody where it is `None`.
    pub audience: Option<String>,
}

impl ClaimRules {
    /// Judges claims at a time, in seconds since 1970.
    pub(super) fn judge(&self, claims: &Object, now: f64) -> Result<Identity, Refusal> {
        let leeway = f64::from(self.leeway_seconds);
        let expires = claims.get("exp").and_then(Value::as_f64).ok_or(Refusal::Times)?;
        if now >= expires + leeway {
            return Err(Refusal::Expired);
        }
        if let Some(not_before) = claims.get("nbf") {
            let not_before = not_before.as_f64().ok_or(Refusal::Times)?;
            if now < not_before - leeway {
                return Err(Refusal::NotYetValid);
            }
        }
        if let Some(issuer) = &self.issuer
            && claims.get("iss").and_then(Value::as_str) != Some(issuer)
        {
            return Err(Refusal::Issuer);
        }
        if let Some(audience) = &self.audience
            && !claims.get("aud").is_some_and(|claim| names(claim, audience))
        {
            return Err(Refusal::Audience);
        }
        let subject = claims.get("sub").and_then(Value::as_str).ok_or(Refusal::Subject)?;
        Ok(Identity { user: UserId::parse(subject).map_err(|_| Refusal::Subject)? })
    }
}

/// Whether an `aud` claim, a string or an array of strings (RFC 7519, section 4.1.3), names `audience`.
fn names(claim: &Value, audience: &str) -> bool {
    match claim {
        Value::Array(entries) => entries.iter().any(|entry| entry.as_str() == Some(audience)),
        other => other.as_str() == Some(audience),
    }
}
