//! Whether the connection ends with the answer.

use actix_web::{
    HttpResponse,
    body::BoxBody,
    dev::ServiceRequest,
    http::{ConnectionType, StatusCode},
    web,
};

use crate::{health::readiness::Readiness, http::offered_upgrade};

/// Decides whether the client may send another request on the same connection.
pub(super) struct Disconnect {
    readiness: Option<web::Data<Readiness>>,
    /// Whether the end of the request is not known.
    is_endless: bool,
}

impl Disconnect {
    pub(super) fn of(request: &mut ServiceRequest) -> Self {
        Self { readiness: request.app_data().cloned(), is_endless: offered_upgrade::ignore(request) }
    }

    /// Ends the connection with this answer if the server is stopping, after an offered WebSocket, and after 408: the rest of
    /// the body is not awaited (RFC 9110, section 15.5.9).
    pub(super) fn decide(&self, response: &mut HttpResponse<BoxBody>) {
        if self.is_stopping() || self.is_endless || response.status() == StatusCode::REQUEST_TIMEOUT {
            response.head_mut().set_connection_type(ConnectionType::Close);
        }
    }

    fn is_stopping(&self) -> bool {
        self.readiness.as_ref().is_some_and(|readiness| readiness.is_stopping())
    }
}
