//! Only a token with a good signature is believed, and only where its header and claims are what the contract asks for.
//!
//! An input that begins with `?` is tried as a token. One that begins with `s` or `k` is a header and, on the next line, claims,
//! which are signed with the shared secret or with the published key. No header stands for the usual one.

mod expected;
mod issuer;

use futures_util::FutureExt as _;
use task_auth::{Identity, TokenVerifier as _};

use self::issuer::{Issuer, Signed};

thread_local! {
    static ISSUER: Issuer = Issuer::new();
}

pub(crate) fn read(input: &[u8]) -> bool {
    let Some((kind, rest)) = input.split_first() else { return false };
    ISSUER.with(|issuer| match kind {
        b'?' => std::str::from_utf8(rest).is_ok_and(|token| any_text(issuer, token)),
        b's' => signed(issuer, Signed::WithSecret, rest),
        b'k' => signed(issuer, Signed::WithKey, rest),
        _ => false,
    })
}

/// What a verifier says of a token.
fn believed(issuer: &Issuer, token: &str) -> Option<Identity> {
    // A token of an unknown key waits for a key set that is not fetched here: it is not believed.
    let _entered = issuer.runtime.enter();
    issuer.verifiers.verify(token).now_or_never()?.ok()
}

/// Whatever is believed is signed, by another judgement too.
fn any_text(issuer: &Issuer, token: &str) -> bool {
    let identity = believed(issuer, token);
    if let Some(identity) = &identity {
        assert!(issuer.has_signed(token, identity.algorithm), "{token} was believed");
    }
    identity.is_some()
}

fn signed(issuer: &Issuer, signed: Signed, input: &[u8]) -> bool {
    let mut lines = input.splitn(2, |byte| *byte == b'\n');
    let (header, claims) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let header = if header.is_empty() { signed.usual_header() } else { header };
    let token = issuer.token(signed, header, claims);
    let identity = believed(issuer, &token);
    match expected::user(signed, header, claims) {
        Ok(user) => {
            assert_eq!(identity.as_ref().map(|identity| identity.user.as_str()), user.as_deref(), "{token}");
        }
        Err(expected::TooClose) => return false,
    }
    let Some(identity) = identity else { return false };
    assert_eq!(identity.algorithm, signed.algorithm());
    assert_eq!(believed(issuer, &token), Some(identity), "it is believed again");
    changed(issuer, &token, input);
    true
}

/// Any one changed, missing or additional character spoils a token.
fn changed(issuer: &Issuer, token: &str, input: &[u8]) {
    let sum = input.iter().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(*byte)));
    let (before, after) = token.split_at(sum % token.len());
    let by = char::from(b'!' + u8::try_from(sum % 94).unwrap_or_default());
    for other in [
        format!("{before}{by}{}", &after[1..]),
        format!("{before}{}", &after[1..]),
        format!("{before}{by}{after}"),
    ] {
        if other != token {
            assert_eq!(believed(issuer, &other), None, "{other} was believed like {token}");
        }
    }
}
