//! Findings about header, algorithm, key and signature.

use serde_json::Value;

use crate::doctor::{
    report::Finding,
    shown,
    token::{facts::Facts, parts::Parts},
};

/// The most keys that are listed.
const MAX_LISTED: usize = 10;

/// The algorithms of published keys, as tokens name them.
const KEY_ALGORITHMS: [&str; 5] = ["EdDSA", "Ed25519", "ES256", "RS256", "PS256"];

/// A `typ` that is not JWT.
pub(super) fn wrong_type(parts: &Parts) -> Finding {
    let kind = parts.header.get("typ").map_or_else(String::new, shown::value);
    Finding::problem(
        "token type",
        format!("`typ` in its header is {kind}, but must be JWT or absent"),
        "This is a token of another kind, such as an access token of OAuth. Send the one of `GET /api/auth/token`, or let \
         its issuer omit `typ`.",
    )
}

/// A `crit` header.
pub(super) fn critical(parts: &Parts) -> Finding {
    let crit = parts.header.get("crit").map_or_else(String::new, shown::value);
    let found = format!("its header demands an extension (`crit`: {crit}), but none is supported");
    Finding::problem("token", found, "Let the issuer of the token omit `crit`.")
}

/// A fault outside of header and claims.
pub(super) fn malformed(parts: &Parts) -> Finding {
    let advice = "Copy the whole token again; make tokens with a library, such as the `jwt()` plugin.";
    let found = match parts.header.get("kid") {
        Some(kid) if !kid.is_string() => {
            format!("`kid` in its header is {}, but must be a string", shown::value(kid))
        }
        _ => "its signature is no base64url, or has the wrong length: it was cut or changed on its way"
            .to_owned(),
    };
    Finding::problem("token", found, advice)
}

/// An algorithm that is not enabled, or that the key does not serve.
pub(super) fn algorithm(parts: &Parts, facts: &Facts<'_>) -> Finding {
    let Some(algorithm) = parts.algorithm() else {
        let found = "its header has no `alg` that is a string";
        let advice = "Make tokens with a library, such as the `jwt()` plugin.";
        return Finding::problem("token algorithm", found, advice);
    };
    let (found, advice) = match algorithm {
        "HS256" => (
            "it is signed with a shared secret (HS256), but none is configured: BETTER_AUTH_SECRET is not set".to_owned(),
            "Send the token of `GET /api/auth/token` of the stock `jwt()` plugin, which is signed with a published key. Or \
             set BETTER_AUTH_SECRET to the secret of the issuer.",
        ),
        name if KEY_ALGORITHMS.contains(&name) => key_of_another_algorithm(name, parts, facts),
        other => never_enabled(other),
    };
    Finding::problem("token algorithm", found, advice)
}

/// An algorithm of published keys, without a key set or with a key that serves another algorithm.
fn key_of_another_algorithm(algorithm: &str, parts: &Parts, facts: &Facts<'_>) -> (String, &'static str) {
    let Some(keys) = facts.key_set() else {
        return (
            format!("it is signed with a published key ({algorithm}), but no key set is configured"),
            "Set AUTH_JWKS_URL to the address of Better Auth's keys, such as \
             `AUTH_JWKS_URL=https://app.example.com/api/auth/jwks`.",
        );
    };
    let named = keys.ids_and_algorithms().find(|(id, _)| *id == parts.key_id());
    let served = named.map_or("another", |(_, served)| served);
    (
        format!("`alg` is {algorithm}, but the key that it names serves {served}"),
        "A key serves one algorithm. The token and the key set are not from the same Better Auth, or its \
         `jwks.keyPairConfig.alg` was changed while a key kept its id: make new keys.",
    )
}

/// An algorithm that no setting enables.
fn never_enabled(algorithm: &str) -> (String, &'static str) {
    let name = shown::quoted(algorithm);
    if algorithm.eq_ignore_ascii_case("none") {
        return (
            format!("`alg` is {name}: it is not signed, so anyone could have made it"),
            "No setting allows that. Send the token of `GET /api/auth/token`.",
        );
    }
    let known = KEY_ALGORITHMS.iter().chain(&["HS256"]).find(|known| known.eq_ignore_ascii_case(algorithm));
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
    let names = keys.iter().take(MAX_LISTED).map(|(id, algorithm)| {
        format!("{} ({algorithm})", id.map_or_else(|| "one without `kid`".to_owned(), shown::quoted))
    });
    let mut set = names.collect::<Vec<_>>().join(", ");
    if keys.len() > MAX_LISTED {
        set.push_str(", and more");
    }
    let Some(id) = parts.key_id() else {
        let found = format!(
            "it names no key (`kid`), and the set does not have exactly one key of its algorithm: {set}"
        );
        return Finding::problem(
            "token key",
            found,
            "Let the issuer put the `kid` of the key into the header.",
        );
    };
    let issuer = parts.claims.get("iss").map_or_else(|| "no issuer".to_owned(), shown::value);
    Finding::problem(
        "token key",
        format!("its key {} is not in the set, which has {set}", shown::quoted(id)),
        format!(
            "AUTH_JWKS_URL must name the key set of the Better Auth that made the token: the token says it is from \
             {issuer}. If it is the same one, its database may have been created anew since: fetch a new token."
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
    let issuer = parts.claims.get("iss").map_or_else(|| "no issuer".to_owned(), shown::value);
    Finding::problem(
        "token signature",
        format!("it was not made with {key} of the set"),
        format!(
            "Either the token was changed or cut on its way, or it is from another Better Auth with a key of the same id, \
             such as that of another environment with a copy of the database. The token says it is from {issuer}."
        ),
    )
}
