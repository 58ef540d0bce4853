/// More values in a list than it may have, counted as they were sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be at most {max}; there are {actual}")]
pub struct TooMany {
    /// How many there may be.
    pub max: usize,
    /// How many there are.
    pub actual: usize,
}

impl TooMany {
    /// Refuses more than `max`.
    pub(crate) fn check(actual: usize, max: usize) -> Result<(), Self> {
        if actual > max { Err(Self { max, actual }) } else { Ok(()) }
    }
}
