//! Reads one section from variables, for the tests of this crate.

use crate::reader::{InvalidSettings, Reader};

pub(crate) fn read<T>(
    variables: &[(&str, &str)],
    section: impl FnOnce(&mut Reader) -> T,
) -> Result<T, InvalidSettings> {
    let owned = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let mut reader = Reader::new(owned);
    let value = section(&mut reader);
    reader.finish(Some(value))
}

/// The problem of the only fault, which must be of `variable`.
pub(crate) fn problem<T>(outcome: Result<T, InvalidSettings>, variable: &str) -> String {
    let Err(InvalidSettings { faults, .. }) = outcome else { panic!("{variable} has no fault") };
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert_eq!(faults[0].variable, variable);
    faults[0].problem.clone()
}
