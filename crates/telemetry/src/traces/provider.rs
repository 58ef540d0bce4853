//! The spans' way out of the program: sampled, batched and sent to a collector.

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

use crate::traces::collector::{Collector, QuietExporter};

/// The name of the instrumentation, as collectors show it.
const SCOPE: &str = "task-api";
/// How long a span waits to be sent in one batch with others.
const BATCH_DELAY: Duration = Duration::from_secs(5);
/// The most spans that wait; further ones are dropped, so that no request waits for the collector.
const MAX_QUEUED: usize = 8192;
/// The most spans in one batch.
const BATCH_SIZE: usize = 512;
/// How long the program waits at its end for the last spans to be sent.
pub const FLUSH_TIMEOUT: Duration = Duration::from_secs(3);

/// Makes spans and sends them. Its owner must call [`Traces::end`], or the last spans are lost.
#[derive(Debug)]
pub struct Traces {
    provider: SdkTracerProvider,
    pub(super) tracer: SdkTracer,
    pub(super) propagator: TraceContextPropagator,
}

impl Traces {
    /// Sends spans to the collector of `settings`, on the runtime of the caller. The collector may be unreachable.
    ///
    /// Fails if TLS cannot be set up on this machine.
    pub fn start(settings: &TraceSettings, about: &About) -> Result<Self, BoxError> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Collector::new(settings, Handle::current())?)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(settings.endpoint.as_str())
            .with_timeout(settings.timeout)
            .build()?;
        // Sets everything that the SDK would otherwise read from the environment.
        let batching = BatchConfigBuilder::default()
            .with_scheduled_delay(BATCH_DELAY)
            .with_max_queue_size(MAX_QUEUED)
            .with_max_export_batch_size(BATCH_SIZE)
            .build();
        let provider = SdkTracerProvider::builder()
            .with_span_processor(
                BatchSpanProcessor::builder(QuietExporter(exporter)).with_batch_config(batching).build(),
            )
            .with_sampler(sampler(settings.sampler))
            .with_span_limits(SpanLimits::default())
            .with_resource(resource(settings, about))
            .build();
        let tracer = provider.tracer(SCOPE);
        Ok(Self { provider, tracer, propagator: TraceContextPropagator::new() })
    }

    /// Sends the remaining spans, and waits for that at most for `timeout`.
    pub async fn end(&self, timeout: Duration) {
        let provider = self.provider.clone();
        // The call blocks. If it fails, the SDK has logged the error.
        let _ = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(timeout)).await;
    }
}

fn sampler(TraceSampler { parent_decides, ratio }: TraceSampler) -> Sampler {
    let by_ratio = Sampler::TraceIdRatioBased(ratio);
    if parent_decides { Sampler::ParentBased(Box::new(by_ratio)) } else { by_ratio }
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
