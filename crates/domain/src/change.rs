/// What to do with a member that may be absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Change<T> {
    /// Leave it as it is.
    #[default]
    Keep,
    /// Take its value away.
    Clear,
    /// Give it this value.
    Set(T),
}

impl<T: Clone> Change<T> {
    /// Writes it to the member.
    pub(crate) fn write_to(&self, member: &mut Option<T>) {
        match self {
            Self::Keep => {}
            Self::Clear => *member = None,
            Self::Set(value) => *member = Some(value.clone()),
        }
    }
}
