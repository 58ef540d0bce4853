//! An `Upgrade` that the service does not take up. A server may ignore it (RFC 9110, section 7.8), but actix-web then takes
//! everything behind the head for the stream of a WebSocket, and so a body would never end.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{
    HttpMessage,
    dev::{Payload, ServiceRequest},
    error::PayloadError,
    http::header::{self, HeaderMap},
    web::Bytes,
};
use futures_util::Stream;

/// Gives a request that offers a WebSocket the body that its head announces. Whether it did: the connection has to end
/// with the answer then, because actix-web does not look for the next request on it.
pub(crate) fn ignore(request: &mut ServiceRequest) -> bool {
    if !offers_websocket(request.headers()) || request.chunked().unwrap_or(false) {
        return false;
    }
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    let rest = announced.and_then(|length| length.trim().parse().ok()).unwrap_or(0);
    let payload = request.take_payload();
    request.set_payload(Payload::Stream { payload: Box::pin(Announced { payload, rest }) });
    true
}

fn offers_websocket(headers: &HeaderMap) -> bool {
    headers.get_all(header::UPGRADE).any(|value| {
        let protocol = value.as_bytes().trim_ascii();
        protocol.eq_ignore_ascii_case(b"websocket")
    })
}

/// A payload that ends after the announced length.
struct Announced {
    payload: Payload,
    rest: usize,
}

impl Stream for Announced {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.rest == 0 {
            return Poll::Ready(None);
        }
        Pin::new(&mut self.payload).poll_next(context).map_ok(|mut chunk| {
            chunk.truncate(self.rest);
            self.rest -= chunk.len();
            chunk
        })
    }
}
