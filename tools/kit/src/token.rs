//! Tokens as Better Auth issues them with a shared secret (HS256).

use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

/// Signs a token for a user that is valid from now on.
pub fn issue(secret: &str, user: &str, ttl: Duration) -> anyhow::Result<String> {
    let now =
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).context("the clock stands before 1970")?;
    let header = json!({ "typ": "JWT", "alg": "HS256" });
    let claims = json!({ "sub": user, "iat": now.as_secs(), "exp": (now + ttl).as_secs() });
    let encode = |part: &Value| BASE64_URL_SAFE_NO_PAD.encode(part.to_string());
    let signed = format!("{}.{}", encode(&header), encode(&claims));
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).context("the secret cannot be used")?;
    mac.update(signed.as_bytes());
    Ok(format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{Algorithm, DecodingKey, Validation};

    use super::*;

    #[test]
    fn a_token_names_its_user_and_its_end() {
        let secret = "0123456789abcdef0123456789abcdef";
        let token = issue(secret, "demo", Duration::from_hours(1)).unwrap();
        let key = DecodingKey::from_secret(secret.as_bytes());
        let read = jsonwebtoken::decode::<Value>(&token, &key, &Validation::new(Algorithm::HS256));
        let claims = read.unwrap().claims;
        assert_eq!(claims["sub"], "demo");
        assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 3600);
    }
}
