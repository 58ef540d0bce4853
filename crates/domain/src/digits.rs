//! Numbers in texts of a fixed form, where a sign or a space is a fault.

/// The value of one to nine ASCII digits; `None` for every other text.
pub(crate) fn number(text: &str) -> Option<u32> {
    let is_number = (1..=9).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { text.parse().ok() } else { None }
}

/// Takes `length` digits from the beginning of `text`.
pub(crate) fn take(text: &mut &str, length: usize) -> Option<u32> {
    let (digits, rest) = text.split_at_checked(length)?;
    *text = rest;
    number(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_made_of_ascii_digits_only() {
        assert_eq!(number("0070"), Some(70));
        assert_eq!(number("999999999"), Some(999_999_999));
        for text in ["", "+1", "-1", " 1", "1 ", "1_0", "٣", "1e3", "0x1", "1000000000"] {
            assert_eq!(number(text), None, "{text:?}");
        }
    }

    #[test]
    fn digits_are_taken_from_the_beginning() {
        let mut text = "2026-01";
        assert_eq!(take(&mut text, 4), Some(2026));
        assert_eq!(text, "-01");
        for (text, length) in [("20", 4), ("2é", 2), ("", 1)] {
            assert_eq!(take(&mut { text }, length), None, "{text:?}");
        }
    }
}
