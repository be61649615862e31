//! Work that continues when its client disconnects.

use std::time::Duration;

use common::telemetry::trace::TraceContext;
use tracing::Instrument;

use super::{Error, Orders};
use crate::temporal::TemporalError;

/// After the process has stopped accepting connections, a request waits this long for Temporal. This is shorter than
/// the time after which `common::http` closes its connection.
const DRAIN_LIMIT: Duration = Duration::from_secs(8);

impl Orders {
    /// Runs the work in a separate task. A client that disconnects interrupts neither a start nor a cancellation, and
    /// does not free the order's place under the in-flight limit. If the process drains, the answer may be `unknown`.
    pub(super) async fn detached<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Error>> + Send + 'static,
        unknown: fn(TemporalError) -> Error,
    ) -> Result<T, Error> {
        let last_moment = async {
            self.lifecycle.stopped_accepting().await;
            tokio::time::sleep(DRAIN_LIMIT).await;
        };
        tokio::select! {
            done = spawn(work) => match done {
                Ok(answer) => answer,
                Err(error) => Err(unknown(TemporalError::client(error))),
            },
            () = last_moment => Err(unknown(TemporalError::Stopping)),
        }
    }
}

/// Spawns a task with the trace context and the span of the current one.
pub(super) fn spawn<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> tokio::task::JoinHandle<T> {
    tokio::spawn(TraceContext::current().scope(work).in_current_span())
}
