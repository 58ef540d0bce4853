use crate::task::command::TaskOutcome;

/// The client's name for a request that it may repeat safely: 1 to [`IdempotencyKey::MAX_CHARS`] visible ASCII characters
/// (`docs/api.md`, "Idempotency").
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The greatest length, in characters.
    pub const MAX_CHARS: usize = 255;

    /// Takes visible ASCII characters (0x21 to 0x7E); `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=Self::MAX_CHARS).contains(&text.len());
        (fits && text.bytes().all(|byte| byte.is_ascii_graphic())).then(|| Self(text.to_owned()))
    }

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A digest of everything in which a repeated request must equal the first one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; 32]);

/// A request that may be repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotentRequest {
    /// The client's name for it.
    pub key: IdempotencyKey,
    /// The digest of what it asks for.
    pub fingerprint: Fingerprint,
}

/// An answer in the form in which it is stored. Only the code that wrote it reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt(pub Vec<u8>);

/// Turns an outcome into the answer that is stored.
#[derive(Clone, Copy, Debug)]
pub struct ReceiptWriter(pub fn(&TaskOutcome) -> Receipt);

/// What happened to a request that may be a repeated one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replay {
    /// It was carried out now, and this is its answer.
    First(Receipt),
    /// It was carried out before, and this was its answer.
    Again(Receipt),
    /// An equal request is being carried out at this moment.
    InProgress,
    /// The client used its key for another request.
    Mismatch,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_visible_ascii_of_bounded_length() {
        let longest = "~".repeat(IdempotencyKey::MAX_CHARS);
        for text in ["a", "!", "8e03978e-40d5-43dd-bc93-6894a57f9324", "\"quoted\"", &longest] {
            assert_eq!(IdempotencyKey::parse(text).unwrap().as_str(), text);
        }
        let too_long = "a".repeat(IdempotencyKey::MAX_CHARS + 1);
        for text in ["", " ", "a b", "a\t", "é", "\u{7f}", "a\0", &too_long] {
            assert_eq!(IdempotencyKey::parse(text), None, "{text:?}");
        }
    }
}
