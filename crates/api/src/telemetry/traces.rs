//! Traces: a span for each request and for what it asks of the database, sent to a collector.
//!
//! The spans are made here and not out of those that logs have: what is sent is then exactly what is written here, no
//! matter which lines are logged or what a library notes about the values it works with.

mod collector;
mod request;
mod statement;

use std::time::Duration;

use opentelemetry::{KeyValue, trace::TracerProvider};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    propagation::TraceContextPropagator,
    resource::TelemetryResourceDetector,
    trace::{BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider, SpanLimits},
};
use task_domain::BoxError;
use task_settings::{About, TraceSampler, TraceSettings};
use tokio::runtime::Handle;
use uuid::Uuid;

use self::collector::{Collector, Tolerant};
pub(crate) use self::{request::RequestTrace, statement::Traced};

/// How long a span may wait for others to be sent with.
const DELAY: Duration = Duration::from_secs(5);
/// How many spans may wait; more are dropped, and nobody waits for them.
const MAX_WAITING: usize = 8192;
/// How many spans are sent at a time.
const AT_A_TIME: usize = 512;
/// How long the end of the program waits for the last spans to be sent.
pub(crate) const LAST_CHANCE: Duration = Duration::from_secs(3);

/// Where spans come from. Whoever starts it ends it too, so that the last spans are sent.
pub(crate) struct Traces {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    propagator: TraceContextPropagator,
}

impl Traces {
    /// Sends spans to the collector of `settings`, by the runtime that this is called on. The collector need not be there.
    pub(crate) fn start(settings: &TraceSettings, about: &About) -> Result<Self, BoxError> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Collector::new(settings, Handle::current())?)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(settings.endpoint.as_str())
            .with_timeout(settings.timeout)
            .build()?;
        // All that the SDK would otherwise read from the environment is said here.
        let waiting = BatchConfigBuilder::default()
            .with_scheduled_delay(DELAY)
            .with_max_queue_size(MAX_WAITING)
            .with_max_export_batch_size(AT_A_TIME)
            .build();
        let provider = SdkTracerProvider::builder()
            .with_span_processor(
                BatchSpanProcessor::builder(Tolerant(exporter)).with_batch_config(waiting).build(),
            )
            .with_sampler(sampler(settings.sampler))
            .with_span_limits(SpanLimits::default())
            .with_resource(resource(settings, about))
            .build();
        let tracer = provider.tracer(env!("CARGO_PKG_NAME"));
        Ok(Self { provider, tracer, propagator: TraceContextPropagator::new() })
    }

    /// Sends what has not been sent, and waits for that at most as long as `limit`.
    pub(crate) async fn end(&self, limit: Duration) {
        let provider = self.provider.clone();
        // It blocks. Where it fails, the SDK has told so.
        let _ = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(limit)).await;
    }
}

fn sampler(TraceSampler { parent_decides, ratio }: TraceSampler) -> Sampler {
    let of_others = Sampler::TraceIdRatioBased(ratio);
    if parent_decides { Sampler::ParentBased(Box::new(of_others)) } else { of_others }
}

fn resource(settings: &TraceSettings, about: &About) -> Resource {
    let own = [
        KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        KeyValue::new("service.instance.id", Uuid::new_v4().to_string()),
        KeyValue::new("deployment.environment.name", about.environment.name()),
    ];
    let configured = settings.resource.iter().map(|(name, value)| KeyValue::new(name.clone(), value.clone()));
    Resource::builder_empty()
        .with_detector(Box::new(TelemetryResourceDetector))
        .with_attributes(own)
        .with_attributes(configured)
        .with_service_name(settings.service_name.clone())
        .build()
}
