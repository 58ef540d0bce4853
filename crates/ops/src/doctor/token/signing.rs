//! Header, algorithm, key and signature.

use serde_json::Value;

use super::{Facts, parts::Parts};
use crate::doctor::{report::Finding, shown};

/// How many ids of keys are listed.
const MANY: usize = 10;

const OF_KEYS: [&str; 4] = ["EdDSA", "ES256", "RS256", "PS256"];

/// A `typ` that is not JWT.
pub(super) fn wrong_type(parts: &Parts) -> Finding {
    let kind = parts.header.get("typ").map_or_else(String::new, shown::value);
    Finding::problem(
        "token type",
        format!("`typ` in its header is {kind}, and a token with `typ` JWT, or without any, is needed"),
        "This is a token of another kind, such as an access token of OAuth. Send the one of `GET /api/auth/token`, or let \
         whoever makes it leave `typ` out.",
    )
}

/// A `crit` header.
pub(super) fn critical(parts: &Parts) -> Finding {
    let crit = parts.header.get("crit").map_or_else(String::new, shown::value);
    let found = format!("its header demands an extension (`crit`: {crit}), and none is supported");
    Finding::problem("token", found, "Let whoever makes the token leave `crit` out.")
}

/// What cannot be read although header and claims can.
pub(super) fn malformed(parts: &Parts) -> Finding {
    let advice = "Copy it whole and anew; make tokens with a library, such as the `jwt()` plugin.";
    let found = match parts.header.get("kid") {
        Some(kid) if !kid.is_string() => {
            format!("`kid` in its header is {}, and has to be a text", shown::value(kid))
        }
        _ => "its signature is no base64url, or has not the length of one: it was cut or changed on its way"
            .to_owned(),
    };
    Finding::problem("token", found, advice)
}

/// An algorithm that is not enabled, or that the key does not serve.
pub(super) fn algorithm(parts: &Parts, facts: &Facts<'_>) -> Finding {
    let Some(algorithm) = parts.algorithm() else {
        let found = "its header has no `alg` that is a text";
        let advice = "Make tokens with a library, such as the `jwt()` plugin.";
        return Finding::problem("token algorithm", found, advice);
    };
    let (found, advice) = match algorithm {
        "HS256" => (
            "it is signed with a shared secret (HS256), and none is configured: BETTER_AUTH_SECRET is not set".to_owned(),
            "Send the token of `GET /api/auth/token` of the stock `jwt()` plugin, which is signed with a published key. Or \
             set BETTER_AUTH_SECRET to the secret of whoever makes the token.",
        ),
        of_key if OF_KEYS.contains(&of_key) => of_another_key(of_key, parts, facts),
        other => never_enabled(other),
    };
    Finding::problem("token algorithm", found, advice)
}

/// An algorithm of published keys, where there are none or where the key of that id serves another one.
fn of_another_key(algorithm: &str, parts: &Parts, facts: &Facts<'_>) -> (String, &'static str) {
    let Some(keys) = facts.key_set() else {
        return (
            format!("it is signed with a published key ({algorithm}), and no key set is configured"),
            "Set AUTH_JWKS_URL to the address of Better Auth's keys, such as \
             `AUTH_JWKS_URL=https://app.example.com/api/auth/jwks`.",
        );
    };
    let of_id = keys.ids_and_algorithms().find(|(id, _)| *id == parts.key_id());
    let served = of_id.map_or("another", |(_, served)| served);
    (
        format!("`alg` is {algorithm}, and the key that it names serves {served}"),
        "A key serves one algorithm. The token and the key set are not from the same Better Auth, or its \
         `jwks.keyPairConfig.alg` was changed while a key kept its id: make new keys.",
    )
}

/// An algorithm that nothing enables.
fn never_enabled(algorithm: &str) -> (String, &'static str) {
    let name = shown::quoted(algorithm);
    if algorithm.eq_ignore_ascii_case("none") {
        return (
            format!("`alg` is {name}: it is not signed, and anybody could have made it"),
            "No setting allows that. Send the token of `GET /api/auth/token`.",
        );
    }
    let known = OF_KEYS.iter().chain(&["HS256"]).find(|known| known.eq_ignore_ascii_case(algorithm));
    let found = match known {
        Some(known) => format!("`alg` is {name}, which has to be written {known}"),
        None => format!("it is signed with {name}, which no setting enables"),
    };
    (
        found,
        "EdDSA (the default), ES256, RS256 and PS256 of the `jwt()` plugin are accepted, see `jwks.keyPairConfig.alg` there; \
         and HS256 with BETTER_AUTH_SECRET.",
    )
}

/// A key that is not in the set, or no key at all.
pub(super) fn unknown_key(parts: &Parts, facts: &Facts<'_>) -> Finding {
    let keys: Vec<_> = facts.key_set().into_iter().flat_map(task_auth::KeySet::ids_and_algorithms).collect();
    let names = keys.iter().take(MANY).map(|(id, algorithm)| {
        format!("{} ({algorithm})", id.map_or_else(|| "one without `kid`".to_owned(), shown::quoted))
    });
    let mut set = names.collect::<Vec<_>>().join(", ");
    if keys.len() > MANY {
        set.push_str(", and more");
    }
    let Some(id) = parts.key_id() else {
        let found =
            format!("it names no key (`kid`), and not exactly one key of the set fits its algorithm: {set}");
        return Finding::problem(
            "token key",
            found,
            "Let whoever makes the token put the key's `kid` into the header.",
        );
    };
    let issuer = parts.claims.get("iss").map_or_else(|| "nobody".to_owned(), shown::value);
    Finding::problem(
        "token key",
        format!("its key {} is not in the set, which has {set}", shown::quoted(id)),
        format!(
            "AUTH_JWKS_URL has to name the key set of the Better Auth that made the token: the token says it is from \
             {issuer}. Where it is the same one, its database may have been made anew since: fetch a new token."
        ),
    )
}

/// A signature that does not fit the key of that id.
pub(super) fn wrong_key(parts: &Parts) -> Finding {
    let id = parts.header.get("kid").and_then(Value::as_str);
    let key = id.map_or_else(
        || "the only key of its algorithm".to_owned(),
        |id| format!("the key {}", shown::quoted(id)),
    );
    let issuer = parts.claims.get("iss").map_or_else(|| "nobody".to_owned(), shown::value);
    Finding::problem(
        "token signature",
        format!("it was not made with {key} of the set"),
        format!(
            "Either the token was changed or cut on its way, or it is from another Better Auth with a key of the same id, \
             such as that of another environment with a copy of the database. The token says it is from {issuer}."
        ),
    )
}
