//! The form of a token, and the rules for its claims (docs/api.md, "Who may do what").

use std::sync::Arc;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::Value;
use task_domain::UserId;
use task_support::json::{self, Object};

use crate::{refusal::Refusal, verifier::Identity};

/// A signed JWT in compact form (RFC 7515, section 7.1): split and decoded, not yet verified.
pub struct Jws<'a> {
    /// The signed text: header and claims as they were sent.
    pub(crate) signed: &'a str,
    /// The signature, still encoded.
    pub(crate) signature: &'a str,
    header: Object,
    payload: &'a str,
}

impl<'a> Jws<'a> {
    /// Splits a token, and refuses one that no verifier could accept.
    pub fn parse(token: &'a str) -> Result<Self, Refusal> {
        if is_session_token(token) {
            return Err(Refusal::SessionToken);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(Refusal::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(Refusal::Malformed)?;
        let header = decode(header)?;
        // `crit` names extensions that must be supported (RFC 7515, section 4.1.11). This service supports none.
        if header.contains_key("crit") {
            return Err(Refusal::Critical);
        }
        Ok(Self { signed, signature, header, payload })
    }

    /// The algorithm that the token names. The configuration decides which one is used.
    #[must_use]
    pub fn algorithm(&self) -> Option<&str> {
        self.header.get("alg")?.as_str()
    }

    /// The id of the key that the token names. It only selects a key.
    pub fn key_id(&self) -> Result<Option<&str>, Refusal> {
        match self.header.get("kid") {
            None => Ok(None),
            Some(Value::String(id)) => Ok(Some(id)),
            Some(_) => Err(Refusal::Malformed),
        }
    }

    /// Refuses a token whose `typ` is not JWT (RFC 7519, section 5.1; RFC 8725, section 3.11).
    pub(crate) fn check_type(&self) -> Result<(), Refusal> {
        match self.header.get("typ") {
            None => Ok(()),
            Some(Value::String(kind)) if kind.eq_ignore_ascii_case("JWT") => Ok(()),
            Some(Value::String(kind)) if kind == SESSION_CACHE => Err(Refusal::SessionCookie),
            Some(_) => Err(Refusal::Type),
        }
    }

    /// The claims. The caller must have verified the signature before it trusts them.
    pub fn claims(&self) -> Result<Object, Refusal> {
        decode(self.payload)
    }
}

/// The `typ` of a session that Better Auth's `jwt()` plugin keeps in a cookie, signed with the published key.
const SESSION_CACHE: &str = "better-auth.session-cache+jwt";

/// Whether this is a session token of Better Auth: 32 characters. The `bearer()` plugin appends a dot and an HMAC in base64.
fn is_session_token(token: &str) -> bool {
    let (session, signature) = token.split_once('.').unwrap_or((token, ""));
    session.len() == 32
        && session.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && !signature.contains('.')
}

/// Decodes a JSON object in strict, unpadded base64url (RFC 7515, section 2).
fn decode(part: &str) -> Result<Object, Refusal> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| Refusal::Malformed)?;
    json::parse_object(&bytes).map_err(|_| Refusal::Malformed)
}

/// The rules for the claims of a token whose signature is valid.
#[derive(Clone, Debug, Default)]
pub struct ClaimRules {
    /// How far the issuer's clock may differ from this machine's, in seconds.
    pub leeway_seconds: u8,
    /// The issuer that the token must have; `None` accepts any.
    pub issuer: Option<String>,
    /// The audience that the token must have; `None` accepts any.
    pub audience: Option<String>,
}

impl ClaimRules {
    /// Checks the claims at the time `now`, in seconds since 1970.
    pub(crate) fn judge(
        &self,
        claims: &Object,
        algorithm: &'static str,
        now: f64,
    ) -> Result<Identity, Refusal> {
        let expires_at = claims.get("exp").and_then(Value::as_f64).ok_or(Refusal::Times)?;
        if !self.is_before_expiry(expires_at, now) {
            return Err(Refusal::Expired);
        }
        if let Some(not_before) = claims.get("nbf") {
            let not_before = not_before.as_f64().ok_or(Refusal::Times)?;
            if now < not_before - f64::from(self.leeway_seconds) {
                return Err(Refusal::NotYetValid);
            }
        }
        let subject = claims.get("sub").ok_or_else(|| without_subject(claims))?;
        let user =
            subject.as_str().and_then(|subject| UserId::parse(subject).ok()).ok_or(Refusal::Subject)?;
        let issuer = claims.get("iss").and_then(Value::as_str);
        if self.issuer.as_deref().is_some_and(|expected| issuer != Some(expected)) {
            return Err(Refusal::Issuer);
        }
        if let Some(audience) = &self.audience
            && !claims.get("aud").is_some_and(|claim| names(claim, audience))
        {
            return Err(Refusal::Audience);
        }
        Ok(Identity { user, issuer: issuer.map(Arc::from), expires_at, algorithm })
    }

    /// Whether a token with this `exp` has not expired yet.
    pub(crate) fn is_before_expiry(&self, expires_at: f64, now: f64) -> bool {
        now < expires_at + f64::from(self.leeway_seconds)
    }
}

/// The refusal of claims without `sub`. Better Auth signs its cached sessions, which hold a session and a user.
fn without_subject(claims: &Object) -> Refusal {
    let is_session = claims.get("session").is_some_and(Value::is_object);
    if is_session { Refusal::SessionCookie } else { Refusal::Subject }
}

/// Whether an `aud` claim, a string or an array of strings (RFC 7519, section 4.1.3), names `audience`.
fn names(claim: &Value, audience: &str) -> bool {
    match claim {
        Value::Array(entries) => entries.iter().any(|entry| entry.as_str() == Some(audience)),
        other => other.as_str() == Some(audience),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: f64 = 1_000_000.0;

    fn judge(rules: &ClaimRules, claims: Value) -> Result<String, Refusal> {
        let Value::Object(claims) = claims else { unreachable!("claims are an object") };
        rules.judge(&claims, "HS256", NOW).map(|identity| identity.user.as_str().to_owned())
    }

    fn by_default(claims: Value) -> Result<String, Refusal> {
        judge(&ClaimRules::default(), claims)
    }

    fn encode(text: &str) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(text)
    }

    #[test]
    fn a_subject_and_an_expiry_are_all_that_is_needed() {
        assert_eq!(by_default(json!({"sub": "alice", "exp": NOW + 1.0})), Ok("alice".to_owned()));
        let more = json!({"sub": "alice", "exp": NOW + 1.0, "iat": "?", "iss": 1, "aud": {}, "email": null});
        assert_eq!(by_default(more), Ok("alice".to_owned()), "every other claim is ignored");
    }

    #[test]
    fn a_token_expires_at_its_expiry_to_the_fraction() {
        assert_eq!(by_default(json!({"sub": "a", "exp": NOW})), Err(Refusal::Expired));
        assert_eq!(by_default(json!({"sub": "a", "exp": NOW - 0.25})), Err(Refusal::Expired));
        assert!(by_default(json!({"sub": "a", "exp": NOW + 0.25})).is_ok());
        assert!(by_default(json!({"sub": "a", "exp": 1e300})).is_ok());
        assert_eq!(by_default(json!({"sub": "a", "exp": -1})), Err(Refusal::Expired));
    }

    #[test]
    fn a_token_is_valid_from_its_not_before_to_the_fraction() {
        let with = |not_before: Value| by_default(json!({"sub": "a", "exp": NOW + 9.0, "nbf": not_before}));
        assert!(with(json!(NOW)).is_ok());
        assert!(with(json!(NOW - 0.25)).is_ok());
        assert_eq!(with(json!(NOW + 0.25)), Err(Refusal::NotYetValid));
        for wrong in [json!("0"), json!(null), json!(true), json!([0])] {
            assert_eq!(with(wrong), Err(Refusal::Times));
        }
    }

    #[test]
    fn leeway_widens_both_ends() {
        let rules = ClaimRules { leeway_seconds: 60, ..ClaimRules::default() };
        assert!(judge(&rules, json!({"sub": "a", "exp": NOW - 59.5})).is_ok());
        assert_eq!(judge(&rules, json!({"sub": "a", "exp": NOW - 60.0})), Err(Refusal::Expired));
        assert!(judge(&rules, json!({"sub": "a", "exp": NOW + 9.0, "nbf": NOW + 60.0})).is_ok());
        let early = json!({"sub": "a", "exp": NOW + 9.0, "nbf": NOW + 60.5});
        assert_eq!(judge(&rules, early), Err(Refusal::NotYetValid));
    }

    #[test]
    fn an_expiry_must_be_a_number() {
        for claims in
            [json!({"sub": "a"}), json!({"sub": "a", "exp": "2000000"}), json!({"sub": "a", "exp": null})]
        {
            assert_eq!(by_default(claims), Err(Refusal::Times));
        }
    }

    #[test]
    fn a_subject_must_be_a_usable_user_id() {
        let wrong = [
            json!(null),
            json!(7),
            json!(["a"]),
            json!(""),
            json!(" "),
            json!("."),
            json!(".."),
            json!("a\n"),
        ];
        for subject in wrong {
            assert_eq!(by_default(json!({"sub": subject, "exp": NOW + 1.0})), Err(Refusal::Subject));
        }
        assert_eq!(by_default(json!({"exp": NOW + 1.0})), Err(Refusal::Subject));
        assert_eq!(by_default(json!({"sub": "é".repeat(256), "exp": NOW + 1.0})), Err(Refusal::Subject));
        assert!(by_default(json!({"sub": "é".repeat(255), "exp": NOW + 1.0})).is_ok());
    }

    #[test]
    fn a_configured_issuer_is_compared_exactly() {
        let rules = ClaimRules { issuer: Some("https://a.example".to_owned()), ..ClaimRules::default() };
        let with = |issuer: Value| judge(&rules, json!({"sub": "a", "exp": NOW + 1.0, "iss": issuer}));
        assert!(with(json!("https://a.example")).is_ok());
        for wrong in [json!("https://a.example/"), json!(["https://a.example"]), json!(null)] {
            assert_eq!(with(wrong), Err(Refusal::Issuer));
        }
    }

    #[test]
    fn an_audience_may_be_one_of_several() {
        let rules = ClaimRules { audience: Some("tasks".to_owned()), ..ClaimRules::default() };
        let with = |audience: Value| judge(&rules, json!({"sub": "a", "exp": NOW + 1.0, "aud": audience}));
        assert!(with(json!("tasks")).is_ok());
        assert!(with(json!(["other", "tasks"])).is_ok());
        for wrong in [json!("Tasks"), json!(["other"]), json!([["tasks"]]), json!({"tasks": 1}), json!(null)]
        {
            assert_eq!(with(wrong), Err(Refusal::Audience));
        }
        assert_eq!(judge(&rules, json!({"sub": "a", "exp": NOW + 1.0})), Err(Refusal::Audience));
    }

    #[test]
    fn a_compact_jws_is_split_and_decoded() {
        let token =
            format!("{}.{}.c2ln", encode(r#"{"alg":"HS256","typ":"JWT","kid":"1"}"#), encode(r#"{"a":1}"#));
        let jws = Jws::parse(&token).unwrap();
        assert_eq!(jws.algorithm(), Some("HS256"));
        assert_eq!(jws.signature, "c2ln");
        assert_eq!(format!("{}.c2ln", jws.signed), token);
        assert_eq!(jws.claims().map(Value::Object), Ok(json!({"a": 1})));
    }

    #[test]
    fn sessions_of_better_auth_are_distinguished_from_malformed_tokens() {
        let session = "aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW";
        for token in [session.to_owned(), format!("{session}.c2lnbmF0dXJl="), format!("{session}.c2ln%3D")] {
            assert!(matches!(Jws::parse(&token), Err(Refusal::SessionToken)), "{token}");
        }
        for token in [&session[1..], &format!("{session}.a.b"), &format!("{}-", &session[1..])] {
            assert!(matches!(Jws::parse(token), Err(Refusal::Malformed)), "{token}");
        }
        let cached = format!("{}.e30.x", encode(r#"{"alg":"EdDSA","typ":"better-auth.session-cache+jwt"}"#));
        assert_eq!(Jws::parse(&cached).unwrap().check_type(), Err(Refusal::SessionCookie));
    }

    #[test]
    fn a_token_that_is_not_a_compact_jws_is_refused() {
        let header = encode(r#"{"alg":"HS256"}"#);
        let tokens = [
            String::new(),
            "a".to_owned(),
            format!("{header}."),
            "..".to_owned(),
            format!("{header}=.e30.x"),
            format!("{}.e30.x", encode(r#"{"alg":"HS256","alg":"none"}"#)),
            format!("{}.e30.x", encode("[]")),
            format!("{}.e30.x", encode("")),
            format!(" {header}.e30.x"),
        ];
        for token in tokens {
            assert!(matches!(Jws::parse(&token), Err(Refusal::Malformed)), "{token}");
        }
    }

    #[test]
    fn claims_must_be_strict_json_in_strict_base64url() {
        let header = encode(r#"{"alg":"HS256"}"#);
        for payload in ["e30=", "e31", "e30.e30", "e+30", "bm8", &encode(r#"{"sub":"a","sub":"b"}"#)] {
            let token = format!("{header}.{payload}.x");
            assert_eq!(Jws::parse(&token).and_then(|jws| jws.claims()), Err(Refusal::Malformed), "{payload}");
        }
    }
}
