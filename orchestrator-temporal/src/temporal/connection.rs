//! The connection to Temporal. It is made in the background, because the SDK cannot connect on first use.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use common::health::{Component, ProbeError};
use common::telemetry::error_chain;
use temporalio_client::tonic::{Request, Status};
use temporalio_client::{Client, ClientKeepAliveOptions, ClientOptions, Connection, ConnectionOptions};
use temporalio_common::protos::grpc::health::v1::HealthCheckRequest;
use temporalio_common::protos::temporal::api::workflowservice::v1::DescribeNamespaceRequest;
use tokio::sync::watch;

use super::TemporalError;

/// The time limit of a connection attempt. The SDK's own limit does not cover a server that accepts the connection and
/// then sends nothing.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(500);
/// The interval of keep-alive pings. Without them, it takes 45 s to notice a dropped connection. Temporal closes
/// connections that ping every 10 s or more often.
const KEEP_ALIVE: Duration = Duration::from_secs(12);
const KEEP_ALIVE_LIMIT: Duration = Duration::from_secs(4);
const HEALTH_LIMIT: Duration = Duration::from_secs(1);
/// The name of the gRPC service of Temporal's frontend, for the health check.
const FRONTEND: &str = "temporal.api.workflowservice.v1.WorkflowService";

/// The address of Temporal, and the names that this program uses there.
#[derive(Debug, Clone)]
pub(crate) struct TemporalSettings {
    pub(crate) url: url::Url,
    pub(crate) namespace: String,
    pub(crate) task_queue: String,
    /// The in-flight limit. The worker has slots for this many orders.
    pub(crate) in_flight_limit: usize,
}

/// A handle to Temporal. All clones share the connection.
#[derive(Clone)]
pub(crate) struct Temporal {
    pub(super) settings: Arc<TemporalSettings>,
    client: watch::Sender<Option<Client>>,
}

impl Temporal {
    pub(crate) fn new(settings: TemporalSettings) -> Self {
        Self { settings: Arc::new(settings), client: watch::Sender::new(None) }
    }

    /// Connects. Retries until it succeeds.
    pub(crate) async fn connect(&self) -> Client {
        loop {
            match tokio::time::timeout(CONNECT_LIMIT, self.try_connect()).await {
                Ok(Ok(client)) => {
                    self.client.send_replace(Some(client.clone()));
                    return client;
                }
                Ok(Err(error)) => {
                    let error = error_chain(&error);
                    tracing::warn!(error, url = %self.settings.url, "cannot connect to Temporal; retrying");
                }
                Err(_) => tracing::warn!(url = %self.settings.url, "Temporal does not answer; retrying"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn try_connect(&self) -> Result<Client, ConnectError> {
        let keep_alive = ClientKeepAliveOptions::builder().interval(KEEP_ALIVE).timeout(KEEP_ALIVE_LIMIT).build();
        let options =
            ConnectionOptions::new(self.settings.url.clone()).identity(identity()).keep_alive(Some(keep_alive)).build();
        let connection = Connection::connect(options).await.map_err(ConnectError::connection)?;
        let options = ClientOptions::new(self.settings.namespace.clone()).build();
        let client = Client::new(connection, options).map_err(ConnectError::connection)?;
        // This checks the namespace first, because a worker ends immediately if its namespace does not exist.
        let namespace = DescribeNamespaceRequest { namespace: self.settings.namespace.clone(), ..Default::default() };
        let described = client.connection().workflow_service().describe_namespace(Request::new(namespace)).await;
        described.map_err(ConnectError::Namespace)?;
        Ok(client)
    }

    /// The client, once it is connected.
    pub(super) fn connected(&self) -> Result<Client, TemporalError> {
        self.client.borrow().clone().ok_or(TemporalError::NotConnected)
    }

    pub(crate) fn component(&self) -> Component {
        let temporal = self.clone();
        Component::new("temporal", move || {
            let temporal = temporal.clone();
            async move { temporal.ping().await }
        })
    }

    async fn ping(&self) -> Result<(), ProbeError> {
        let client = self.connected()?;
        let mut request = Request::new(HealthCheckRequest { service: FRONTEND.to_owned() });
        request.set_timeout(HEALTH_LIMIT);
        let answer =
            client.connection().health_service().check(request).await.map_err(|status| status.message().to_owned())?;
        // 1 is SERVING (grpc.health.v1).
        if answer.into_inner().status == 1 { Ok(()) } else { Err("Temporal's frontend is not serving".into()) }
    }
}

#[derive(Debug, thiserror::Error)]
enum ConnectError {
    #[error("no connection")]
    Connection(#[source] Box<dyn Error + Send + Sync>),
    #[error("the namespace cannot be read")]
    Namespace(#[source] Status),
}

impl ConnectError {
    fn connection(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Connection(error.into())
    }
}

fn identity() -> String {
    let host = std::env::var("HOSTNAME").unwrap_or_else(|_| "orchestrator-temporal".to_owned());
    format!("{}@{host}", std::process::id())
}
