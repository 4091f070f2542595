//! Spans for an OpenTelemetry collector, when one is configured: one a request, exported in batches
//! from a thread of their own. Nothing waits for the collector; what it does not take in time is
//! dropped, with a warning.
//!
//! A span holds what the request's log line holds. Only spans of this program are exported: those of
//! libraries may hold addresses and headers.

use std::sync::OnceLock;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use opentelemetry::trace::{
    SpanContext, SpanId as OtelSpanId, Status, TraceContextExt as _, TraceFlags,
    TraceId as OtelTraceId, TraceState, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use secrecy::ExposeSecret as _;
use tokio::runtime::Handle;
use tracing::field::Empty;
use tracing::{Level, Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::registry::LookupSpan;

use crate::config::TracesSettings;
use crate::domain::{SpanId, TraceContext, TraceId};
use crate::gateways::http::{self, Traffic, read_limited};

/// How long one batch may take on its way. The next ones wait in a bounded queue meanwhile.
const EXPORT_DEADLINE: Duration = Duration::from_secs(5);
/// Longest answer of a collector that is read.
const ANSWER_MAX_BYTES: usize = 64 * 1024;
/// How long the end of the process waits for the last batch.
const FLUSH_DEADLINE: Duration = Duration::from_secs(2);

/// Set when spans are exported.
static PROVIDER: OnceLock<SdkTracerProvider> = OnceLock::new();

/// Why no spans can be exported.
#[derive(Debug, thiserror::Error)]
#[error("traces can't be exported: {0}")]
pub struct TracesError(#[from] opentelemetry_otlp::ExporterBuildError);

/// A layer that exports the program's spans. Needs the runtime that the sending is done on.
pub(super) fn layer<S>(
    settings: &TracesSettings,
    service: &'static str,
) -> Result<impl Layer<S> + use<S>, TracesError>
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
{
    let mut endpoint = settings.endpoint.clone();
    endpoint.path_segments_mut().expect("an http URL").pop_if_empty().extend(["v1", "traces"]);
    let headers = settings
        .headers
        .iter()
        .map(|(name, value)| (name.clone(), value.expose_secret().to_owned()))
        .collect();
    let client = Sender {
        client: http::client(Traffic::Calls, EXPORT_DEADLINE),
        runtime: Handle::current(),
    };
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(client)
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(endpoint)
        .with_headers(headers)
        .with_timeout(EXPORT_DEADLINE)
        .build()?;
    let resource = Resource::builder_empty()
        .with_service_name(service)
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        // Not what the caller wants: whoever calls `serve` could have everything exported.
        .with_sampler(Sampler::TraceIdRatioBased(settings.sampled))
        .with_resource(resource)
        .build();
    let tracer = provider.tracer(env!("CARGO_PKG_NAME"));
    // Logging is set up once; a second attempt is refused after this one.
    let _ = PROVIDER.set(provider);
    Ok(tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        .with_filter(Targets::new().with_target(env!("CARGO_PKG_NAME"), Level::INFO)))
}

/// Sends what is still here. Nothing is exported afterwards.
pub async fn flush() {
    let Some(provider) = PROVIDER.get().cloned() else { return };
    let flushed =
        tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(FLUSH_DEADLINE));
    match tokio::time::timeout(FLUSH_DEADLINE, flushed).await {
        Ok(Ok(Ok(()))) => {}
        Ok(Ok(Err(error))) => tracing::warn!(%error, "the last traces were not sent"),
        Ok(Err(_)) | Err(_) => tracing::warn!("the last traces were not sent in time"),
    }
}

/// A span for one request, and the request's place in its trace; `caller` is where it comes from.
pub fn begin(caller: Option<TraceContext>) -> (Span, TraceContext) {
    let (span, place) = if PROVIDER.get().is_some() {
        let span =
            tracing::info_span!("request", otel.kind = "server", trace_id = Empty, span_id = Empty);
        let place = place(&span, caller);
        (span, place)
    } else {
        let place = caller.map_or_else(TraceContext::random, |caller| caller.next());
        (tracing::info_span!("request", trace_id = Empty, span_id = Empty), place)
    };
    span.record("trace_id", place.trace_id.as_str());
    span.record("span_id", place.span_id.as_str());
    (span, place)
}

/// The place of a request in its trace. `span` becomes a child of what the caller named.
fn place(span: &Span, caller: Option<TraceContext>) -> TraceContext {
    if let Some(parent) = caller.as_ref().and_then(to_span_context) {
        // Refused only for a span that was begun before; then it is the first of a trace of its own.
        let _ = span.set_parent(Context::new().with_remote_span_context(parent));
    }
    let context = span.context();
    let own = context.span().span_context().clone();
    from_span_context(&own)
        // A filter that lets nothing of the program through.
        .unwrap_or_else(|| caller.map_or_else(TraceContext::random, |caller| caller.next()))
}

/// What a request was and what came of it, for its span.
pub fn describe(span: &Span, method: &'static str, route: &str, status: u16) {
    if PROVIDER.get().is_none() {
        return;
    }
    let context = span.context();
    let span = context.span();
    span.update_name(format!("{method} {route}"));
    span.set_attributes([
        KeyValue::new("http.request.method", method),
        KeyValue::new("http.route", route.to_owned()),
        KeyValue::new("http.response.status_code", i64::from(status)),
    ]);
    if status >= 500 {
        span.set_status(Status::error(""));
    }
}

fn to_span_context(place: &TraceContext) -> Option<SpanContext> {
    let trace = OtelTraceId::from_hex(place.trace_id.as_str()).ok()?;
    let span = OtelSpanId::from_hex(place.span_id.as_str()).ok()?;
    let flags = if place.sampled { TraceFlags::SAMPLED } else { TraceFlags::NOT_SAMPLED };
    Some(SpanContext::new(trace, span, flags, true, TraceState::NONE))
}

fn from_span_context(context: &SpanContext) -> Option<TraceContext> {
    Some(TraceContext {
        trace_id: TraceId::from_hex(&context.trace_id().to_string())?,
        span_id: SpanId::from_hex(&context.span_id().to_string())?,
        sampled: context.is_sampled(),
    })
}

/// Sends batches under the one policy of outgoing HTTP. The exporter's thread has no runtime, so
/// the sending is done on the process's.
#[derive(Debug)]
struct Sender {
    client: reqwest::Client,
    runtime: Handle,
}

#[async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let (head, body) = request.into_parts();
        let sending = self.runtime.spawn(async move {
            let answer = client
                .request(head.method, head.uri.to_string())
                .headers(head.headers)
                .body(body)
                .timeout(EXPORT_DEADLINE)
                .send()
                .await
                .map_err(http::describe)?;
            let status = answer.status();
            let body = read_limited(answer, ANSWER_MAX_BYTES).await.map_err(|e| e.to_string())?;
            Ok::<_, String>((status, body))
        });
        let (status, body) = sending.await??;
        Ok(Response::builder().status(status).body(Bytes::from(body))?)
    }
}
