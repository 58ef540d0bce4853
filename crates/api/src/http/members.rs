//! The members of a JSON object that a request sends. A [`Member`] says once how a member is parsed and described; a
//! [`RequestBody`] lists the members that it takes, each with the [`Rule`] for its absence and for null. The reader, the
//! checks and the schema all follow from that list.

use std::{fmt::Display, marker::PhantomData};

use garde::{Path, Report, Validate};
use serde_json::{Value, json};
use task_domain::Change;
use task_support::json::Object;
use utoipa::openapi::{
    RefOr,
    extensions::Extensions,
    schema::{AdditionalProperties, ObjectBuilder, Schema, SchemaType, Type},
};

use crate::http::{
    error::{ApiError, FieldError},
    media_type::Media,
};

/// A member that clients send, the same in every body that takes it.
pub(crate) trait Member {
    /// Its form in JSON.
    type Json: JsonForm;
    /// What the domain makes of it.
    type Value;

    /// Parses it, or says what is wrong with it.
    fn from_json(json: Self::Json) -> Result<Self::Value, impl Display>;

    /// What it is for, in whole sentences.
    const ABOUT: &'static str;

    /// Its schema, without description and without null.
    fn schema() -> ObjectBuilder;
}

/// A form that a member has in JSON.
pub(crate) trait JsonForm: Sized {
    /// The validation error of a member that has another form.
    const EXPECTED: &'static str;

    /// Takes a value that has this form.
    fn from_value(value: Value) -> Option<Self>;
}

impl JsonForm for String {
    const EXPECTED: &'static str = "must be a string";

    fn from_value(value: Value) -> Option<Self> {
        if let Value::String(text) = value { Some(text) } else { None }
    }
}

impl JsonForm for bool {
    const EXPECTED: &'static str = "must be true or false";

    fn from_value(value: Value) -> Option<Self> {
        value.as_bool()
    }
}

/// What absence and null mean for a member of a body.
pub(crate) trait Rule {
    /// Whether the member must be sent.
    const IS_REQUIRED: bool = false;
    /// What null means.
    const NULL: Null;
}

/// What null means for a member.
pub(crate) enum Null {
    /// A value of the wrong form.
    WrongForm,
    /// A validation error of its own.
    Refused,
    /// The same as leaving the member out.
    Ignored,
    /// That the task has no such value any more.
    Clears,
}

impl Null {
    /// What the schema says about it, after the description of the member.
    const fn about(&self) -> Option<&'static str> {
        match self {
            Self::WrongForm | Self::Refused => None,
            Self::Ignored => Some(" Null is the same as leaving it out."),
            Self::Clears => Some(" Null takes it away."),
        }
    }
}

/// The member must have a value.
pub(crate) enum Required {}
/// The member may be left out; null is the same.
pub(crate) enum Optional {}
/// The member may be left out; null takes the value away (RFC 7396).
pub(crate) enum Nullable {}
/// The member may be left out, but not be null.
pub(crate) enum NotNull {}

impl Rule for Required {
    const IS_REQUIRED: bool = true;
    const NULL: Null = Null::WrongForm;
}

impl Rule for Optional {
    const NULL: Null = Null::Ignored;
}

impl Rule for Nullable {
    const NULL: Null = Null::Clears;
}

impl Rule for NotNull {
    const NULL: Null = Null::Refused;
}

/// A member as it was sent.
enum Patch<T> {
    Absent,
    Null,
    Value(T),
}

/// A member of a body: its value, or what is wrong with it.
pub(crate) struct Field<M: Member, R> {
    sent: Result<Patch<M::Value>, String>,
    rule: PhantomData<R>,
}

impl<M: Member, R: Rule> Field<M, R> {
    /// The value. There is none if a validation error was found.
    pub(crate) fn value(self) -> Option<M::Value> {
        match self.sent {
            Ok(Patch::Value(value)) => Some(value),
            _ => None,
        }
    }

    /// What the member asks to be done with a value that a task may have or not have.
    pub(crate) fn change(self) -> Change<M::Value> {
        match (self.sent, R::NULL) {
            (Ok(Patch::Value(value)), _) => Change::Set(value),
            (Ok(Patch::Null), Null::Clears) => Change::Clear,
            _ => Change::Keep,
        }
    }

    fn error(&self) -> Option<&str> {
        match (&self.sent, R::NULL) {
            (Err(message), _) => Some(message),
            (Ok(Patch::Absent), _) if R::IS_REQUIRED => Some("is required"),
            (Ok(Patch::Null), Null::WrongForm) => Some(M::Json::EXPECTED),
            (Ok(Patch::Null), Null::Refused) => Some("must not be null"),
            _ => None,
        }
    }

    /// Adds the member to the schema of a body.
    pub(crate) fn describe(name: &str, body: ObjectBuilder) -> ObjectBuilder {
        let about = format!("{}{}", M::ABOUT, R::NULL.about().unwrap_or_default());
        let mut member = M::schema().description(Some(about)).build();
        if let (SchemaType::Type(form), Some(_)) = (&member.schema_type, R::NULL.about()) {
            member.schema_type = SchemaType::from_iter([form.clone(), Type::Null]);
        }
        let body = body.property(name, member);
        if R::IS_REQUIRED { body.required(name) } else { body }
    }
}

impl<M: Member, R: Rule> Validate for Field<M, R> {
    type Context = ();

    fn validate_into(&self, (): &(), parent: &mut dyn FnMut() -> Path, report: &mut Report) {
        if let Some(message) = self.error() {
            report.append(parent(), garde::Error::new(message));
        }
    }
}

/// Takes known members out of an object.
pub(crate) struct ObjectReader(Object);

impl ObjectReader {
    /// Takes one member.
    pub(crate) fn take<M: Member, R: Rule>(&mut self, name: &str) -> Field<M, R> {
        let sent = match self.0.shift_remove(name) {
            None => Ok(Patch::Absent),
            Some(Value::Null) => Ok(Patch::Null),
            Some(value) => match M::Json::from_value(value) {
                None => Err(M::Json::EXPECTED.to_owned()),
                Some(json) => M::from_json(json).map(Patch::Value).map_err(|error| error.to_string()),
            },
        };
        Field { sent, rule: PhantomData }
    }
}

/// The members that a body takes; [`request_body!`] implements it.
pub(crate) trait BodyMembers: Validate<Context = ()> + Sized {
    /// What the body is for, in whole sentences.
    const ABOUT: &'static str;

    /// Takes the members.
    fn take_from(reader: &mut ObjectReader) -> Self;

    /// Adds the members to the schema of the body.
    fn describe(body: ObjectBuilder) -> ObjectBuilder;
}

/// A body that is a JSON object.
pub(crate) trait RequestBody: BodyMembers + 'static {
    /// The name of its schema.
    const SCHEMA: &'static str;
    /// The media types that it may be sent as.
    const MEDIA: Media = Media::Json;
    /// Whether at least one member must have a value other than null; the schema says so.
    const NEEDS_A_VALUE: bool = false;
    /// What the domain makes of it.
    type Output;

    /// An example for the schema.
    fn example() -> Value;

    /// What it says. `None` only if garde finds a validation error.
    fn output(self) -> Option<Self::Output>;
}

/// Reads a body, or names every member that is wrong.
pub(crate) fn read<B: RequestBody>(members: Object) -> Result<B::Output, ApiError> {
    let mut reader = ObjectReader(members);
    let body = B::take_from(&mut reader);
    let report = body.validate().err().map(Report::into_inner).unwrap_or_default();
    let known = report.iter().map(|(path, error)| FieldError::new(path.to_string(), error.message()));
    let unknown = reader.0.into_iter().map(|(name, _)| FieldError::new(name, "is not a known member"));
    let errors: Vec<_> = known.chain(unknown).collect();
    body.output().filter(|_| errors.is_empty()).ok_or(ApiError::ValidationFailed(errors))
}

/// The schema of a body.
pub(crate) fn schema<B: RequestBody>() -> RefOr<Schema> {
    let body = ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some(B::ABOUT.trim_start()))
        .additional_properties(Some(AdditionalProperties::FreeForm(false)))
        .min_properties(B::NEEDS_A_VALUE.then_some(1));
    let mut body = B::describe(body).build();
    body.example = Some(B::example());
    // utoipa has no field for `not`. Generators make no type of it in this form, which needs no names of members.
    let not_all_null = json!({"additionalProperties": {"type": "null"}});
    body.extensions = B::NEEDS_A_VALUE.then(|| Extensions::from_iter([("not", not_all_null)]));
    body.into()
}

/// Declares the members of a body: `name: Field<Member, Rule>`.
macro_rules! request_body {
    (
        $(#[doc = $about:literal])+
        $vis:vis struct $body:ident { $($name:ident: $field:ty),+ $(,)? }
    ) => {
        $(#[doc = $about])+
        #[derive(garde::Validate)]
        $vis struct $body { $(#[garde(dive)] $name: $field),+ }

        impl $crate::http::members::BodyMembers for $body {
            const ABOUT: &'static str = concat!($($about),+);

            fn take_from(reader: &mut $crate::http::members::ObjectReader) -> Self {
                Self { $($name: reader.take(stringify!($name))),+ }
            }

            fn describe(body: utoipa::openapi::ObjectBuilder) -> utoipa::openapi::ObjectBuilder {
                $(let body = <$field>::describe(stringify!($name), body);)+
                body
            }
        }

        impl utoipa::PartialSchema for $body {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                $crate::http::members::schema::<Self>()
            }
        }

        impl utoipa::ToSchema for $body {
            fn name() -> std::borrow::Cow<'static, str> {
                <Self as $crate::http::members::RequestBody>::SCHEMA.into()
            }
        }
    };
}
pub(crate) use request_body;
