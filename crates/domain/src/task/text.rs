//! What the text types have in common.

/// How many Unicode scalar values `text` has: the unit of every length limit.
pub(crate) fn char_count(text: &str) -> usize {
    text.chars().count()
}

/// Whether `text` holds U+0000, which PostgreSQL's `text` cannot store.
pub(crate) fn has_nul(text: &str) -> bool {
    text.as_bytes().contains(&0)
}
