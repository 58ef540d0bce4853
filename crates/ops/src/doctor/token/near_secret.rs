//! Explains a signature that does not fit the secret: perhaps it was made with a slightly different one.

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use task_auth::{ClaimRules, Refusal, SharedSecret, TokenVerifier, VerifyError};

use crate::doctor::report::Finding;

/// Either alphabet, padded or not.
const BASE64: [GeneralPurpose; 2] = [
    GeneralPurpose::new(&alphabet::STANDARD, FORGIVING),
    GeneralPurpose::new(&alphabet::URL_SAFE, FORGIVING),
];
const FORGIVING: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);

/// Names the variant of the secret that the token is signed with, if there is one.
pub(super) async fn wrong_secret(token: &str, secret: &[u8]) -> Finding {
    for (variant, found, advice) in variants(secret) {
        let verifier = SharedSecret::new(&variant, ClaimRules::default());
        let refused = [Refusal::Signature, Refusal::Malformed].map(VerifyError::Refused);
        if !variant.is_empty() && !verifier.verify(token).await.is_err_and(|error| refused.contains(&error)) {
            return Finding::problem("token signature", found, advice);
        }
    }
    let (found, mut advice) = (
        "it is signed with another secret than BETTER_AUTH_SECRET",
        "Give both programs the same BETTER_AUTH_SECRET, character by character, and restart both. Mind which .env each of \
         them reads, and that quotation marks and white space count wherever they are not removed (docker --env-file, \
         Kubernetes)."
            .to_owned(),
    );
    if has_edges(secret) {
        advice.push_str(" The value that is read here begins or ends with one of them.");
    }
    Finding::problem("token signature", found, advice)
}

/// Whether a secret begins or ends with white space or a quotation mark, which is hardly meant to be part of it.
pub(crate) fn has_edges(secret: &[u8]) -> bool {
    let is_edge = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'');
    secret.first().is_some_and(is_edge) || secret.last().is_some_and(is_edge)
}

/// A variant of the secret, with what to say and what to advise if the token is signed with it.
type Variant = (Vec<u8>, &'static str, &'static str);

fn variants(secret: &[u8]) -> Vec<Variant> {
    let trimmed = secret.trim_ascii();
    let mut all: Vec<Variant> = vec![(
        trimmed.to_vec(),
        "it is signed with BETTER_AUTH_SECRET without the white space that is around it here",
        "Remove the white space at the ends of BETTER_AUTH_SECRET.",
    )];
    all.extend(quoted(secret, trimmed));
    all.extend(["\n", "\r\n", "\r", " "].map(|end| {
        (
            [secret, end.as_bytes()].concat(),
            "it is signed with BETTER_AUTH_SECRET and white space or a line break after it",
            "Remove the white space from the secret of Better Auth, and restart it.",
        )
    }));
    all.extend(decoded(trimmed));
    all
}

/// Variants without the quotation marks that the secret has, and with those that it lacks.
fn quoted(secret: &[u8], trimmed: &[u8]) -> Vec<Variant> {
    let mut all = Vec::new();
    for quote in [b'"', b'\''] {
        if let [first, inner @ .., last] = trimmed
            && *first == quote
            && *last == quote
        {
            all.push((
                inner.to_vec(),
                "it is signed with BETTER_AUTH_SECRET without the quotation marks that are around it here",
                "Remove the quotation marks: docker --env-file and Kubernetes treat them as part of the secret.",
            ));
        }
        all.push((
            [&[quote], secret, &[quote]].concat(),
            "it is signed with BETTER_AUTH_SECRET in quotation marks",
            "Remove the quotation marks from the secret of Better Auth, and restart it.",
        ));
    }
    all
}

fn decoded(trimmed: &[u8]) -> Vec<Variant> {
    let base64 = BASE64.iter().filter_map(|base64| base64.decode(trimmed).ok());
    base64
        .chain(unhexed(trimmed))
        .map(|bytes| {
            (
                bytes,
                "it is signed with the bytes of BETTER_AUTH_SECRET decoded from base64 or hexadecimal",
                "Sign with the text of the secret as it is, without decoding it, as Better Auth does.",
            )
        })
        .collect()
}

fn unhexed(text: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(text).ok().filter(|text| text.is_ascii() && text.len() % 2 == 0)?;
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}
