//! A signature that does not fit the secret: is it one that is nearly the same?

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

/// Names the nearly right secret that a token is signed with, or else says where to look.
pub(super) async fn wrong_secret(token: &str, secret: &[u8]) -> Finding {
    for (near, found, advice) in nearly_the_same(secret) {
        let verifier = SharedSecret::new(&near, ClaimRules::default());
        let refused = [Refusal::Signature, Refusal::Malformed].map(VerifyError::Refused);
        if !near.is_empty() && !verifier.verify(token).await.is_err_and(|error| refused.contains(&error)) {
            return Finding::problem("token signature", found, advice);
        }
    }
    let (found, mut advice) = (
        "it is signed with another secret than BETTER_AUTH_SECRET",
        "Give both programs the same BETTER_AUTH_SECRET, character by character, and restart both. Mind which .env each of \
         them reads, and that quotation marks and white space count wherever they are not taken off (docker --env-file, \
         Kubernetes)."
            .to_owned(),
    );
    if has_edges(secret) {
        advice.push_str(" The value that is read here begins or ends with one of them.");
    }
    Finding::problem("token signature", found, advice)
}

/// Whether a secret begins or ends with what is hardly part of it.
pub(in crate::doctor) fn has_edges(secret: &[u8]) -> bool {
    let is_edge = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'');
    secret.first().is_some_and(is_edge) || secret.last().is_some_and(is_edge)
}

type Near = (Vec<u8>, &'static str, &'static str);

fn nearly_the_same(secret: &[u8]) -> Vec<Near> {
    let trimmed = secret.trim_ascii();
    let mut near: Vec<Near> = vec![(
        trimmed.to_vec(),
        "it is signed with BETTER_AUTH_SECRET without the white space that is around it here",
        "Take the white space at the ends of BETTER_AUTH_SECRET away.",
    )];
    for quote in [b'"', b'\''] {
        if let [first, inner @ .., last] = trimmed
            && *first == quote
            && *last == quote
        {
            near.push((
                inner.to_vec(),
                "it is signed with BETTER_AUTH_SECRET without the quotation marks that are around it here",
                "Take the quotation marks away: docker --env-file and Kubernetes take them for a part of the secret.",
            ));
        }
        near.push((
            [&[quote], secret, &[quote]].concat(),
            "it is signed with BETTER_AUTH_SECRET in quotation marks",
            "Take the quotation marks away where Better Auth gets the secret from, and restart it.",
        ));
    }
    for end in ["\n", "\r\n", "\r", " "] {
        near.push((
            [secret, end.as_bytes()].concat(),
            "it is signed with BETTER_AUTH_SECRET and white space or a line break after it",
            "Take the white space away where Better Auth gets the secret from, and restart it.",
        ));
    }
    let decoded = BASE64.iter().filter_map(|base64| base64.decode(trimmed).ok());
    for bytes in decoded.chain(unhexed(trimmed)) {
        near.push((
            bytes,
            "it is signed with what BETTER_AUTH_SECRET is when it is decoded from base64 or hexadecimal",
            "Sign with the text of the secret as it is, without decoding it: so does Better Auth.",
        ));
    }
    near
}

fn unhexed(text: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(text).ok().filter(|text| text.is_ascii() && text.len() % 2 == 0)?;
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}
