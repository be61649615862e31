//! The metrics of Temporal's SDK. The SDK serves them on a separate port, and `/actuator/prometheus` includes them.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use temporalio_common::telemetry::metrics::CoreMeter;
use temporalio_common::telemetry::{PrometheusExporterOptions, TelemetryOptions, start_prometheus_metric_exporter};
use temporalio_sdk::Runtime;
use temporalio_sdk::runtime::RuntimeOptions;

const SCRAPE_LIMIT: Duration = Duration::from_secs(2);

#[derive(Clone)]
pub(crate) struct Telemetry {
    page: Option<SocketAddr>,
    http: reqwest::Client,
}

impl Telemetry {
    /// Starts the SDK's runtime on the current Tokio runtime. There are no SDK metrics if their port cannot be opened.
    pub(crate) fn start() -> Result<(Runtime, Self), TelemetryError> {
        let options = PrometheusExporterOptions::builder()
            .socket_addr(SocketAddr::from(([127, 0, 0, 1], 0)))
            .counters_total_suffix(true)
            .unit_suffix(true)
            .use_seconds_for_durations(true)
            .build();
        let exporter = start_prometheus_metric_exporter(options)
            .inspect_err(|error| tracing::error!(%error, "the metrics of Temporal's SDK are not available"))
            .ok();
        let page = exporter.as_ref().map(|exporter| exporter.bound_addr);
        let telemetry = match exporter {
            Some(exporter) => TelemetryOptions::builder().metrics(exporter.meter as Arc<dyn CoreMeter>).build(),
            None => TelemetryOptions::builder().build(),
        };
        let options =
            RuntimeOptions::builder().telemetry_options(telemetry).build().map_err(TelemetryError::runtime)?;
        let runtime = Runtime::from_current_tokio(options).map_err(TelemetryError::runtime)?;
        let http = reqwest::Client::builder().timeout(SCRAPE_LIMIT).no_proxy().build()?;
        Ok((runtime, Self { page, http }))
    }

    /// The SDK's metrics in Prometheus' text format, or an empty string if they are not available.
    pub(crate) async fn scrape(&self) -> String {
        let Some(page) = self.page else { return String::new() };
        let fetched = async { self.http.get(format!("http://{page}/metrics")).send().await?.text().await };
        fetched.await.unwrap_or_default()
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum TelemetryError {
    #[error("Temporal's SDK cannot start")]
    Runtime(#[source] Box<dyn Error + Send + Sync>),
    #[error("the HTTP client for the metrics cannot start")]
    Http(#[from] reqwest::Error),
}

impl TelemetryError {
    fn runtime(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Runtime(error.into())
    }
}
