//! A path, its methods, their handlers, and what the OpenAPI document says of them.

use std::future::ready;

use actix_web::{FromRequest, Handler, HttpResponse, Resource, Responder, Route, http::Method, web};
use utoipa::openapi::HttpMethod;

use crate::{
    docs::{input::Input, operation::Operation},
    guard::Caller,
    http::error::ApiError,
};

/// A path and what it can do. One without any method is an unknown route.
pub(crate) struct Endpoint {
    /// The path's template.
    pub(super) path: &'static str,
    /// Whether it can be used without a token.
    pub(super) public: bool,
    /// What the OpenAPI document says of it.
    pub(super) operations: Vec<(HttpMethod, Operation)>,
    routes: Vec<(Method, Route)>,
}

impl Endpoint {
    /// A path for callers with a token.
    pub(super) fn guarded(path: &'static str) -> Self {
        Self { path, public: false, operations: Vec::new(), routes: Vec::new() }
    }

    /// A path for everyone.
    pub(super) fn public(path: &'static str) -> Self {
        Self { public: true, ..Self::guarded(path) }
    }

    /// Adds a method. The arguments of its handler complete the operation.
    pub(super) fn on<H, Args>(mut self, method: HttpMethod, handler: H, mut operation: Operation) -> Self
    where
        H: Handler<Args>,
        Args: FromRequest + Input + 'static,
        H::Output: Responder + 'static,
    {
        Args::describe(&mut operation);
        self.add(&method_of(&method), handler);
        self.operations.push((method, operation));
        self
    }

    /// Adds GET for browsers, which the OpenAPI document does not mention.
    pub(super) fn page<H, Args>(mut self, handler: H) -> Self
    where
        H: Handler<Args>,
        Args: FromRequest + 'static,
        H::Output: Responder + 'static,
    {
        self.add(&Method::GET, handler);
        self
    }

    /// HEAD comes with GET.
    fn add<H, Args>(&mut self, method: &Method, handler: H)
    where
        H: Handler<Args>,
        Args: FromRequest + 'static,
        H::Output: Responder + 'static,
    {
        self.routes.push((method.clone(), web::method(method.clone()).to(handler.clone())));
        if method == Method::GET {
            self.routes.push((Method::HEAD, web::head().to(handler)));
        }
    }

    /// The methods that it knows.
    pub(super) fn methods(&self) -> Vec<Method> {
        self.routes.iter().map(|(method, _)| method.clone()).collect()
    }

    /// The resource that actix serves.
    pub(super) fn into_resource(self) -> Resource {
        let allow = self.methods().iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
        let refuse = move || match allow.as_str() {
            "" => ApiError::UnknownRoute,
            allow => ApiError::MethodNotAllowed(allow.to_owned()),
        };
        let others = if self.public {
            web::to(move || ready(Err::<HttpResponse, _>(refuse())))
        } else {
            web::to(move |_: Caller| ready(Err::<HttpResponse, _>(refuse())))
        };
        let routes = self.routes.into_iter().map(|(_, route)| route);
        routes.fold(web::resource(self.path), Resource::route).default_service(others)
    }
}

fn method_of(method: &HttpMethod) -> Method {
    match method {
        HttpMethod::Get => Method::GET,
        HttpMethod::Post => Method::POST,
        HttpMethod::Put => Method::PUT,
        HttpMethod::Delete => Method::DELETE,
        HttpMethod::Options => Method::OPTIONS,
        HttpMethod::Head => Method::HEAD,
        HttpMethod::Patch => Method::PATCH,
        HttpMethod::Trace => Method::TRACE,
    }
}
