//! Placing an order: start its saga, and wait until it ends or a time limit passes.

use std::time::Duration;

use common::contract::order::{OrderProgress, OrderStatus, PlaceOrder};
use common::contract::{Code, SagaOrder};
use common::ids::{OrderId, PaymentId, SagaId};
use common::telemetry::error_chain;
use tokio::sync::OwnedSemaphorePermit;

use super::detached::spawn;
use super::key_owner::{Join, Owner, Rerun, join, rerun};
use super::{Error, Orders, pending, progress_of};
use crate::saga::{SagaInput, SagaOutcome};
use crate::temporal::{Start, TemporalError, WorkflowInfo};

/// The number of start slots: at most this many workflows are started at the same time. This keeps each start fast,
/// even under a burst of orders. If an order gets no slot, it is certain that nothing was started.
pub(super) const START_SLOTS: usize = 16;
/// An order waits this long for a start slot.
const START_SLOT_WAIT: Duration = Duration::from_secs(5);

/// The answer to an order that was not refused.
pub(crate) enum PlaceAnswer {
    Confirmed(OrderProgress),
    /// The order is running, or its outcome could not be read in time.
    Accepted(OrderProgress),
}

impl Orders {
    pub(crate) async fn place(&self, saga: &SagaId, request: PlaceOrder) -> Result<PlaceAnswer, Error> {
        let (orders, order) = (self.clone(), saga_order(saga, request));
        self.detached(async move { orders.start_and_wait(order).await }, Error::MayHaveStarted).await
    }

    pub(crate) async fn place_async(&self, saga: &SagaId, request: PlaceOrder) -> Result<OrderProgress, Error> {
        let (orders, order) = (self.clone(), saga_order(saga, request));
        let work = async move {
            let (accepted, place) = orders.start(order).await?;
            let saga = accepted.workflow_id.clone();
            spawn(async move { orders.wait_for(&saga, place).await });
            Ok(accepted)
        };
        self.detached(work, Error::MayHaveStarted).await
    }

    async fn start_and_wait(&self, order: SagaOrder) -> Result<PlaceAnswer, Error> {
        let (saga, request) = (order.saga_id.clone(), order.fingerprint.clone());
        let (accepted, place) = self.start(order).await?;
        match self.wait_for(&saga, place).await {
            None => Ok(PlaceAnswer::Accepted(accepted)),
            Some(outcome) if !outcome.belongs_to(&request) => Err(Error::KeyReused),
            Some(outcome) if outcome.status == OrderStatus::Confirmed => {
                Ok(PlaceAnswer::Confirmed(progress_of(&saga, outcome)))
            }
            Some(outcome) => Err(Error::Refused(outcome.code.unwrap_or(Code::SAGA_CANCELLED))),
        }
    }

    /// Starts the saga, or joins the one under this key. Returns the order's place under the in-flight limit.
    async fn start(&self, order: SagaOrder) -> Result<(OrderProgress, OwnedSemaphorePermit), Error> {
        let place = self.in_flight.clone().try_acquire_owned().map_err(|_| Error::Overloaded)?;
        let input = self.saga_input(order);
        let leader = self.single_flight.lead(&input.order.saga_id).await;
        if leader.is_none() || self.start_new(&input).await? == Start::AlreadyExists {
            drop(leader);
            self.join(&input).await?;
        }
        Ok((pending(&input.order), place))
    }

    async fn start_new(&self, input: &SagaInput) -> Result<Start, Error> {
        let slot = tokio::time::timeout(START_SLOT_WAIT, self.start_slots.acquire());
        let _slot = slot.await.map_err(|_| Error::Overloaded)?;
        self.temporal.start(input).await.map_err(Error::MayHaveStarted)
    }

    /// Joins the workflow that exists under this key, as `key_owner` decides.
    async fn join(&self, input: &SagaInput) -> Result<(), Error> {
        let order = &input.order;
        let Some(info) = self.describe_or_start(input).await? else { return Ok(()) };
        match join(self.owner(&info, order).await?, info.state) {
            Join::Wait => {}
            Join::KeyReused => return Err(Error::KeyReused),
            Join::StartAgain => {
                self.temporal.start_after_abort(input).await.map_err(Error::MayHaveStarted)?;
            }
            Join::WaitAndCompare => {
                let outcome = self.outcome_in_time(&order.saga_id).await?;
                if rerun(outcome.as_ref(), &order.fingerprint) == Rerun::Needed {
                    self.temporal.start_unless_running(input).await.map_err(Error::MayHaveStarted)?;
                }
            }
        }
        Ok(())
    }

    /// The workflow under this key. If it does not exist (an earlier request could not start it, or its retention has
    /// just ended), this function starts it and returns `None`, because there is no workflow to join.
    async fn describe_or_start(&self, input: &SagaInput) -> Result<Option<WorkflowInfo>, Error> {
        let saga = &input.order.saga_id;
        if let Some(info) = self.temporal.describe(saga).await? {
            return Ok(Some(info));
        }
        if self.start_new(input).await? == Start::Started {
            return Ok(None);
        }
        match self.temporal.describe(saga).await? {
            Some(info) => Ok(Some(info)),
            None => Err(TemporalError::Disappeared.into()),
        }
    }

    async fn owner(&self, info: &WorkflowInfo, order: &SagaOrder) -> Result<Owner, Error> {
        if info.belongs_to(&order.fingerprint) {
            return Ok(Owner::Workflow);
        }
        let row = self.services.find_order(&order.saga_id).await?;
        Ok(if row.is_some_and(|row| row.fingerprint == order.fingerprint) { Owner::Row } else { Owner::Other })
    }

    async fn outcome_in_time(&self, saga: &SagaId) -> Result<Option<SagaOutcome>, Error> {
        let ended = tokio::time::timeout(self.limits.wait, self.temporal.outcome(saga)).await;
        Ok(ended.map_err(|_| Error::Conflict)??)
    }

    /// `None` if the outcome is not known within the time limit or before the process stops accepting connections.
    async fn wait_for(&self, saga: &SagaId, place: OwnedSemaphorePermit) -> Option<SagaOutcome> {
        let outcome = tokio::select! {
            outcome = tokio::time::timeout(self.limits.wait, self.temporal.outcome(saga)) => outcome.ok()?,
            () = self.lifecycle.stopped_accepting() => return None,
        };
        drop(place);
        let log = |error: &TemporalError| {
            tracing::warn!(error = error_chain(error), "cannot read an outcome; the client has to poll");
        };
        outcome.inspect_err(log).ok()?
    }
}

fn saga_order(saga: &SagaId, request: PlaceOrder) -> SagaOrder {
    SagaOrder {
        fingerprint: request.fingerprint(),
        order_id: OrderId::of(saga),
        payment_id: PaymentId::of(saga),
        saga_id: saga.clone(),
        customer_id: request.customer_id,
        product_id: request.product_id,
        quantity: request.quantity,
        amount: request.amount,
        payment_method: request.payment_method,
    }
}
