//! The worker: runs workflow code and activities, on a thread of its own, since the SDK's future is not `Send`.

use std::time::Duration;

use common::lifecycle::Lifecycle;
use temporalio_client::Client;
use temporalio_sdk::runtime::worker_tuner::{FixedSizeSlotSupplier, TunerHolder};
use temporalio_sdk::{Runtime, Worker, WorkerOptions};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::{Temporal, TemporalSettings};
use crate::saga::{Activities, OrderSaga};

/// How long a draining worker may finish what runs.
const DRAIN_LIMIT: Duration = Duration::from_secs(20);
/// An activity that runs when the worker drains is cancelled after this; another worker tries it again.
const ACTIVITY_GRACE: Duration = Duration::from_secs(8);
/// After a kill the next task of a saga waits this long for the dead worker.
const STICKY_LIMIT: Duration = Duration::from_secs(3);
/// How long the worker has to show a fault of its start, such as a namespace that is not there.
const START_LIMIT: Duration = Duration::from_millis(300);
const PAUSE: Duration = Duration::from_secs(1);
/// Workflow tasks of sagas that this process did not start itself.
const SPARE_SLOTS: usize = 20;

/// Runs the worker until the process drains and no request waits any more; a worker that fails is made anew.
/// `activities` makes the steps for each of them.
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
        let fault = match worker(&temporal.settings, runtime, client.clone(), activities()) {
            Ok(worker) => match run(worker, lifecycle, api_has_ended.as_mut()).await {
                Some(fault) => fault,
                None => return,
            },
            Err(fault) => fault,
        };
        tracing::error!(error = fault, "the worker ended; making it anew");
        tokio::select! {
            () = &mut api_has_ended => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

/// Runs one worker; `None` if it was drained, else why it ended.
async fn run(worker: Worker, lifecycle: &Lifecycle, api_has_ended: impl Future<Output = ()>) -> Option<String> {
    let stop = worker.shutdown_handle();
    let mut ended = on_own_thread(worker);
    let work = async {
        started(lifecycle).await;
        api_has_ended.await;
    };
    tokio::select! {
        result = &mut ended => return Some(result.unwrap_or_else(|_| "its thread ended".to_owned())),
        () = work => stop(),
    }
    if tokio::time::timeout(DRAIN_LIMIT, ended).await.is_err() {
        tracing::warn!("the worker was not done within its time; what it ran is tried again elsewhere");
    }
    None
}

/// A worker that has not failed for a moment is polling.
async fn started(lifecycle: &Lifecycle) {
    tokio::time::sleep(START_LIMIT).await;
    if !lifecycle.has_started() {
        lifecycle.mark_started();
        tracing::info!("started");
    }
}

fn worker(settings: &TemporalSettings, runtime: &Runtime, client: Client, steps: Activities) -> Result<Worker, String> {
    let workflows = settings.max_orders + SPARE_SLOTS;
    // A saga runs up to three steps side by side.
    let tuner = TunerHolder::builder()
        .workflow_task_slot_supplier(FixedSizeSlotSupplier::new(workflows))
        .activity_task_slot_supplier(FixedSizeSlotSupplier::new(workflows))
        .local_activity_task_slot_supplier(FixedSizeSlotSupplier::new(workflows * 3))
        .nexus_task_slot_supplier(FixedSizeSlotSupplier::new(1))
        .build();
    let options = WorkerOptions::new(&settings.task_queue)
        .register_workflow::<OrderSaga>()
        .map_err(|error| error.to_string())?
        .register_activities(steps)
        .tuner(tuner)
        .max_cached_workflows(workflows * 10)
        .sticky_queue_schedule_to_start_timeout(STICKY_LIMIT)
        .graceful_shutdown_period(ACTIVITY_GRACE)
        .build();
    Worker::new(runtime, client, options).map_err(|error| error.to_string())
}

fn on_own_thread(mut worker: Worker) -> oneshot::Receiver<String> {
    let (tell, ended) = oneshot::channel();
    let runtime = Handle::current();
    std::thread::spawn(move || {
        let result = runtime.block_on(worker.run());
        let _ = tell.send(result.map_or_else(|error| error.to_string(), |()| "it was shut down".to_owned()));
    });
    ended
}
