//! A token taken apart as far as it goes. What is said here is for people; the service's own parser decides.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::Value;
use task_support::json::{self, Object};

use super::kind;
use crate::doctor::report::Finding;

/// The header and the claims of a token that has both.
pub(super) struct Parts {
    pub(super) header: Object,
    pub(super) claims: Object,
}

impl Parts {
    /// Takes a token apart, or says why that cannot be done.
    pub(super) fn of(token: &str) -> Result<Self, Finding> {
        let parts: Vec<&str> = token.split('.').collect();
        let [header, claims, _] = parts[..] else { return Err(kind::no_jwt(token, parts.len())) };
        if token.contains(char::is_whitespace) {
            let advice = "Copy it as one line, or pipe it in.";
            return Err(Finding::problem(
                "token",
                "there is white space or a line break in the middle",
                advice,
            ));
        }
        Ok(Self { header: decode("header", header)?, claims: decode("claims", claims)? })
    }

    /// The algorithm that the header names.
    pub(super) fn algorithm(&self) -> Option<&str> {
        self.header.get("alg").and_then(Value::as_str)
    }

    /// The key that the header names.
    pub(super) fn key_id(&self) -> Option<&str> {
        self.header.get("kid").and_then(Value::as_str)
    }
}

fn decode(name: &str, part: &str) -> Result<Object, Finding> {
    let damaged = |why: String| {
        let advice = "It was changed or cut on its way, or whoever makes it does it by hand. Copy it anew; make tokens with a \
                      library, such as the `jwt()` plugin.";
        Finding::problem("token", format!("it is not a well-formed JWT: its {name} {why}"), advice)
    };
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| {
        damaged(if part.contains(['=', '+', '/']) {
            "has a character (= + /) of base64, and base64url without padding is needed".to_owned()
        } else {
            "is not base64url".to_owned()
        })
    })?;
    json::parse_object(&bytes).map_err(|error| damaged(format!("is no JSON object: {error}")))
}
