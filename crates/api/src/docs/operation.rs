//! One operation of the OpenAPI document. Its route says in words what it does and what it answers; the arguments of
//! its handler add what it reads and how it refuses (see `input.rs`).

use std::collections::BTreeMap;

use actix_web::{ResponseError, http::StatusCode};
use task_auth::Refusal;
use utoipa::{
    ToSchema,
    openapi::{
        Content, Required, Response,
        path::{self, OperationBuilder, Parameter},
        request_body::RequestBodyBuilder,
        security::SecurityRequirement,
    },
};

use crate::{
    docs::answer::{
        Answer, NamedSchema, add_error, add_rate_limits, add_replayed, add_request_id, error_response,
        reference, schemas,
    },
    http::error::ApiError,
};

/// The name of the one security scheme.
pub(super) const BEARER: &str = "bearer";

/// A group of operations.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Tag {
    /// Its name.
    pub(crate) name: &'static str,
    /// What the operations are about.
    pub(crate) description: &'static str,
}

/// An operation, as the OpenAPI document describes it.
pub(crate) struct Operation {
    pub(super) tag: &'static Tag,
    described: OperationBuilder,
    responses: BTreeMap<StatusCode, Response>,
    schemas: Vec<NamedSchema>,
    guarded: bool,
    idempotent: bool,
}

impl Operation {
    /// An operation with a unique id and one sentence that says what it does.
    pub(crate) fn new(tag: &'static Tag, id: &str, summary: &str) -> Self {
        let described = OperationBuilder::new().tag(tag.name).operation_id(Some(id)).summary(Some(summary));
        Self {
            tag,
            described,
            responses: BTreeMap::new(),
            schemas: Vec::new(),
            guarded: false,
            idempotent: false,
        }
    }

    /// Says more than the summary does.
    pub(crate) fn description(mut self, text: &str) -> Self {
        self.described = self.described.description(Some(text));
        self
    }

    /// Adds an answer.
    pub(crate) fn answers(mut self, answer: Answer) -> Self {
        self.add_answer(answer);
        self
    }

    /// Adds an error that no argument of the handler stands for.
    pub(crate) fn refuses(mut self, error: &ApiError) -> Self {
        self.add_refusal(error);
        self
    }

    /// Whether the operation needs a token.
    #[cfg(test)]
    pub(crate) fn is_guarded(&self) -> bool {
        self.guarded
    }

    pub(super) fn add_answer(&mut self, answer: Answer) {
        self.responses.insert(answer.status, answer.response);
        self.schemas.extend(answer.schemas);
    }

    pub(super) fn add_refusal(&mut self, error: &ApiError) {
        let response = self.responses.entry(error.status_code()).or_insert_with(|| error_response(error));
        add_error(response, error);
    }

    pub(super) fn add_parameter(&mut self, parameter: impl Into<Parameter>) {
        self.described = std::mem::take(&mut self.described).parameter(parameter);
    }

    /// Adds a body of type `T`, in any of these media types.
    pub(super) fn add_body<T: ToSchema>(&mut self, media_types: &[&str], required: bool) {
        let required = if required { Required::True } else { Required::False };
        let body = RequestBodyBuilder::new().required(Some(required));
        let body = media_types
            .iter()
            .fold(body, |body, media_type| body.content(*media_type, Content::new(Some(reference::<T>()))));
        self.described = std::mem::take(&mut self.described).request_body(Some(body.build()));
        self.schemas.extend(schemas::<T>());
    }

    /// The guard comes before the handler.
    pub(super) fn add_guard(&mut self) {
        self.guarded = true;
    }

    /// The first answer to a request is kept, and given again if the request is repeated.
    pub(super) fn add_idempotency(&mut self) {
        self.idempotent = true;
    }

    /// The operation in the form of the document, and the schemas that it refers to.
    pub(super) fn finish(mut self) -> (path::Operation, Vec<NamedSchema>) {
        let security = if self.guarded {
            self.add_refusal(&ApiError::Unauthorized(Refusal::Expired));
            self.add_refusal(&ApiError::RateLimited(2));
            self.add_refusal(&ApiError::KeysNotFetched);
            SecurityRequirement::new(BEARER, [] as [&str; 0])
        } else {
            SecurityRequirement::default()
        };
        self.add_refusal(&ApiError::Internal("".into()));
        let mut described = self.described.security(security);
        for (status, mut response) in self.responses {
            add_request_id(&mut response);
            if self.guarded && status != StatusCode::UNAUTHORIZED {
                add_rate_limits(&mut response);
            }
            if self.idempotent && is_kept(status) {
                add_replayed(&mut response);
            }
            described = described.response(status.as_str(), response);
        }
        (described.build(), self.schemas)
    }
}

/// Whether an answer with this status is kept for repeated requests.
fn is_kept(status: StatusCode) -> bool {
    status.is_success() || matches!(status, StatusCode::NOT_FOUND | StatusCode::PRECONDITION_FAILED)
}
