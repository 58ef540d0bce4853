//! What the contract says of a token that is signed rightly: "Who may do what".

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value};
use task_api::parsers::object as parse_object;

use crate::token::issuer::Signed;

type Object = Map<String, Value>;

/// A time of the token is so close to now that the answer depends on when it is asked for.
#[derive(Debug)]
pub(super) struct TooClose;

/// Whom the token is of, if it is to be believed.
pub(super) fn user(signed: Signed, header: &[u8], claims: &[u8]) -> Result<Option<String>, TooClose> {
    let (Ok(header), Ok(claims)) = (parse_object(header), parse_object(claims)) else { return Ok(None) };
    let in_time = is_in_time(&claims)?;
    let user = claims.get("sub").and_then(Value::as_str).filter(|user| is_user(user));
    Ok(user.filter(|_| in_time && is_header(signed, &header)).map(str::to_owned))
}

fn is_header(signed: Signed, header: &Object) -> bool {
    if header.contains_key("crit") || header.get("alg") != Some(&Value::from(signed.algorithm())) {
        return false;
    }
    match signed {
        Signed::WithSecret => true,
        Signed::WithKey => {
            let is_jwt = |kind: &Value| kind.as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("jwt"));
            header.get("kid").is_none_or(|id| id == "1") && header.get("typ").is_none_or(is_jwt)
        }
    }
}

fn is_in_time(claims: &Object) -> Result<bool, TooClose> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let time = |name| claims.get(name).and_then(Value::as_f64);
    if ["exp", "nbf"].into_iter().filter_map(time).any(|time| (time - now).abs() < 60.0) {
        return Err(TooClose);
    }
    let expires_later = time("exp").is_some_and(|time| time > now);
    Ok(expires_later && (!claims.contains_key("nbf") || time("nbf").is_some_and(|time| time < now)))
}

/// 1 to 255 scalar values, no control character, neither a dot segment nor only white space.
fn is_user(text: &str) -> bool {
    (1..=255).contains(&text.chars().count())
        && !text.chars().any(char::is_control)
        && !text.chars().all(char::is_whitespace)
        && !matches!(text, "." | "..")
}
