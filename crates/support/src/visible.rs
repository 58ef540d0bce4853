/// The text with its invisible characters escaped, so that a text from elsewhere can neither control a terminal nor look like
/// another one.
#[must_use]
pub fn visible(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '"' | '\\' | '\'' => character.to_string(),
            other => other.escape_debug().to_string(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_controls_the_terminal() {
        assert_eq!(visible("role \"x\"\u{7}\r\n"), r#"role "x"\u{7}\r\n"#);
        assert_eq!(visible("a\u{1b}[31m\u{202e}\u{200b}\\'日"), r"a\u{1b}[31m\u{202e}\u{200b}\'日");
    }
}
