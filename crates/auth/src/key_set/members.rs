//! Reads the members of a key that are numbers and points.

use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD};
use task_support::json::Object;

use super::unusable::Unusable;

/// The octets of a member.
pub(super) fn octets(key: &Object, name: &'static str) -> Result<Vec<u8>, Unusable> {
    let text = match key.get(name) {
        Some(value) => value.as_str().ok_or(Unusable::Encoding(name))?,
        None if key.contains_key("x5c") => return Err(Unusable::OnlyCertificate(name)),
        None => return Err(Unusable::Missing(name)),
    };
    // Some libraries pad, or use the alphabet of plain base64. Neither can mean anything else.
    let text = text.trim_end_matches('=').replace('-', "+").replace('_', "/");
    BASE64_STANDARD_NO_PAD.decode(text).map_err(|_| Unusable::Encoding(name))
}

/// The number without the zero octets that some libraries write in front of it (RFC 7518, section 2, forbids them).
pub(super) fn number(key: &Object, name: &'static str) -> Result<Vec<u8>, Unusable> {
    let octets = octets(key, name)?;
    let zeros = octets.iter().take_while(|octet| **octet == 0).count();
    Ok(octets[zeros..].to_vec())
}

/// A coordinate in exactly `length` octets. RFC 7518, section 6.2.1.2, wants them all, but some libraries leave the zeros in
/// front out, or write one more: it is the same number, and 1 of 128 keys would not be used.
pub(super) fn coordinate(key: &Object, name: &'static str, length: usize) -> Result<Vec<u8>, Unusable> {
    let number = number(key, name)?;
    let zeros = length.checked_sub(number.len()).ok_or(Unusable::Length {
        member: name,
        expected: length,
        found: number.len(),
    })?;
    Ok([vec![0; zeros], number].concat())
}

/// The length of a number in bits.
pub(super) fn bits(number: &[u8]) -> usize {
    number.first().map_or(0, |first| number.len() * 8 - first.leading_zeros() as usize)
}
