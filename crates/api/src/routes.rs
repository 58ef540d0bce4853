//! Every route. Any other path is 404, and everything but the public routes is behind the guard.
//!
//! The resources that actix serves and the OpenAPI document are both made from this list.

mod endpoint;
mod service;
mod tasks;

use actix_web::{
    HttpResponse,
    web::{self, ServiceConfig},
};
use task_settings::{DEFAULT_TITLE, DEFAULT_VERSION};

use self::endpoint::Endpoint;
use crate::{docs::openapi, guard::Caller, http::error::ApiError};

fn endpoints() -> impl Iterator<Item = Endpoint> {
    tasks::endpoints().into_iter().chain(service::endpoints())
}

/// Registers every route, and the answer to all others.
pub(crate) fn configure(config: &mut ServiceConfig) {
    for endpoint in endpoints() {
        config.service(endpoint.into_resource());
    }
    config.default_service(web::to(unknown_route));
}

/// The guard comes first here as well: a client without a token does not learn which routes there are.
async fn unknown_route(_: Caller) -> Result<HttpResponse, ApiError> {
    Err(ApiError::UnknownRoute)
}

/// The OpenAPI document as pretty-printed JSON, with the default title and version: what is checked in.
pub fn openapi_json() -> Result<String, serde_json::Error> {
    document(DEFAULT_TITLE, DEFAULT_VERSION)
}

/// The OpenAPI document as pretty-printed JSON.
pub(crate) fn document(title: &str, version: &str) -> Result<String, serde_json::Error> {
    let operations = endpoints().flat_map(|Endpoint { path, operations, .. }| {
        operations.into_iter().map(move |(method, operation)| (path, method, operation))
    });
    openapi::json(title, version, operations)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use actix_web::{
        http::{Method, StatusCode},
        test::{TestRequest, call_service, init_service},
    };
    use task_auth::{ClaimRules, SharedSecret};
    use task_domain::{
        TaskService,
        testing::{MockIdempotencyStore, MockTaskRepository},
    };
    use task_settings::{About, Environment, LimitSettings};

    use super::*;
    use crate::{
        docs,
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
        let tasks =
            TaskService::new(Arc::new(MockTaskRepository::new()), Arc::new(MockIdempotencyStore::new()));
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

    #[tokio::test]
    async fn only_the_public_routes_answer_without_a_token_by_any_method() {
        let mut guarded = 0;
        for endpoint in endpoints().filter(|endpoint| !endpoint.public) {
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
        let public: Vec<_> =
            endpoints().filter(|endpoint| endpoint.public).map(|endpoint| endpoint.path).collect();
        let expected = [
            "/health",
            "/health/live",
            "/health/ready",
            "/openapi.json",
            "/docs",
            "/docs/",
            docs::SWAGGER_FILES,
            "/docs/{unknown:.*}",
            "/redoc",
            "/redoc/",
            docs::REDOC_FILES,
            "/redoc/{unknown:.*}",
        ];
        assert_eq!(public, expected);
    }

    #[test]
    fn an_operation_is_documented_with_the_guard_if_its_route_is_not_public() {
        for Endpoint { path, public, operations, .. } in endpoints() {
            for (_, operation) in operations {
                assert_eq!(operation.is_guarded(), !public, "{path}");
            }
        }
    }

    #[tokio::test]
    async fn head_comes_with_get_and_every_other_method_is_refused_with_allow() {
        for endpoint in endpoints() {
            let methods = endpoint.methods();
            assert_eq!(methods.contains(&Method::GET), methods.contains(&Method::HEAD), "{}", endpoint.path);
        }
        for path in ["/health", "/openapi.json", "/docs", "/docs/", "/redoc", "/redoc/"] {
            assert_eq!(status(Method::HEAD, path).await, 200, "{path}");
            assert_eq!(status(Method::POST, path).await, 405, "{path}");
        }
        assert_eq!(status(Method::POST, "/docs/swagger-ui.css").await, 405);
        for path in ["/docs//", "/docs/index.html", "/docs/swagger-ui.css/", "/redoc/x/y"] {
            assert_eq!(status(Method::GET, path).await, 404, "{path}");
            assert_eq!(status(Method::POST, path).await, 404, "{path}");
        }
    }
}
