//! The one list of routes. Whatever is not in it is 404, and everything but the public routes is behind the guard.

use std::future::ready;

use actix_web::{
    FromRequest, Handler, HttpResponse, Resource, Responder, Route,
    http::Method,
    web::{self, ServiceConfig},
};

use crate::{auth::Caller, docs, error::ApiError, health, openapi, tasks};

/// A path and what it can do.
pub(crate) struct Endpoint {
    /// The path's template.
    pub(crate) path: &'static str,
    /// Whether it can be used without a token.
    pub(crate) public: bool,
    operations: Vec<(Method, Route)>,
}

/// Every route there is.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::guarded("/api/{user_id}/tasks")
            .on(Method::GET, tasks::list)
            .on(Method::POST, tasks::create),
        Endpoint::guarded("/api/{user_id}/tasks/{id}")
            .on(Method::GET, tasks::get)
            .on(Method::PUT, tasks::update)
            .on(Method::DELETE, tasks::delete),
        Endpoint::guarded("/api/{user_id}/tasks/{id}/complete").on(Method::PATCH, tasks::toggle),
        Endpoint::public("/health").on(Method::GET, health::health),
        Endpoint::public("/openapi.json").on(Method::GET, openapi::document),
        Endpoint::public("/docs").on(Method::GET, docs::swagger),
        Endpoint::public("/docs/{file:.*}").on(Method::GET, docs::swagger_file),
        Endpoint::public("/redoc").on(Method::GET, docs::redoc),
        Endpoint::public("/redoc/{file:.*}").on(Method::GET, docs::redoc_file),
    ]
}

/// Registers every route, and the answer to all others.
pub(crate) fn configure(config: &mut ServiceConfig) {
    for endpoint in endpoints() {
        config.service(endpoint.into_resource());
    }
    config.default_service(web::to(unknown_route));
}

impl Endpoint {
    fn guarded(path: &'static str) -> Self {
        Self { path, public: false, operations: Vec::new() }
    }

    fn public(path: &'static str) -> Self {
        Self { path, public: true, operations: Vec::new() }
    }

    /// Adds a method; HEAD comes with GET.
    fn on<H, Args>(mut self, method: Method, handler: H) -> Self
    where
        H: Handler<Args>,
        Args: FromRequest + 'static,
        H::Output: Responder + 'static,
    {
        if method == Method::GET {
            self.operations.push((Method::GET, web::get().to(handler.clone())));
            self.operations.push((Method::HEAD, web::head().to(handler)));
        } else {
            self.operations.push((method.clone(), web::method(method).to(handler)));
        }
        self
    }

    /// The methods that it knows.
    pub(crate) fn methods(&self) -> Vec<Method> {
        self.operations.iter().map(|(method, _)| method.clone()).collect()
    }

    fn into_resource(self) -> Resource {
        let allow = self.methods().iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
        let refuse = move || ApiError::MethodNotAllowed(allow.clone());
        let others = if self.public {
            web::to(move || ready(Err::<HttpResponse, _>(refuse())))
        } else {
            web::to(move |_: Caller| ready(Err::<HttpResponse, _>(refuse())))
        };
        let resource = web::resource(self.path);
        let resource =
            self.operations.into_iter().fold(resource, |resource, (_, route)| resource.route(route));
        resource.default_service(others)
    }
}

/// The guard comes first here as well: who has no token learns nothing of which routes there are.
async fn unknown_route(_: Caller) -> Result<HttpResponse, ApiError> {
    Err(ApiError::UnknownRoute)
}
