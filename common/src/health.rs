//! Health of the process and of the components that it needs, in the form of Spring Boot's `/actuator/health`.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, join_all};
use serde::Serialize;
use utoipa::ToSchema;

use crate::lifecycle::Lifecycle;
use crate::telemetry::error_chain;

/// A component that does not answer within this time is DOWN.
const LIMIT: Duration = Duration::from_secs(2);
/// `diskSpace` is DOWN if fewer bytes than this are free (Spring Boot's default threshold).
const DISK_THRESHOLD: u64 = 10 * 1024 * 1024;

pub type ProbeError = Box<dyn Error + Send + Sync>;

type Probe = Arc<dyn Fn() -> BoxFuture<'static, Result<(), ProbeError>> + Send + Sync>;

/// A component that the process needs, and the probe that tells whether it works.
#[derive(Clone)]
pub struct Component {
    name: &'static str,
    probe: Probe,
}

impl Component {
    /// A component with its name in Spring Boot (`db`, `redis`, …) and its probe.
    pub fn new<F, Fut>(name: &'static str, probe: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), ProbeError>> + Send + 'static,
    {
        Self { name, probe: Arc::new(move || Box::pin(probe())) }
    }

    /// This component, but DOWN until the process has started: a database that is not migrated cannot be used.
    #[must_use]
    pub fn once_started(self, lifecycle: &Lifecycle) -> Self {
        let (probe, lifecycle) = (self.probe, lifecycle.clone());
        Self::new(self.name, move || {
            let (answer, started) = (probe(), lifecycle.has_started());
            async move {
                answer.await?;
                if started { Ok(()) } else { Err("this process is still starting".into()) }
            }
        })
    }

    #[must_use]
    pub fn disk_space() -> Self {
        Self::new("diskSpace", || async {
            let disk = rustix::fs::statvfs(".")?;
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            if free >= DISK_THRESHOLD { Ok(()) } else { Err(format!("only {free} bytes are free").into()) }
        })
    }

    async fn status(self) -> (&'static str, ComponentStatus) {
        let answer = tokio::time::timeout(LIMIT, (self.probe)()).await;
        let status = match answer {
            Ok(Ok(())) => ComponentStatus { status: Status::Up, details: None },
            Ok(Err(error)) => ComponentStatus::down(error_chain(error.as_ref())),
            Err(_) => ComponentStatus::down(format!("no answer within {} s", LIMIT.as_secs())),
        };
        (self.name, status)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    Up,
    Down,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ComponentStatus {
    status: Status,
    /// Why the component is DOWN, under the key `error`.
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<BTreeMap<String, String>>,
}

impl ComponentStatus {
    fn down(error: String) -> Self {
        Self { status: Status::Down, details: Some(BTreeMap::from([("error".to_owned(), error)])) }
    }
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Health {
    pub status: Status,
    /// The status of each component. The readiness and liveness probes have none: they check only the process.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub components: BTreeMap<&'static str, ComponentStatus>,
}

impl Health {
    pub async fn of(components: &[Component]) -> Self {
        let answers = join_all(components.iter().cloned().map(Component::status)).await;
        let down = answers.iter().any(|(_, component)| component.status == Status::Down);
        let status = if down { Status::Down } else { Status::Up };
        Self { status, components: answers.into_iter().collect() }
    }

    #[must_use]
    pub fn of_process(up: bool) -> Self {
        Self { status: if up { Status::Up } else { Status::Down }, components: BTreeMap::new() }
    }
}
