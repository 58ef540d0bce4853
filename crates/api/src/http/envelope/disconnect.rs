//! Whether the connection ends with the answer.

use actix_web::{
    HttpResponse,
    body::BoxBody,
    dev::ServiceRequest,
    http::{ConnectionType, StatusCode},
    web,
};

use crate::health::readiness::Readiness;

/// Decides whether the client may send another request on the same connection.
pub(super) struct Disconnect {
    readiness: Option<web::Data<Readiness>>,
    /// Whether nothing says where the request ends and the next one begins.
    is_endless: bool,
}

impl Disconnect {
    pub(super) fn of(request: &ServiceRequest, is_endless: bool) -> Self {
        Self { readiness: request.app_data().cloned(), is_endless }
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
