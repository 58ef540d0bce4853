//! Addresses in headers, behind a proxy that takes a prefix of the path away (docs/deployment.md, "Behind a prefix").

use std::sync::Arc;

use actix_web::{
    dev::ServiceResponse,
    http::header::{self, HeaderValue},
};

/// What clients see before the paths of this service, such as `/todo`.
#[derive(Clone, Debug)]
pub(crate) struct PathPrefix(pub(crate) Arc<str>);

/// Puts the prefix before the path of `Location` and `Link`.
///
/// This is done here and not where they are made: an answer that is stored for repeated requests has no prefix, which may be
/// another one by then.
pub(super) fn add<B>(response: &mut ServiceResponse<B>) {
    let Some(PathPrefix(prefix)) = response.request().app_data::<PathPrefix>().cloned() else { return };
    for (name, before) in [(header::LOCATION, ""), (header::LINK, "<")] {
        let path = response.headers().get(&name).and_then(|value| value.to_str().ok()?.strip_prefix(before));
        let value = path.and_then(|path| HeaderValue::try_from(format!("{before}{prefix}{path}")).ok());
        if let Some(value) = value {
            response.headers_mut().insert(name, value);
        }
    }
}
