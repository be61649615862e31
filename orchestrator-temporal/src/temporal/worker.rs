//! The worker, which runs workflows and activities. It has its own thread, because the SDK's future is not `Send`.

use std::error::Error;
use std::time::Duration;

use common::lifecycle::Lifecycle;
use common::telemetry::error_chain;
use temporalio_client::Client;
use temporalio_sdk::runtime::worker_tuner::{FixedSizeSlotSupplier, TunerHolder};
use temporalio_sdk::{Runtime, Worker, WorkerOptions};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::{Temporal, TemporalSettings};
use crate::saga::{Activities, OrderSaga};

/// A draining worker has this long to finish what it runs.
const DRAIN_LIMIT: Duration = Duration::from_secs(20);
/// A draining worker cancels its running activities after this time. Another worker retries them.
const ACTIVITY_GRACE: Duration = Duration::from_secs(8);
/// Temporal waits this long for a killed worker before it gives the next workflow task to another worker.
const STICKY_LIMIT: Duration = Duration::from_secs(3);
/// A worker that cannot start, for example because its namespace does not exist, fails within this time.
const START_LIMIT: Duration = Duration::from_millis(300);
/// The pause before a failed worker is replaced.
const PAUSE: Duration = Duration::from_secs(1);
/// Extra slots for the sagas that other processes have started.
const SPARE_SLOTS: usize = 20;

/// Runs the worker until the process drains and no request is waiting. A worker that fails is replaced by a new one,
/// with new activities.
pub(crate) async fn run_until_drained(
    temporal: &Temporal,
    runtime: &Runtime,
    activities: impl Fn() -> Activities,
    lifecycle: &Lifecycle,
    api_has_ended: impl Future<Output = ()>,
) {
    let client = temporal.connect().await;
    let mut api_has_ended = std::pin::pin!(api_has_ended);
    loop {
        let error = match worker(&temporal.settings, runtime, client.clone(), activities()) {
            Ok(worker) => match run(worker, lifecycle, api_has_ended.as_mut()).await {
                Ok(()) => return,
                Err(error) => error,
            },
            Err(error) => error,
        };
        tracing::error!(error = error_chain(&error), "the worker failed; starting a new one");
        tokio::select! {
            () = &mut api_has_ended => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

/// Runs one worker until it is drained.
async fn run(
    worker: Worker,
    lifecycle: &Lifecycle,
    api_has_ended: impl Future<Output = ()>,
) -> Result<(), WorkerError> {
    let stop = worker.shutdown_handle();
    let mut ended = on_own_thread(worker);
    let work = async {
        started(lifecycle).await;
        api_has_ended.await;
    };
    tokio::select! {
        result = &mut ended => return Err(result.unwrap_or(WorkerError::ThreadEnded)),
        () = work => stop(),
    }
    if tokio::time::timeout(DRAIN_LIMIT, ended).await.is_err() {
        tracing::warn!("the worker did not finish in time; another worker retries what it ran");
    }
    Ok(())
}

/// Waits for the time in which a worker that cannot start fails. A worker that still runs after it polls for tasks.
async fn started(lifecycle: &Lifecycle) {
    tokio::time::sleep(START_LIMIT).await;
    if !lifecycle.has_started() {
        lifecycle.mark_started();
        tracing::info!("started");
    }
}

fn worker(
    settings: &TemporalSettings,
    runtime: &Runtime,
    client: Client,
    activities: Activities,
) -> Result<Worker, WorkerError> {
    let workflows = settings.in_flight_limit + SPARE_SLOTS;
    // A saga runs at most three steps at the same time.
    let tuner = TunerHolder::builder()
        .workflow_task_slot_supplier(FixedSizeSlotSupplier::new(workflows))
        .activity_task_slot_supplier(FixedSizeSlotSupplier::new(workflows))
        .local_activity_task_slot_supplier(FixedSizeSlotSupplier::new(workflows * 3))
        .nexus_task_slot_supplier(FixedSizeSlotSupplier::new(1))
        .build();
    let options = WorkerOptions::new(&settings.task_queue)
        .register_workflow::<OrderSaga>()
        .map_err(WorkerError::failed)?
        .register_activities(activities)
        .tuner(tuner)
        .max_cached_workflows(workflows * 10)
        .sticky_queue_schedule_to_start_timeout(STICKY_LIMIT)
        .graceful_shutdown_period(ACTIVITY_GRACE)
        .build();
    Worker::new(runtime, client, options).map_err(WorkerError::failed)
}

fn on_own_thread(mut worker: Worker) -> oneshot::Receiver<WorkerError> {
    let (sender, ended) = oneshot::channel();
    let runtime = Handle::current();
    std::thread::spawn(move || {
        let result = runtime.block_on(worker.run());
        let _ = sender.send(result.map_or_else(WorkerError::failed, |()| WorkerError::ShutDown));
    });
    ended
}

#[derive(Debug, thiserror::Error)]
enum WorkerError {
    #[error("the worker failed")]
    Failed(#[source] Box<dyn Error + Send + Sync>),
    #[error("the worker was shut down")]
    ShutDown,
    #[error("the worker's thread ended")]
    ThreadEnded,
}

impl WorkerError {
    fn failed(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Failed(error.into())
    }
}
