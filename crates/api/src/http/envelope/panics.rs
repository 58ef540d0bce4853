//! A panic in a handler becomes an error like any other.

use std::{any::Any, panic::AssertUnwindSafe};

use actix_web::{
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    middleware::Next,
};
use futures_util::FutureExt;

use crate::http::error::ApiError;

/// Calls the rest of the program. The request is lost if that panics.
pub(super) async fn catch(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, ApiError> {
    match AssertUnwindSafe(next.call(request)).catch_unwind().await {
        Ok(Ok(response)) => Ok(response.map_into_boxed_body()),
        Ok(Err(error)) => Err(ApiError::Internal(error.to_string().into())),
        Err(panic) => Err(ApiError::Internal(message(&*panic).into())),
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let message = panic.downcast_ref::<&str>().copied();
    let message = message.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("panic: {}", message.unwrap_or("no message"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_of_a_panic_is_kept() {
        assert_eq!(message(&"a text"), "panic: a text");
        assert_eq!(message(&"a string".to_owned()), "panic: a string");
        assert_eq!(message(&7_i32), "panic: no message");
    }
}
