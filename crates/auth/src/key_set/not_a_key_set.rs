//! What an answer is that is not a key set.

use std::fmt;

use task_support::json::InvalidJson;

/// What an answer is instead of a key set, as far as it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAKeySet {
    /// It is empty.
    Empty,
    /// It is packed with gzip, which was not asked for.
    Compressed,
    /// It is in UTF-16, as some editors and shells write files.
    Utf16,
    /// It is a page for a browser.
    Page,
    /// It is the configuration of `OpenID` Connect, which says where the set is.
    OpenIdConfiguration,
    /// It is a key that is in no set.
    SingleKey,
    /// It is JSON that two readers may read differently, or none.
    Malformed(InvalidJson),
    /// It is anything else.
    Other,
}

impl NotAKeySet {
    /// `fault`: why it cannot be read as JSON, if that is so.
    pub(super) fn of(body: &[u8], fault: Option<InvalidJson>) -> Self {
        let has = |text: &str| body.windows(text.len()).any(|window| window == text.as_bytes());
        match body.trim_ascii_start() {
            [] => Self::Empty,
            [0x1f, 0x8b, ..] => Self::Compressed,
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, b'{', ..] | [b'{', 0, ..] => Self::Utf16,
            [b'<', ..] => Self::Page,
            _ if has("\"jwks_uri\"") => Self::OpenIdConfiguration,
            _ if has("\"kty\"") && !has("\"keys\"") => Self::SingleKey,
            [b'{', ..] => fault.map_or(Self::Other, Self::Malformed),
            _ => Self::Other,
        }
    }
}

impl fmt::Display for NotAKeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "nothing",
            Self::Compressed => "compressed, which was not asked for,",
            Self::Utf16 => "in UTF-16",
            Self::Page => "an HTML page",
            Self::OpenIdConfiguration => "an OpenID configuration",
            Self::SingleKey => "a single key",
            Self::Malformed(fault) => return write!(f, "malformed JSON ({fault})"),
            Self::Other => "something else",
        })
    }
}
