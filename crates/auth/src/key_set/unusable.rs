//! Why a key of a set is not used.

/// The most characters of a name in the set that are repeated.
const MAX_NAME: usize = 24;

/// Why a key is not used, in one sentence that begins in its middle.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// It is not a JSON object.
    #[error("it is not an object")]
    NotAnObject,
    /// It has a member that only the signer may know.
    #[error("it is secret, and every reader of the set can sign with it: replace it at once")]
    Secret,
    /// Its `use` is another one.
    #[error("it is not for signatures: its `use` is not `sig`")]
    Use,
    /// Its `key_ops` are others.
    #[error("it is not for signatures: its `key_ops` do not list `verify`")]
    Operations,
    /// Its `kid` cannot be named by a token.
    #[error("its `kid` is not a string")]
    KeyId,
    /// It is of a kind that is not known here, such as `secp256k1`.
    #[error("its kind is {0}, and none of Ed25519, P-256 and RSA")]
    Kind(String),
    /// Its `alg` is not known here, or does not fit its kind.
    #[error(
        "its algorithm is {name}, which is none of EdDSA, ES256, RS256 and PS256, or does not fit its kind"
    )]
    Algorithm {
        /// The name.
        name: String,
        /// Whether it encrypts, as issuers need for purposes of their own.
        encrypts: bool,
    },
    /// It lacks a member.
    #[error("it lacks `{0}`")]
    Missing(&'static str),
    /// Its certificate would say what it lacks. RFC 7517, section 4.7, has the certificate beside the members and not in
    /// their place.
    #[error("it lacks `{0}`, and a certificate (`x5c`) does not take its place")]
    OnlyCertificate(&'static str),
    /// A member cannot be decoded.
    #[error("its `{0}` is not base64url")]
    Encoding(&'static str),
    /// A member has too many or too few octets.
    #[error("its `{member}` must have {expected} octets, and has {found}")]
    Length {
        /// The member.
        member: &'static str,
        /// How many are needed.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// It is not on its curve, or any signature would do for it.
    #[error("it is no point of its curve that can verify a signature")]
    Point,
    /// It is too short or too long: RFC 7518, section 3.3, and the cryptography library.
    #[error("an RSA key must have 2048 to 8192 bits, and it has {0}")]
    Bits(usize),
    /// Nothing can be verified with its numbers.
    #[error("it is no RSA key: `n` and `e` must be odd, and `e` at least 3 and at most 33 bits long")]
    Numbers,
    /// Tokens could mean either.
    #[error("another key before it has the same `kid` and algorithm")]
    Repeated,
    /// The set is too large.
    #[error("there are a hundred before it, which is the most")]
    TooMany,
}

impl Unusable {
    /// Whether the set makes a secret public.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        *self == Self::Secret
    }

    /// Whether the issuer does not sign with it either, so that it is as it should be.
    #[must_use]
    pub fn is_for_another_purpose(&self) -> bool {
        matches!(self, Self::Use | Self::Operations | Self::Algorithm { encrypts: true, .. })
    }

    pub(super) fn kind(name: Option<&str>) -> Self {
        Self::Kind(shown(name))
    }

    pub(super) fn algorithm(name: Option<&str>) -> Self {
        let encrypts = name.is_some_and(|name| {
            ["RSA-OAEP", "RSA1_5", "ECDH-ES"].iter().any(|begin| name.starts_with(begin))
        });
        Self::Algorithm { name: shown(name), encrypts }
    }
}

/// The name, if it looks like one. The set may have been written by an attacker, and this text goes to a terminal.
fn shown(name: Option<&str>) -> String {
    let is_name = |name: &&str| {
        (1..=MAX_NAME).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_+.".contains(&byte))
    };
    name.filter(is_name).unwrap_or("unknown").to_owned()
}
