//! The actix-web application, and the services that its handlers share.

use std::{sync::Arc, time::Duration};

use actix_web::{
    App, Error,
    body::BoxBody,
    dev::{ServiceFactory, ServiceRequest, ServiceResponse},
    middleware::from_fn,
    web::{self, Bytes},
};
use task_auth::TokenVerifier;
use task_domain::TaskService;
use task_settings::{About, Environment};
use task_telemetry::{metrics::Metrics, traces::Traces};

use crate::{
    docs::openapi::Document,
    guard::verifier_data,
    health::readiness::Readiness,
    http::{
        cors::Cors,
        envelope::{Observers, PathPrefix, envelope},
        extract::BodyTimeout,
        limits::Limits,
    },
    routes,
    tasks::cursor::CursorSeal,
};

/// What the handlers of one worker share.
#[derive(Clone)]
pub struct Services {
    /// The use cases.
    pub tasks: TaskService,
    verifier: Arc<dyn TokenVerifier>,
    cors: web::Data<Cors>,
    seal: web::Data<CursorSeal>,
    readiness: web::Data<Readiness>,
    limits: web::Data<Limits>,
    observers: Observers,
    body_timeout: BodyTimeout,
    environment: web::Data<Environment>,
    document: web::Data<Document>,
    path_prefix: Option<PathPrefix>,
}

impl Services {
    /// Fails only if the OpenAPI document cannot be written, which is a bug.
    pub fn new(
        tasks: TaskService,
        verifier: Arc<dyn TokenVerifier>,
        cors: Cors,
        seal: CursorSeal,
        readiness: Arc<Readiness>,
        limits: Arc<Limits>,
        about: &About,
    ) -> Result<Self, serde_json::Error> {
        let json = routes::document(&about.title, &about.version)?;
        Ok(Self {
            tasks,
            verifier,
            cors: web::Data::new(cors),
            seal: web::Data::new(seal),
            readiness: web::Data::from(readiness),
            limits: web::Data::from(limits),
            observers: Observers::default(),
            body_timeout: BodyTimeout::default(),
            environment: web::Data::new(about.environment),
            document: web::Data::new(Document { json: Bytes::from(json), title: about.title.clone() }),
            path_prefix: None,
        })
    }

    /// Sets how long the body of a request may take to arrive; the default is 20 seconds.
    #[must_use]
    pub fn with_body_timeout(mut self, timeout: Duration) -> Self {
        self.body_timeout = BodyTimeout(timeout);
        self
    }

    /// Sets what clients see before the paths of this service.
    #[must_use]
    pub fn with_path_prefix(mut self, prefix: Option<&str>) -> Self {
        self.path_prefix = prefix.map(|prefix| PathPrefix(prefix.into()));
        self
    }

    /// Counts every request in `metrics`.
    #[must_use]
    pub fn with_metrics(mut self, metrics: Arc<Metrics>) -> Self {
        self.observers.metrics = Some(metrics);
        self
    }

    /// Makes a span of every request.
    #[must_use]
    pub(crate) fn with_traces(mut self, traces: Arc<Traces>) -> Self {
        self.observers.traces = Some(traces);
        self
    }
}

/// The application, as the server and the tests run it.
pub fn app(
    services: &Services,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<BoxBody>,
        Error = Error,
        InitError = (),
    > + use<>,
> {
    let mut app = App::new();
    if let Some(prefix) = &services.path_prefix {
        app = app.app_data(prefix.clone());
    }
    app.app_data(web::Data::new(services.tasks.clone()))
        .app_data(verifier_data(Arc::clone(&services.verifier)))
        .app_data(services.cors.clone())
        .app_data(services.seal.clone())
        .app_data(services.readiness.clone())
        .app_data(services.limits.clone())
        .app_data(services.observers.clone())
        .app_data(services.body_timeout)
        .app_data(services.environment.clone())
        .app_data(services.document.clone())
        .configure(routes::configure)
        .wrap(from_fn(envelope))
}
