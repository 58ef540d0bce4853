//! The outermost middleware: what every answer gets, whether a handler, the router or a panic made it. Each concern is a
//! file; this one has the order of the steps.

mod disconnect;
mod observe;
mod panics;
mod path_prefix;
mod rate_limit;
mod request_id;
mod security_headers;

use actix_web::{
    Error, HttpResponse, ResponseError,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    error::InternalError,
    http::header::HeaderValue,
    middleware::Next,
};

use self::{disconnect::Disconnect, observe::Observation, request_id::X_REQUEST_ID};
pub(crate) use self::{observe::Observers, path_prefix::PathPrefix};
use crate::http::{
    connections::{Client, InFlight, in_chunks},
    cors,
    error::ApiError,
    offered_upgrade,
    shared_payload::SharedPayload,
};

/// Wraps every request.
pub(crate) async fn envelope(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let envelope = Envelope::open(&mut request);
    let outcome = if cors::is_preflight(&request) {
        Ok(request.into_response(cors::answer_preflight(envelope.head.origin.as_ref())))
    } else {
        envelope.observation.instrument(panics::catch(request, next)).await
    };
    match outcome {
        Ok(response) => Ok(envelope.close(response)),
        Err(error) => Err(envelope.close_error(error)),
    }
}

/// What is kept of a request until its answer has a head.
struct Envelope {
    observation: Observation,
    head: CommonHead,
    in_flight: Option<InFlight>,
    payload: Option<SharedPayload>,
}

impl Envelope {
    fn open(request: &mut ServiceRequest) -> Self {
        let request_id = request_id::choose(request.headers());
        let offered_upgrade = offered_upgrade::ignore(request);
        Self {
            observation: Observation::begin(request, &request_id),
            head: CommonHead {
                request_id,
                origin: cors::allowed_origin(request),
                disconnect: Disconnect::of(request, offered_upgrade),
            },
            in_flight: request.conn_data().map(Client::begin),
            payload: SharedPayload::of(request),
        }
    }

    fn close(self, mut response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
        path_prefix::add(&mut response);
        self.head.complete(response.response_mut());
        if let Some(limit) = rate_limit::add_headers(&mut response) {
            self.observation.refused_by_limit(limit);
        }
        self.observation.answered(response.request().match_pattern().as_deref(), response.status());
        let progress = || self.in_flight.as_ref().map(InFlight::progress);
        response.map_body(|_, body| SharedPayload::keep_until_sent(self.payload, in_chunks(body, progress)))
    }

    fn close_error(self, error: ApiError) -> Error {
        let mut response = self.observation.in_scope(|| error.error_response());
        self.head.complete(&mut response);
        self.observation.answered(None, response.status());
        let response = response.map_body(|_, body| SharedPayload::keep_until_sent(self.payload, body));
        InternalError::from_response(error, response).into()
    }
}

/// The part of the head that depends on the request and not on the handler.
struct CommonHead {
    request_id: HeaderValue,
    /// The origin of the page that sent the request, if CORS allows it.
    origin: Option<HeaderValue>,
    disconnect: Disconnect,
}

impl CommonHead {
    fn complete(self, response: &mut HttpResponse<BoxBody>) {
        let headers = response.headers_mut();
        if let Some(origin) = self.origin {
            cors::add_headers(origin, headers);
        }
        headers.insert(X_REQUEST_ID, self.request_id);
        security_headers::add(headers);
        self.disconnect.decide(response);
    }
}
