//! Why a token is refused, in sentences that help the developer and reveal nothing to an attacker.

use std::borrow::Cow;

/// Why a token is refused. The sentences repeat nothing of the token and reveal nothing of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.detail())]
pub enum Refusal {
    /// There is no `Authorization` header.
    Missing,
    /// The header is repeated, or is not `Bearer`, one space, and a token.
    Header,
    /// The token is not a signed JWT in compact form.
    Malformed,
    /// The token is a session token of Better Auth's `bearer()` plugin, which is not a JWT.
    SessionToken,
    /// The token is a session that Better Auth keeps in a cookie, as a JWT that is not for APIs.
    SessionCookie,
    /// The `typ` in the header is not JWT.
    Type,
    /// The header demands an extension (RFC 7515, section 4.1.11); none is supported.
    Critical,
    /// The algorithm is not enabled, or the key does not serve it.
    Algorithm,
    /// The key is not in the key set.
    UnknownKey,
    /// The signature is not valid.
    Signature,
    /// There is no usable `sub`.
    Subject,
    /// `exp` is missing, or a time is not a number.
    Times,
    /// The token has expired.
    Expired,
    /// The token is not valid yet.
    NotYetValid,
    /// The issuer is not the configured one.
    Issuer,
    /// The audience is not the configured one.
    Audience,
}

impl Refusal {
    /// All refusals.
    pub const ALL: [Self; 16] = [
        Self::Missing,
        Self::Header,
        Self::Malformed,
        Self::SessionToken,
        Self::SessionCookie,
        Self::Type,
        Self::Critical,
        Self::Algorithm,
        Self::UnknownKey,
        Self::Signature,
        Self::Subject,
        Self::Times,
        Self::Expired,
        Self::NotYetValid,
        Self::Issuer,
        Self::Audience,
    ];

    /// One sentence for people, in the characters that `error_description` allows (RFC 6750, section 3).
    #[must_use]
    pub fn detail(self) -> &'static str {
        match self {
            Self::Missing => "Send a token: `Authorization: Bearer <JWT>`.",
            Self::Header => {
                "The Authorization header must be sent once, as `Bearer`, one space and the token."
            }
            Self::Malformed => "The token is not a well-formed signed JWT.",
            Self::SessionToken => {
                "This is a session token: send the JWT that Better Auth gives at /api/auth/token."
            }
            Self::SessionCookie => {
                "This is a cached session: send the JWT that Better Auth gives at /api/auth/token."
            }
            Self::Type => "The `typ` of the token is not JWT.",
            Self::Critical => "The token has a `crit` header, and no extension of tokens is supported.",
            Self::Algorithm => "The token is signed with an algorithm that is not enabled here.",
            Self::UnknownKey => "The token is signed with a key that is not in the issuer's key set.",
            Self::Signature => "The signature of the token is not valid here.",
            Self::Subject => "The token has no usable subject (`sub`).",
            Self::Times => {
                "The token must have a numeric `exp`, and `nbf` must be a number if it is present."
            }
            Self::Expired => "The token has expired (`exp`).",
            Self::NotYetValid => "The token is not valid yet (`nbf`).",
            Self::Issuer => "The token is from another issuer (`iss`).",
            Self::Audience => "The token is for another audience (`aud`).",
        }
    }

    /// The value of `WWW-Authenticate` (RFC 6750, section 3): the scheme alone if the request had no `Authorization` header.
    #[must_use]
    pub fn challenge(self) -> Cow<'static, str> {
        if self == Self::Missing {
            return Cow::Borrowed("Bearer");
        }
        Cow::Owned(format!(r#"Bearer error="invalid_token", error_description="{}""#, self.detail()))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_refusal_has_a_sentence_of_its_own() {
        let details: HashSet<_> = Refusal::ALL.map(|refusal| refusal.to_string()).into();
        assert_eq!(details.len(), Refusal::ALL.len());
    }

    #[test]
    fn a_challenge_names_an_error_only_if_a_header_was_sent() {
        assert_eq!(Refusal::Missing.challenge(), "Bearer");
        for refusal in Refusal::ALL.into_iter().filter(|refusal| *refusal != Refusal::Missing) {
            let expected =
                format!(r#"Bearer error="invalid_token", error_description="{}""#, refusal.detail());
            assert_eq!(refusal.challenge(), expected.as_str());
        }
    }

    #[test]
    fn a_description_has_only_the_characters_of_rfc_6750() {
        for refusal in Refusal::ALL {
            let allowed = |byte: u8| matches!(byte, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e);
            assert!(refusal.detail().bytes().all(allowed), "{refusal:?}");
        }
    }
}
