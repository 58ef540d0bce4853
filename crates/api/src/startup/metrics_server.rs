//! The server of metrics, on an address of its own, which the operator keeps private.

use std::{io, net::SocketAddr, sync::Arc};

use actix_web::{App, HttpResponse, HttpServer, dev, web};
use task_telemetry::metrics::{Gauges, Metrics};

/// How many connections the server accepts at the same time: some collectors and a person.
pub(crate) const MAX_CONNECTIONS: usize = 16;

/// The version of Prometheus' text format.
const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Reads the gauges when a collector asks for them.
pub(crate) type ReadGauges = Arc<dyn Fn() -> Gauges + Send + Sync>;

/// A bound server that answers once it is awaited.
pub(crate) struct MetricsServer {
    pub(crate) server: dev::Server,
    pub(crate) addresses: Vec<SocketAddr>,
}

impl MetricsServer {
    /// Binds to `address`. Serves `/metrics` and nothing else.
    pub(crate) fn bind(metrics: &Arc<Metrics>, gauges: ReadGauges, address: SocketAddr) -> io::Result<Self> {
        let (metrics, gauges) = (web::Data::from(Arc::clone(metrics)), web::Data::new(gauges));
        let app = move || {
            App::new()
                .app_data(metrics.clone())
                .app_data(gauges.clone())
                .route("/metrics", web::get().to(render))
                .route("/metrics", web::head().to(render))
        };
        let server = HttpServer::new(app)
            .workers(1)
            .max_connections(MAX_CONNECTIONS)
            .disable_signals()
            .bind(address)?;
        Ok(Self { addresses: server.addrs(), server: server.run() })
    }
}

async fn render(metrics: web::Data<Metrics>, gauges: web::Data<ReadGauges>) -> HttpResponse {
    match metrics.render(&gauges()) {
        Ok(text) => HttpResponse::Ok().content_type(CONTENT_TYPE).body(text),
        Err(error) => {
            tracing::error!(%error, "the metrics cannot be written");
            HttpResponse::InternalServerError().finish()
        }
    }
}
