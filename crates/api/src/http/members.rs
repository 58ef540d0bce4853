//! The members of a JSON object, taken out one by one, with every fault kept.

use garde::Validate;
use serde_json::Value;
use task_support::json::Object;

use crate::http::{
    error::{ApiError, FieldError},
    media_type::Media,
};

/// What can be read from the members of a JSON object.
pub(crate) trait FromMembers: Sized + 'static {
    /// As what the object may be sent.
    const MEDIA: Media = Media::Json;

    /// Takes the members, or names every one at fault.
    fn from_members(members: Object) -> Result<Self, ApiError>;
}

/// A member as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Patch<T> {
    /// Not at all.
    Absent,
    /// As null.
    Null,
    /// With a value.
    Value(T),
}

impl<T> Patch<T> {
    /// The value; null is the same as nothing.
    pub(crate) fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Null => None,
        }
    }
}

/// Takes known members out of an object and keeps what is wrong with them.
pub(crate) struct ObjectReader {
    members: Object,
    faults: Vec<FieldError>,
}

impl ObjectReader {
    pub(crate) fn new(members: Object) -> Self {
        Self { members, faults: Vec::new() }
    }

    pub(crate) fn text(&mut self, name: &str) -> Patch<String> {
        match self.members.shift_remove(name) {
            None => Patch::Absent,
            Some(Value::Null) => Patch::Null,
            Some(Value::String(text)) => Patch::Value(text),
            Some(_) => self.fault(name, "must be a string"),
        }
    }

    pub(crate) fn flag(&mut self, name: &str) -> Patch<bool> {
        match self.members.shift_remove(name) {
            None => Patch::Absent,
            Some(Value::Null) => Patch::Null,
            Some(Value::Bool(flag)) => Patch::Value(flag),
            Some(_) => self.fault(name, "must be true or false"),
        }
    }

    /// Notes a fault; the member then counts as absent.
    pub(crate) fn fault<T>(&mut self, name: &str, message: &str) -> Patch<T> {
        self.faults.push(FieldError::new(name, message));
        Patch::Absent
    }

    /// Refuses null.
    pub(crate) fn not_null<T>(&mut self, name: &str, given: Patch<T>) -> Option<T> {
        if matches!(given, Patch::Null) {
            self.fault::<T>(name, "must not be null");
        }
        given.value()
    }

    /// Judges the values that were taken, and refuses together with them whatever is left.
    pub(crate) fn check<T: Validate<Context = ()>>(mut self, body: T) -> Result<T, ApiError> {
        if let Err(report) = body.validate() {
            let faults = report.iter().map(|(path, error)| FieldError::new(path.to_string(), error.message()));
            self.faults.extend(faults);
        }
        self.finish(body)
    }

    pub(crate) fn finish<T>(mut self, body: T) -> Result<T, ApiError> {
        let unknown = self.members.into_iter().map(|(name, _)| FieldError::new(name, "is not a known member"));
        self.faults.extend(unknown);
        if self.faults.is_empty() { Ok(body) } else { Err(ApiError::ValidationFailed(self.faults)) }
    }
}
