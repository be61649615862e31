//! The SDK's own metrics. It serves them on a port of its own; we put them on our page.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use temporalio_common::telemetry::metrics::CoreMeter;
use temporalio_common::telemetry::{PrometheusExporterOptions, TelemetryOptions, start_prometheus_metric_exporter};
use temporalio_sdk::Runtime;
use temporalio_sdk::runtime::RuntimeOptions;

const SCRAPE_LIMIT: Duration = Duration::from_secs(2);

/// Where the SDK tells its metrics.
#[derive(Clone)]
pub(crate) struct Telemetry {
    page: Option<SocketAddr>,
    http: reqwest::Client,
}

impl Telemetry {
    /// Starts the SDK's runtime on this one, measured. Without metrics if their page cannot be opened.
    pub(crate) fn start(http: reqwest::Client) -> Result<(Runtime, Self), String> {
        let options = PrometheusExporterOptions::builder()
            .socket_addr(SocketAddr::from(([127, 0, 0, 1], 0)))
            .counters_total_suffix(true)
            .unit_suffix(true)
            .use_seconds_for_durations(true)
            .build();
        let exporter = start_prometheus_metric_exporter(options)
            .inspect_err(|error| tracing::error!(%error, "no metrics of the SDK"))
            .ok();
        let page = exporter.as_ref().map(|exporter| exporter.bound_addr);
        let telemetry = match exporter {
            Some(exporter) => TelemetryOptions::builder().metrics(exporter.meter as Arc<dyn CoreMeter>).build(),
            None => TelemetryOptions::builder().build(),
        };
        let options = RuntimeOptions::builder().telemetry_options(telemetry).build().map_err(|e| e.to_string())?;
        let runtime = Runtime::from_current_tokio(options).map_err(|e| e.to_string())?;
        Ok((runtime, Self { page, http }))
    }

    /// The SDK's metrics in Prometheus' text form; empty if they cannot be had.
    pub(crate) async fn scrape(&self) -> String {
        let Some(page) = self.page else { return String::new() };
        let fetched =
            async { self.http.get(format!("http://{page}/metrics")).timeout(SCRAPE_LIMIT).send().await?.text().await };
        fetched.await.unwrap_or_default()
    }
}
