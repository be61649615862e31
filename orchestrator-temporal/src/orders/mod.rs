//! The use cases of the orders API: place, follow, cancel.

mod cancel;
mod detached;
mod follow;
mod key_owner;
mod place;
mod single_flight;

use std::sync::Arc;
use std::time::Duration;

pub(crate) use cancel::CancelAnswer;
use common::contract::order::{OrderProgress, OrderStatus, StuckOrder};
use common::contract::{Code, SagaOrder};
use common::ids::SagaId;
use common::lifecycle::Lifecycle;
use common::telemetry::trace::TraceContext;
pub(crate) use place::PlaceAnswer;
use tokio::sync::Semaphore;

use self::single_flight::SingleFlight;
use crate::clients::{CallError, Services};
use crate::saga::{SagaInput, SagaOutcome};
use crate::stuck::{StuckOrders, Thresholds};
use crate::temporal::{Temporal, TemporalError};

#[derive(Clone)]
pub(crate) struct Orders {
    temporal: Temporal,
    services: Services,
    lifecycle: Lifecycle,
    stuck: StuckOrders,
    /// The places that the in-flight limit allows. Each order in flight occupies one.
    in_flight: Arc<Semaphore>,
    start_slots: Arc<Semaphore>,
    single_flight: SingleFlight,
    limits: Limits,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// The in-flight limit: at most this many orders are in flight in this process.
    pub(crate) in_flight: usize,
    /// The deadline of an order: the longest time from its start to its payment.
    pub(crate) deadline: Duration,
    /// How long a POST waits for the order to end.
    pub(crate) wait: Duration,
    /// An undo or a confirm that takes longer than this is stuck.
    pub(crate) stuck: Duration,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the order was cancelled: {0}")]
    Refused(Code),
    #[error("the idempotency key was used before with another request")]
    KeyReused,
    #[error("the in-flight limit is reached; nothing was started")]
    Overloaded,
    #[error("Temporal did not answer; the order may have started; repeat the request with this key")]
    MayHaveStarted(#[source] TemporalError),
    #[error("the order is already paid")]
    AlreadyPaid,
    #[error("the saga of another order with this key is still running; retry")]
    Conflict,
    #[error("there is no order with this id")]
    NotFound,
    #[error("Temporal did not answer")]
    Temporal(#[from] TemporalError),
    #[error("a service did not answer")]
    Service(#[from] CallError),
}

impl Orders {
    pub(crate) fn new(temporal: Temporal, services: Services, lifecycle: Lifecycle, limits: Limits) -> Self {
        let thresholds = Thresholds { limit: limits.stuck, deadline: limits.deadline };
        Self {
            stuck: StuckOrders::new(temporal.clone(), thresholds),
            temporal,
            services,
            lifecycle,
            in_flight: Arc::new(Semaphore::new(limits.in_flight)),
            start_slots: Arc::new(Semaphore::new(place::START_SLOTS)),
            single_flight: SingleFlight::default(),
            limits,
        }
    }

    pub(crate) async fn list_stuck(&self) -> Result<Vec<StuckOrder>, Error> {
        Ok(self.stuck.list().await?)
    }

    pub(crate) async fn watch_stuck(&self) {
        self.stuck.watch().await;
    }

    fn saga_input(&self, order: SagaOrder) -> SagaInput {
        let deadline_ms = u64::try_from(self.limits.deadline.as_millis()).unwrap_or(u64::MAX);
        SagaInput { order, deadline_ms, trace: TraceContext::current() }
    }
}

fn progress_of(saga: &SagaId, outcome: SagaOutcome) -> OrderProgress {
    OrderProgress {
        success: outcome.status == OrderStatus::Confirmed,
        status: outcome.status,
        order_id: outcome.order_id,
        payment_id: outcome.payment_id,
        workflow_id: saga.clone(),
        steps: Vec::new(),
        stuck: false,
        code: outcome.code,
    }
}

/// The progress, as far as it is known, of an order that has not ended.
fn pending(order: &SagaOrder) -> OrderProgress {
    OrderProgress {
        success: true,
        status: OrderStatus::Pending,
        order_id: order.order_id,
        payment_id: order.payment_id,
        workflow_id: order.saga_id.clone(),
        steps: Vec::new(),
        stuck: false,
        code: None,
    }
}
