//! Settings for the tests of this crate.

use crate::{reader::InvalidSettings, settings::Settings};

pub(crate) const GOOD: [(&str, &str); 2] = [
    ("DATABASE_URL", "postgres://me:s3cret@localhost/app"),
    ("BETTER_AUTH_SECRET", "an-s3cret-of-thirty-two-characters"),
];

pub(crate) fn with(more: &[(&str, &str)]) -> Result<Settings, InvalidSettings> {
    let pairs = GOOD.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Settings::from_variables(pairs)
}

pub(crate) fn problem(name: &str, value: &str) -> String {
    let faults = with(&[(name, value)]).unwrap_err().faults;
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert_eq!(faults[0].variable, name);
    faults[0].problem.clone()
}
