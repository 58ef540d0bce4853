//! Forms of a text in which spellings that mean the same are the same.

use unicode_normalization::UnicodeNormalization;

/// The form of a text in which words are searched: without case, without the accents of Latin, Greek and Cyrillic letters,
/// and without the difference between compatible characters (`docs/api.md`, "Finding").
///
/// A word is in a text if the folded text contains the folded word.
#[must_use]
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let mut folded = String::with_capacity(text.len());
    for c in text.nfkd().flat_map(without_case).nfkd() {
        match c {
            '\u{300}'..='\u{36f}' => {}
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'ø' => folded.push('o'),
            'ł' => folded.push('l'),
            'đ' | 'ð' => folded.push('d'),
            'ħ' => folded.push('h'),
            'ŧ' => folded.push('t'),
            other => folded.push(other),
        }
    }
    folded.nfc().collect()
}

/// The form of a text in which two tags are compared: without case, but with accents (`docs/api.md`, "More members").
pub(crate) fn tag_key(text: &str) -> String {
    text.nfc().flat_map(without_case).nfc().collect()
}

/// A character in lower, then upper, then lower case, by Unicode's full mappings, without regard to language or context.
///
/// Once is not enough: `ẞ` and `ß`, and `ς` and `σ`, become equal only by way of their upper case.
fn without_case(c: char) -> impl Iterator<Item = char> {
    c.to_lowercase().flat_map(char::to_uppercase).flat_map(char::to_lowercase)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_found_in_each_script_whatever_their_case_and_accents() {
        for (text, word) in [
            ("Café CRÈME", "cafe creme"),
            ("STRASSE", "straße"),
            ("GROẞ", "groß"),
            ("ΟΔΥΣΣΕΎΣ", "οδυσσευς"),
            ("İstanbul", "istanbul"),
            ("ılık", "ILIK"),
            ("Ærøskøbing", "aeroskobing"),
            ("Łódź Đà Nẵng", "lodz da nang"),
            ("Œuvre, Þórður, Ħal, Ŧ", "oeuvre, þordur, hal, t"),
            ("ёлка", "елка"),
            ("ﬁle №5 ｆｕｌｌ", "file no5 full"),
            ("買い物リスト", "買い物"),
            ("가나다", "나"),
            ("ซื้อนม", "นม"),
        ] {
            assert!(fold(text).contains(&fold(word)), "{:?} in {:?}", fold(word), fold(text));
        }
    }

    #[test]
    fn marks_that_make_another_letter_are_kept() {
        for (one, other) in [("か", "が"), ("นม", "น้ม"), ("कि", "क"), ("ไม้", "ไม")]
        {
            assert_ne!(fold(one), fold(other));
        }
    }

    #[test]
    fn accents_count_in_a_key_and_case_does_not() {
        assert_ne!(tag_key("año"), tag_key("ano"));
        assert_eq!(tag_key("AÑO"), tag_key("an\u{303}o"));
        assert_eq!(tag_key("ΣΑΣ"), tag_key("σας"));
        assert_eq!(tag_key("Straße"), tag_key("STRASSE"));
    }

    #[test]
    fn each_character_is_folded_once_and_for_all() {
        // Without the ideographs and syllables that have no case, which are most of them.
        let letters = ('\0'..='\u{33ff}').chain('\u{a000}'..='\u{abff}').chain('\u{f900}'..='\u{1f9ff}');
        for c in letters.filter(|c| !('\u{17000}'..='\u{1afff}').contains(c)) {
            let text = c.to_string();
            let (folded, key) = (fold(&text), tag_key(&text));
            assert_eq!(fold(&folded), folded, "{c:?}");
            assert_eq!(tag_key(&key), key, "{c:?}");
        }
    }

    proptest! {
        #[test]
        fn folding_twice_is_folding_once(text in "\\PC{0,40}|[a-zA-ZæøßİΣς\\x{300}-\\x{36f}가-힣がか\\x{3099}]{0,40}") {
            let folded = fold(&text);
            prop_assert_eq!(fold(&folded), folded);
        }

        #[test]
        fn the_key_of_a_key_is_the_key(text in "\\PC{0,40}|[a-zA-ZæøßİΣς\\x{300}-\\x{36f}가-힣がか\\x{3099}]{0,40}") {
            let key = tag_key(&text);
            prop_assert_eq!(tag_key(&key), key);
        }

        #[test]
        fn the_short_way_of_plain_texts_is_the_long_one(text in "[\\x00-\\x7f]{0,60}") {
            // A character that vanishes makes it take the long way.
            prop_assert_eq!(fold(&text), fold(&format!("{text}\u{301}")));
        }

        #[test]
        fn equivalent_texts_fold_to_the_same(text in "\\PC{0,40}") {
            let (composed, decomposed): (String, String) = (text.nfc().collect(), text.nfd().collect());
            prop_assert_eq!(fold(&composed), fold(&text));
            prop_assert_eq!(fold(&decomposed), fold(&text));
            prop_assert_eq!(tag_key(&composed), tag_key(&decomposed));
        }
    }
}
