//! The one list of routes. Whatever is not in it is 404, and everything but the public routes is behind the guard.

use std::future::ready;

use actix_web::{
    FromRequest, Handler, HttpResponse, Resource, Responder, Route,
    http::Method,
    web::{self, ServiceConfig},
};

use crate::{docs, docs::openapi, guard::Caller, health, http::error::ApiError, tasks, whoami};

/// A path and what it can do. One without any method is an unknown route.
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
            .on(Method::PATCH, tasks::patch)
            .on(Method::DELETE, tasks::delete),
        Endpoint::guarded("/api/{user_id}/tasks/{id}/complete").on(Method::PATCH, tasks::complete),
        Endpoint::guarded("/api/whoami").on(Method::GET, whoami::whoami),
        Endpoint::public("/health").on(Method::GET, health::health),
        Endpoint::public("/health/live").on(Method::GET, health::live),
        Endpoint::public("/health/ready").on(Method::GET, health::ready),
        Endpoint::public("/openapi.json").on(Method::GET, openapi::document),
        Endpoint::public("/docs").on(Method::GET, docs::swagger),
        Endpoint::public(docs::SWAGGER_FILES).on(Method::GET, docs::swagger_file),
        Endpoint::public("/docs/{unknown:.*}"),
        Endpoint::public("/redoc").on(Method::GET, docs::redoc),
        Endpoint::public(docs::REDOC_FILES).on(Method::GET, docs::redoc_file),
        Endpoint::public("/redoc/{unknown:.*}"),
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
        let refuse = move || match allow.as_str() {
            "" => ApiError::UnknownRoute,
            allow => ApiError::MethodNotAllowed(allow.to_owned()),
        };
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

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, sync::Arc};

    use actix_web::{
        http::StatusCode,
        test::{TestRequest, call_service, init_service},
    };
    use task_auth::{ClaimRules, SharedSecret};
    use task_domain::{
        TaskService,
        testing::{MockOnceOnly, MockTaskRepository},
    };
    use task_settings::{About, Environment, LimitSettings};

    use super::*;
    use crate::{
        health::readiness::testing::ready,
        http::{cors::Cors, limits::Limits},
        startup::app::{Services, app},
        tasks::cursor::testing::seal_with,
    };

    const METHODS: [Method; 8] = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
        Method::TRACE,
    ];

    /// An application whose repository panics at the first call.
    fn services() -> Services {
        let tasks = TaskService::new(Arc::new(MockTaskRepository::new()), Arc::new(MockOnceOnly::new()));
        let verifier = Arc::new(SharedSecret::new(&[0; 32], ClaimRules::default()));
        let about = About { title: "t".to_owned(), version: "v".to_owned(), environment: Environment::Dev };
        Services::new(tasks, verifier, Cors::default(), seal_with([0; 32]), ready(), unlimited(), &about)
            .unwrap()
    }

    fn unlimited() -> Arc<Limits> {
        Arc::new(Limits::new(&LimitSettings::default()))
    }

    async fn status(method: Method, path: &str) -> StatusCode {
        let request = TestRequest::with_uri(path).method(method).to_request();
        call_service(&init_service(app(&services())).await, request).await.status()
    }

    fn example(template: &str) -> String {
        template.replace("{user_id}", "alice").replace("{id}", "7")
    }

    #[actix_web::test]
    async fn no_route_but_the_public_ones_answers_without_a_token_whatever_the_method() {
        let mut guarded = 0;
        for endpoint in endpoints().into_iter().filter(|endpoint| !endpoint.public) {
            for method in METHODS {
                assert_eq!(status(method, &example(endpoint.path)).await, 401, "{}", endpoint.path);
            }
            guarded += 1;
        }
        assert_eq!(guarded, 4);
        for path in ["/", "/api", "/api/alice", "/api/alice/tasks/", "/health/", "/metrics"] {
            assert_eq!(status(Method::GET, path).await, 401, "{path}");
        }
    }

    #[test]
    fn the_public_routes_are_these_and_no_more() {
        let public: Vec<_> = endpoints()
            .into_iter()
            .filter(|endpoint| endpoint.public)
            .map(|endpoint| endpoint.path)
            .collect();
        let expected = [
            "/health",
            "/health/live",
            "/health/ready",
            "/openapi.json",
            "/docs",
            docs::SWAGGER_FILES,
            "/docs/{unknown:.*}",
            "/redoc",
            docs::REDOC_FILES,
            "/redoc/{unknown:.*}",
        ];
        assert_eq!(public, expected);
    }

    #[actix_web::test]
    async fn head_comes_with_get_and_every_other_method_is_refused_with_allow() {
        for endpoint in endpoints() {
            let methods = endpoint.methods();
            assert_eq!(methods.contains(&Method::GET), methods.contains(&Method::HEAD), "{}", endpoint.path);
        }
        for path in ["/health", "/openapi.json", "/docs", "/redoc"] {
            assert_eq!(status(Method::HEAD, path).await, 200, "{path}");
            assert_eq!(status(Method::POST, path).await, 405, "{path}");
        }
        assert_eq!(status(Method::POST, "/docs/swagger-ui.css").await, 405);
        for path in ["/docs/", "/docs/index.html", "/docs/swagger-ui.css/", "/redoc/x/y"] {
            assert_eq!(status(Method::GET, path).await, 404, "{path}");
            assert_eq!(status(Method::POST, path).await, 404, "{path}");
        }
    }

    #[test]
    fn the_openapi_document_has_the_same_operations_as_the_routes() {
        let document: serde_json::Value = serde_json::from_str(&crate::openapi_json().unwrap()).unwrap();
        let documented: BTreeSet<_> = document["paths"]
            .as_object()
            .unwrap()
            .iter()
            .flat_map(|(path, item)| {
                let methods = item.as_object().unwrap().keys();
                methods.map(move |method| format!("{} {path}", method.to_uppercase()))
            })
            .collect();
        let is_page =
            |path: &str| path == "/openapi.json" || path.starts_with("/docs") || path.starts_with("/redoc");
        let served: BTreeSet<_> = endpoints()
            .into_iter()
            .filter(|endpoint| !is_page(endpoint.path))
            .flat_map(|endpoint| {
                let path = endpoint.path;
                let methods = endpoint.methods().into_iter().filter(|method| method != Method::HEAD);
                methods.map(move |method| format!("{method} {path}")).collect::<Vec<_>>()
            })
            .collect();
        assert_eq!(documented, served);
    }
}
