//! How tokens are signed: with a key of a published set, a shared secret, or both.

use std::{fmt, sync::Arc, time::Duration};

use secrecy::{ExposeSecret, SecretString};
use task_auth::{ClaimRules, HttpKeySource, KeySource, PublishedKeys, SharedSecret, Verifiers};
use url::Url;

use crate::{
    about::Environment,
    reader::{Reader, compared},
};

/// The minimum length of the shared secret, in bytes: the length of an HMAC-SHA256 (RFC 7518, section 3.2).
pub const MIN_SECRET_BYTES: usize = 32;

/// How tokens are signed. There is a key set, a secret, or both.
#[derive(Clone, Debug)]
pub struct AuthSettings {
    /// The secret shared with Better Auth, for tokens signed with HS256.
    pub secret: Option<SecretString>,
    /// The rules for the claims of a token signed with the secret.
    pub claims: ClaimRules,
    /// The key set, for tokens signed with a published key.
    pub jwks: Option<JwksSettings>,
}

/// A published key set.
#[derive(Clone)]
pub struct JwksSettings {
    /// The address of the set.
    pub url: Url,
    /// After how long the set is fetched again.
    pub refresh: Duration,
    /// The rules for the claims of a token signed with one of the keys. They always have an issuer and an audience.
    pub claims: ClaimRules,
}

impl fmt::Debug for JwksSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The rest of the address may hold a key.
        let host = self.url.host_str();
        f.debug_struct("JwksSettings")
            .field("host", &host)
            .field("claims", &self.claims)
            .finish_non_exhaustive()
    }
}

impl AuthSettings {
    /// The secret's raw bytes.
    #[must_use]
    pub fn secret_bytes(&self) -> Option<&[u8]> {
        Some(self.secret.as_ref()?.expose_secret().as_bytes())
    }

    /// The source of the key set, if one is configured. Fails if TLS cannot be set up on this machine.
    pub fn key_source(&self) -> Result<Option<Box<dyn KeySource>>, reqwest::Error> {
        let Some(JwksSettings { url, .. }) = &self.jwks else { return Ok(None) };
        Ok(Some(Box::new(HttpKeySource::new(url.clone())?)))
    }

    /// The configured verifiers, and the published keys among them, which a background task has to keep fresh.
    #[must_use]
    pub fn verifiers(&self, source: Option<Box<dyn KeySource>>) -> (Verifiers, Option<Arc<PublishedKeys>>) {
        let secret = self.secret_bytes().map(|secret| SharedSecret::new(secret, self.claims.clone()));
        let keys = self.jwks.as_ref().zip(source).map(|(JwksSettings { refresh, claims, .. }, source)| {
            Arc::new(PublishedKeys::new(source, claims.clone(), *refresh))
        });
        (Verifiers::new(secret, keys.clone()), keys)
    }
}

/// Reads the settings; `None` if neither way is configured, or a value is invalid.
pub(crate) fn read(reader: &mut Reader, environment: Environment) -> Option<AuthSettings> {
    let claims = ClaimRules {
        leeway_seconds: reader.number("AUTH_LEEWAY_SECONDS", 0, 60),
        issuer: reader.parsed("AUTH_ISSUER", compared),
        audience: reader.parsed("AUTH_AUDIENCE", audience),
    };
    let refresh = Duration::from_secs(reader.number("AUTH_JWKS_REFRESH_SECONDS", 30, 86_400));
    let is_given = reader.text("AUTH_JWKS_URL").is_some() || reader.text("BETTER_AUTH_SECRET").is_some();
    if !is_given {
        let problem = "must be set, to the address where your Better Auth publishes its keys; or BETTER_AUTH_SECRET must be \
                       set, to the secret that both share";
        reader.fault("AUTH_JWKS_URL", problem);
        return None;
    }
    let secret = secret(reader);
    let jwks = reader.parsed("AUTH_JWKS_URL", |text| jwks_url(text, environment)).map(|url| {
        let origin = url.origin().ascii_serialization();
        let issuer = claims.issuer.clone().or_else(|| Some(origin.clone()));
        let audience = claims.audience.clone().or(Some(origin));
        JwksSettings { url, refresh, claims: ClaimRules { issuer, audience, ..claims } }
    });
    Some(AuthSettings { secret, claims, jwks })
}

fn secret(reader: &mut Reader) -> Option<SecretString> {
    // Better Auth uses the variable as it is, white space included, so this must do the same.
    let secret = reader.exact_text("BETTER_AUTH_SECRET")?;
    if secret.len() < MIN_SECRET_BYTES {
        let problem = format!("must have at least {MIN_SECRET_BYTES} bytes; it has {}", secret.len());
        reader.fault("BETTER_AUTH_SECRET", problem);
    }
    Some(secret.into())
}

/// One audience. Two in one text would be a third one, which no token is for.
fn audience(text: &str) -> Result<String, String> {
    if text.contains(',') && Url::parse(text).is_err()
        || text.split(',').filter(|part| part.contains("://")).count() > 1
    {
        return Err("must be one audience: the service is one, and takes the tokens that name it, whichever others they name \
                    too"
            .to_owned());
    }
    compared(text)
}

/// The problem never repeats the address, which may hold a password.
fn jwks_url(text: &str, environment: Environment) -> Result<Url, String> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let url = url.ok_or("must be the whole address of the key set, with https://")?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not have a user or a password in it".to_owned());
    }
    if url.fragment().is_some() {
        return Err("must not have a fragment (#) in it".to_owned());
    }
    if environment == Environment::Production && url.scheme() != "https" {
        return Err("must use https in production: an attacker who changes the keys can sign in as any user"
            .to_owned());
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{about, reader::InvalidSettings, testing};

    const URL: &str = "https://App.example.com:443/api/auth/jwks";
    const ORIGIN: &str = "https://app.example.com";
    const SECRET: &str = "an-s3cret-of-thirty-two-characters";

    fn with(variables: &[(&str, &str)]) -> Result<AuthSettings, InvalidSettings> {
        testing::read(variables, |reader| {
            let environment = about::read(reader).environment;
            read(reader, environment)
        })
        .map(|settings| settings.expect("no fault was noted"))
    }

    fn problem(variables: &[(&str, &str)]) -> String {
        let faults = with(variables).unwrap_err().faults;
        assert_eq!(faults.len(), 1, "{faults:?}");
        format!("{} {}", faults[0].variable, faults[0].problem)
    }

    #[test]
    fn several_audiences_in_one_text_are_refused() {
        for text in ["a,b", "https://a.example,https://b.example"] {
            let problem = problem(&[("AUTH_JWKS_URL", URL), ("AUTH_AUDIENCE", text)]);
            assert!(problem.starts_with("AUTH_AUDIENCE must be one audience"), "{problem}");
        }
        let with_comma = with(&[("AUTH_JWKS_URL", URL), ("AUTH_AUDIENCE", "https://a.example/x,y")]).unwrap();
        assert_eq!(with_comma.claims.audience.as_deref(), Some("https://a.example/x,y"));
    }

    #[test]
    fn one_address_is_enough_and_its_origin_is_issuer_and_audience() {
        let auth = with(&[("AUTH_JWKS_URL", URL)]).unwrap();
        assert!(auth.secret.is_none());
        let jwks = auth.jwks.unwrap();
        assert_eq!(jwks.url.as_str(), "https://app.example.com/api/auth/jwks");
        assert_eq!(jwks.refresh, Duration::from_mins(10));
        assert_eq!(
            (jwks.claims.issuer.as_deref(), jwks.claims.audience.as_deref()),
            (Some(ORIGIN), Some(ORIGIN))
        );
    }

    #[test]
    fn issuer_and_audience_may_be_others() {
        let auth =
            with(&[("AUTH_JWKS_URL", URL), ("AUTH_ISSUER", "me"), ("AUTH_AUDIENCE", "tasks")]).unwrap();
        let claims = auth.jwks.unwrap().claims;
        assert_eq!((claims.issuer.as_deref(), claims.audience.as_deref()), (Some("me"), Some("tasks")));
    }

    #[test]
    fn with_both_ways_tokens_of_the_secret_need_no_issuer() {
        let auth = with(&[("AUTH_JWKS_URL", URL), ("BETTER_AUTH_SECRET", SECRET)]).unwrap();
        assert_eq!(auth.secret_bytes(), Some(SECRET.as_bytes()));
        assert_eq!((auth.claims.issuer, auth.claims.audience), (None, None));
        assert!(auth.jwks.is_some());
    }

    #[test]
    fn one_of_the_ways_must_be_configured() {
        let problem = problem(&[]);
        assert!(problem.starts_with("AUTH_JWKS_URL must be set"), "{problem}");
        assert!(problem.contains("or BETTER_AUTH_SECRET must be set"), "{problem}");
    }

    #[test]
    fn a_key_set_needs_https_in_production() {
        let plain = ("AUTH_JWKS_URL", "http://localhost:3000/api/auth/jwks");
        assert!(with(&[plain]).is_ok());
        assert!(with(&[plain, ("ENVIRONMENT", "staging")]).is_ok());
        let problem = problem(&[plain, ("ENVIRONMENT", "production")]);
        assert!(problem.contains("https in production"), "{problem}");
    }

    #[test]
    fn an_invalid_address_is_explained_and_not_repeated() {
        for address in [
            "app.example.com/hunter2",
            "ftp://a/hunter2",
            "https://",
            "https://me:hunter2@a/jwks",
            "https://a/#hunter2",
        ] {
            let problem = problem(&[("AUTH_JWKS_URL", address)]);
            assert!(problem.starts_with("AUTH_JWKS_URL must") && !problem.contains("hunter2"), "{problem}");
        }
        let problem = problem(&[("AUTH_JWKS_URL", URL), ("AUTH_JWKS_REFRESH_SECONDS", "29")]);
        assert!(problem.contains("from 30 to 86400"), "{problem}");
    }
}
