//! A value in a message.

use url::Url;

/// The longest value that is repeated.
const LONGEST: usize = 100;

/// A value, or an entry of the value `whole`, in quotation marks. What may be an address with a password or a key in it, in
/// the wrong variable perhaps, is not repeated.
pub(crate) fn quoted(text: &str, whole: &str) -> String {
    let is_address =
        || Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let may_be_secret = text.len() > LONGEST
        || whole.contains(['@', '?', '#', '%', '\\'])
        || (text.contains("//") && !is_address());
    if may_be_secret {
        "what is set (it is not repeated, because it may hold a secret)".to_owned()
    } else {
        format!("{text:?}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_may_hold_a_secret_is_not_repeated() {
        for plain in ["", "http", "10.0.0.0/33", "loud=very", "https://a.example/x", "127.0.0.1:x", "a b"] {
            assert_eq!(quoted(plain, plain), format!("{plain:?}"));
        }
        let long = "x".repeat(101);
        for secret in [
            "https://u:hunter2@a.example",
            "https://a.example/?key=hunter2",
            "postgres://u:hunter2",
            "https://u:hunter2",
            "//u:hunter2",
            "hunter2%21",
            &long,
        ] {
            let shown = quoted(secret, secret);
            assert!(!shown.contains("hunter2") && !shown.contains("xxxx"), "{shown}");
        }
        assert!(!quoted("https://u:80", "https://u:80,0@a.example").contains("80"), "an entry of a password");
    }
}
