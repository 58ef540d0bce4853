//! Request bodies in chunks that the handler does not read to the end.
//!
//! If the client announced a length, actix-web closes the connection after a moment. A chunked body it reads to the end
//! first, for as long as a client trickles it, but only once the payload has been dropped. This keeps a reference to the
//! payload until the answer has been sent.

use std::{
    cell::RefCell,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use actix_web::{
    HttpMessage,
    body::{BodySize, BoxBody, MessageBody},
    dev::{Payload, ServiceRequest},
    error::PayloadError,
    web::Bytes,
};
use futures_util::Stream;

/// The body of a request, shared by the handler that reads it and the answer that keeps it alive.
#[derive(Clone)]
pub(crate) struct SharedPayload(Rc<RefCell<Payload>>);

impl SharedPayload {
    /// Shares the body of a request if it is chunked.
    pub(crate) fn of(request: &mut ServiceRequest) -> Option<Self> {
        if !request.chunked().unwrap_or(false) {
            return None;
        }
        let shared = Self(Rc::new(RefCell::new(request.take_payload())));
        request.set_payload(Payload::Stream { payload: Box::pin(shared.clone()) });
        Some(shared)
    }

    /// Ties the payload, if there is one, to the body of the answer.
    pub(crate) fn keep_until_sent(payload: Option<Self>, body: BoxBody) -> BoxBody {
        match payload {
            Some(payload) => BoxBody::new(PayloadGuard { body, _payload: payload }),
            None => body,
        }
    }
}

impl Stream for SharedPayload {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut *self.0.borrow_mut()).poll_next(context)
    }
}

/// The body of an answer that keeps the payload of its request alive.
struct PayloadGuard {
    body: BoxBody,
    _payload: SharedPayload,
}

impl MessageBody for PayloadGuard {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(context)
    }
}
