//! The use cases of the orders API: place, follow, cancel.

mod cancel;
mod follow;
mod keys;
mod place;
mod stuck;

pub(crate) use cancel::Cancelled;
pub(crate) use place::Placed;

use std::sync::Arc;
use std::time::Duration;

use common::contract::order::{OrderProgress, OrderStatus};
use common::contract::{Code, SagaOrder};
use common::ids::SagaId;
use common::lifecycle::Lifecycle;
use common::telemetry::trace::TraceContext;
use tokio::sync::Semaphore;

use self::keys::Keys;
use crate::clients::{CallError, Services};
use crate::saga::{Patience, SagaInput, SagaOutcome};
use crate::temporal::{EngineError, Temporal};

/// The use cases, with what they need.
#[derive(Clone)]
pub(crate) struct Orders {
    temporal: Temporal,
    services: Services,
    lifecycle: Lifecycle,
    /// Room for orders in flight.
    room: Arc<Semaphore>,
    /// Turns to start one.
    turns: Arc<Semaphore>,
    keys: Keys,
    limits: Limits,
}

/// The time limits of an order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// From its start to its payment.
    pub(crate) deadline: Duration,
    /// How long a POST waits for its end.
    pub(crate) wait: Duration,
    /// An undo or a confirm that is not done after this is stuck.
    pub(crate) stuck: Duration,
}

/// Why an order did not go as asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the order ended CANCELLED: {0}")]
    Refused(Code),
    #[error("this key came before with another request")]
    KeyReused,
    #[error("as many orders are in flight as the worker has room for")]
    Overloaded,
    #[error("Temporal did not answer: the order may have started; repeat with this key")]
    MayHaveStarted(#[source] EngineError),
    #[error("the order is paid")]
    AlreadyPaid,
    #[error("a saga of another order with this key is ending")]
    Moving,
    #[error("there is no such order")]
    NotFound,
    #[error("Temporal did not answer")]
    Engine(#[from] EngineError),
    #[error("a service did not answer")]
    Service(#[from] CallError),
}

impl Limits {
    fn patience(self) -> Patience {
        Patience { step: self.stuck, deadline: self.deadline }
    }
}

impl Orders {
    pub(crate) fn new(
        temporal: Temporal,
        services: Services,
        lifecycle: Lifecycle,
        max_orders: usize,
        limits: Limits,
    ) -> Self {
        let (room, turns) = (Arc::new(Semaphore::new(max_orders)), Arc::new(Semaphore::new(place::STARTS_AT_ONCE)));
        Self { temporal, services, lifecycle, room, turns, keys: Keys::default(), limits }
    }

    /// What a saga for this order starts with.
    fn input_of(&self, order: SagaOrder, trace: TraceContext) -> SagaInput {
        let deadline_ms = u64::try_from(self.limits.deadline.as_millis()).unwrap_or(u64::MAX);
        SagaInput { order, deadline_ms, trace }
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

/// An order whose end is not known.
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
