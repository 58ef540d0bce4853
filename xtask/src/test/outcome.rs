//! How the tests went.

use crate::test::totals::Totals;

pub(crate) struct Outcome {
    pub(crate) totals: Totals,
    pub(crate) success: bool,
}
