//! The connection, made in the background and for good: the SDK has no lazy one.

use std::sync::Arc;
use std::time::Duration;

use common::http::Component;
use temporalio_client::tonic::Request;
use temporalio_client::{Client, ClientKeepAliveOptions, ClientOptions, Connection, ConnectionOptions};
use temporalio_common::protos::grpc::health::v1::HealthCheckRequest;
use temporalio_common::protos::temporal::api::workflowservice::v1::DescribeNamespaceRequest;
use tokio::sync::watch;

use super::ages::Ages;

/// One try to connect may take this long; the SDK's own limit does not cover a peer that accepts and says nothing.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(500);
/// A silent connection is asked this often whether it is still there; Temporal hangs up on whom asks every 10 s or more
/// often. One that a network has swallowed would otherwise be waited for three quarters of a minute.
const KEEP_ALIVE: Duration = Duration::from_secs(12);
/// How long it has to answer that.
const KEEP_ALIVE_LIMIT: Duration = Duration::from_secs(4);
const HEALTH_LIMIT: Duration = Duration::from_secs(1);
const FRONTEND: &str = "temporal.api.workflowservice.v1.WorkflowService";

/// Where Temporal is, and what we are called there.
#[derive(Debug, Clone)]
pub(crate) struct TemporalSettings {
    pub(crate) url: url::Url,
    pub(crate) namespace: String,
    pub(crate) task_queue: String,
    /// Orders in flight that the worker has room for.
    pub(crate) max_orders: usize,
}

/// Temporal, as far as this process has reached it.
#[derive(Clone)]
pub(crate) struct Temporal {
    pub(super) settings: Arc<TemporalSettings>,
    pub(super) ages: Ages,
    client: watch::Sender<Option<Client>>,
}

impl Temporal {
    /// Not connected yet.
    pub(crate) fn new(settings: TemporalSettings) -> Self {
        Self { settings: Arc::new(settings), ages: Ages::default(), client: watch::Sender::new(None) }
    }

    /// Connects, however long it takes.
    pub(crate) async fn connect(&self) -> Client {
        loop {
            match tokio::time::timeout(CONNECT_LIMIT, self.try_connect()).await {
                Ok(Ok(client)) => {
                    self.client.send_replace(Some(client.clone()));
                    return client;
                }
                Ok(Err(error)) => {
                    tracing::warn!(error, url = %self.settings.url, "Temporal is not there; trying again")
                }
                Err(_) => tracing::warn!(url = %self.settings.url, "Temporal does not answer; trying again"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn try_connect(&self) -> Result<Client, String> {
        let keep_alive = ClientKeepAliveOptions::builder().interval(KEEP_ALIVE).timeout(KEEP_ALIVE_LIMIT).build();
        let options =
            ConnectionOptions::new(self.settings.url.clone()).identity(identity()).keep_alive(Some(keep_alive)).build();
        let connection = Connection::connect(options).await.map_err(|error| error.to_string())?;
        let options = ClientOptions::new(self.settings.namespace.clone()).build();
        let client = Client::new(connection, options).map_err(|error| error.to_string())?;
        // A worker on a namespace that is not there ends at once.
        let namespace = DescribeNamespaceRequest { namespace: self.settings.namespace.clone(), ..Default::default() };
        let described = client.connection().workflow_service().describe_namespace(Request::new(namespace)).await;
        described.map_err(|status| status.message().to_owned())?;
        Ok(client)
    }

    /// The client, once there is one.
    pub(super) fn client(&self) -> Option<Client> {
        self.client.borrow().clone()
    }

    /// For `/actuator/health`.
    pub(crate) fn component(&self) -> Component {
        let temporal = self.clone();
        Component::new("temporal", move || {
            let temporal = temporal.clone();
            async move { temporal.ping().await }
        })
    }

    async fn ping(&self) -> Result<(), String> {
        let client = self.client().ok_or("not connected yet")?;
        let mut request = Request::new(HealthCheckRequest { service: FRONTEND.to_owned() });
        request.set_timeout(HEALTH_LIMIT);
        let answer = client.connection().health_service().check(request).await.map_err(|e| e.message().to_owned())?;
        // 1 is SERVING (grpc.health.v1).
        if answer.into_inner().status == 1 { Ok(()) } else { Err("not serving".to_owned()) }
    }
}

fn identity() -> String {
    let host = std::env::var("HOSTNAME").unwrap_or_else(|_| "orchestrator-temporal".to_owned());
    format!("{}@{host}", std::process::id())
}
