//! The algorithms of published keys, and their names.

use jsonwebtoken::Algorithm;

/// The algorithm of that name, in the header of a token or in a key. What RFC 9864 calls Ed25519 is `EdDSA` with the one
/// curve that is used here.
pub(crate) fn by_name(name: &str) -> Option<Algorithm> {
    match name {
        "EdDSA" | "Ed25519" => Some(Algorithm::EdDSA),
        "ES256" => Some(Algorithm::ES256),
        "RS256" => Some(Algorithm::RS256),
        "PS256" => Some(Algorithm::PS256),
        _ => None,
    }
}

/// The name that the service reports.
pub(crate) fn name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::ES256 => "ES256",
        Algorithm::RS256 => "RS256",
        Algorithm::PS256 => "PS256",
        _ => "EdDSA",
    }
}
