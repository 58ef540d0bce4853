//! Splits and decodes a token for the report. The parser of the service decides whether the token is valid.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::Value;
use task_support::json::{self, Object};

use crate::doctor::{report::Finding, token::kind};

/// The header and the claims of a token that has both.
pub(super) struct Parts {
    pub(super) header: Object,
    pub(super) claims: Object,
}

impl Parts {
    /// Splits and decodes a token, or explains why that fails.
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
        let advice = "It was changed or cut on its way, or was not made by a library. Copy it again; make tokens with a library, \
                      such as the `jwt()` plugin.";
        Finding::problem("token", format!("it is not a well-formed JWT: its {name} {why}"), advice)
    };
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| {
        damaged(if part.contains(['=', '+', '/']) {
            "has a character (= + /) of base64, but must be base64url without padding".to_owned()
        } else {
            "is not base64url".to_owned()
        })
    })?;
    json::parse_object(&bytes).map_err(|error| damaged(format!("is no JSON object: {error}")))
}
