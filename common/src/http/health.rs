//! `/actuator/health` in Spring's form.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, join_all};
use serde::Serialize;
use utoipa::ToSchema;

use crate::lifecycle::Lifecycle;

/// How long one component may take to say that it is up.
const LIMIT: Duration = Duration::from_secs(2);
/// Less free disk space than this, in bytes, is DOWN (Spring's own threshold).
const DISK_THRESHOLD: u64 = 10 * 1024 * 1024;

type Probe = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// One thing that the process needs, and how to ask whether it is there.
#[derive(Clone)]
pub struct Component {
    name: &'static str,
    probe: Probe,
}

impl Component {
    /// A component by Spring's name for it (`db`, `redis`, …) and the question whether it answers.
    pub fn new<F, Fut>(name: &'static str, probe: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), String>> + Send + 'static,
    {
        Self { name, probe: Arc::new(move || Box::pin(probe())) }
    }

    /// DOWN also until the process has started for good: a database that is there and not migrated is of no use.
    #[must_use]
    pub fn once_started(self, lifecycle: &Lifecycle) -> Self {
        let (probe, lifecycle) = (self.probe, lifecycle.clone());
        Self::new(self.name, move || {
            let (answer, started) = (probe(), lifecycle.has_started());
            async move {
                answer.await?;
                if started { Ok(()) } else { Err("this process is still starting".to_owned()) }
            }
        })
    }

    /// Is there room on the disk we stand on?
    #[must_use]
    pub fn disk_space() -> Self {
        Self::new("diskSpace", || async {
            let disk = rustix::fs::statvfs(".").map_err(|e| e.to_string())?;
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            if free >= DISK_THRESHOLD { Ok(()) } else { Err(format!("{free} bytes free")) }
        })
    }

    async fn status(self) -> (&'static str, ComponentStatus) {
        let answer = tokio::time::timeout(LIMIT, (self.probe)()).await;
        let status = match answer {
            Ok(Ok(())) => ComponentStatus { status: Status::Up, details: None },
            Ok(Err(fault)) => ComponentStatus::down(fault),
            Err(_) => ComponentStatus::down(format!("no answer within {} s", LIMIT.as_secs())),
        };
        (self.name, status)
    }
}

/// UP or DOWN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    /// It works.
    Up,
    /// It does not.
    Down,
}

/// One component's state.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ComponentStatus {
    status: Status,
    /// Why it is DOWN.
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<BTreeMap<String, String>>,
}

impl ComponentStatus {
    fn down(fault: String) -> Self {
        Self { status: Status::Down, details: Some(BTreeMap::from([("error".to_owned(), fault)])) }
    }
}

/// The whole process's state.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Health {
    /// UP only if every component is.
    pub status: Status,
    /// The components; absent for the probes, which look at the process alone.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub components: BTreeMap<&'static str, ComponentStatus>,
}

impl Health {
    /// Asks all components at the same time.
    pub async fn of(components: &[Component]) -> Self {
        let answers = join_all(components.iter().cloned().map(Component::status)).await;
        let down = answers.iter().any(|(_, component)| component.status == Status::Down);
        let status = if down { Status::Down } else { Status::Up };
        Self { status, components: answers.into_iter().collect() }
    }

    /// The state of something that has no components.
    #[must_use]
    pub fn plain(up: bool) -> Self {
        Self { status: if up { Status::Up } else { Status::Down }, components: BTreeMap::new() }
    }
}
