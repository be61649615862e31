//! The steps as Temporal activities: each makes one call to a service.

use std::sync::Arc;
use std::time::Duration;

use common::contract::{Code, SagaOrder, UndoRequest};
use common::ids::{OrderId, PaymentId};
use common::telemetry::trace::TraceContext;
use serde::{Deserialize, Serialize};
use temporalio_macros::activities;
use temporalio_sdk::ApplicationFailure;
use temporalio_sdk::activities::{ActivityContext, ActivityError};
use tracing::Instrument;

use super::Decision;
use super::table::{Kind, Step};
use crate::clients::{CallError, Services};

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StepCall {
    pub(crate) order: SagaOrder,
    pub(crate) trace: TraceContext,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UndoCall {
    pub(crate) undo: UndoRequest,
    pub(crate) trace: TraceContext,
}

pub(crate) struct Activities {
    services: Services,
}

impl Activities {
    pub(crate) fn new(services: Services) -> Self {
        Self { services }
    }
}

#[activities]
impl Activities {
    #[activity(name = Step::OrderCreate.name())]
    pub(crate) async fn order_create(
        self: Arc<Self>,
        ctx: ActivityContext,
        call: StepCall,
    ) -> Result<OrderId, ActivityError> {
        let created = call.trace.scope(self.services.create_order(&call.order));
        run(&ctx, Step::OrderCreate, created).await
    }

    #[activity(name = Step::OrderCancel.name())]
    pub(crate) async fn order_cancel(
        self: Arc<Self>,
        ctx: ActivityContext,
        call: UndoCall,
    ) -> Result<(), ActivityError> {
        let cancelled = call.trace.scope(self.services.cancel_order(&call.undo));
        run(&ctx, Step::OrderCancel, ignore_other_order(cancelled)).await
    }

    #[activity(name = Step::StockReserve.name())]
    pub(crate) async fn stock_reserve(
        self: Arc<Self>,
        ctx: ActivityContext,
        call: StepCall,
    ) -> Result<(), ActivityError> {
        let reserved = call.trace.scope(self.services.reserve_stock(&call.order));
        run(&ctx, Step::StockReserve, reserved).await
    }

    #[activity(name = Step::StockRelease.name())]
    pub(crate) async fn stock_release(
        self: Arc<Self>,
        ctx: ActivityContext,
        call: UndoCall,
    ) -> Result<(), ActivityError> {
        let released = call.trace.scope(self.services.release_stock(&call.undo));
        run(&ctx, Step::StockRelease, ignore_other_order(released)).await
    }

    #[activity(name = Step::PaymentPay.name())]
    pub(crate) async fn payment_pay(
        self: Arc<Self>,
        ctx: ActivityContext,
        call: StepCall,
    ) -> Result<PaymentId, ActivityError> {
        let paid = call.trace.scope(self.services.pay(&call.order));
        run(&ctx, Step::PaymentPay, paid).await
    }

    #[activity(name = Step::PaymentCancel.name())]
    pub(crate) async fn payment_cancel(
        self: Arc<Self>,
        ctx: ActivityContext,
        call: UndoCall,
    ) -> Result<Decision, ActivityError> {
        let decided = async { Decision::of(self.services.cancel_payment(&call.undo).await) };
        run(&ctx, Step::PaymentCancel, call.trace.scope(decided)).await
    }

    #[activity(name = Step::PaymentVoid.name())]
    pub(crate) async fn payment_void(
        self: Arc<Self>,
        ctx: ActivityContext,
        call: UndoCall,
    ) -> Result<(), ActivityError> {
        let voided = call.trace.scope(self.services.void_payment(&call.undo));
        run(&ctx, Step::PaymentVoid, ignore_other_order(voided)).await
    }

    #[activity(name = Step::OrderConfirm.name())]
    pub(crate) async fn order_confirm(
        self: Arc<Self>,
        ctx: ActivityContext,
        call: StepCall,
    ) -> Result<OrderId, ActivityError> {
        let confirmed = call.trace.scope(self.services.confirm_order(&call.order));
        run(&ctx, Step::OrderConfirm, confirmed).await
    }

    #[activity(name = Step::StockConfirm.name())]
    pub(crate) async fn stock_confirm(
        self: Arc<Self>,
        ctx: ActivityContext,
        call: StepCall,
    ) -> Result<(), ActivityError> {
        let confirmed = call.trace.scope(self.services.confirm_stock(&call.order));
        run(&ctx, Step::StockConfirm, confirmed).await
    }
}

/// Makes the call, and tells Temporal whether to retry it. The step's kind decides whether a refusal is final or a bug.
async fn run<T>(
    ctx: &ActivityContext,
    step: Step,
    call: impl Future<Output = Result<T, CallError>>,
) -> Result<T, ActivityError> {
    attempt(ctx, step, call).await?.map_err(|error| match error {
        CallError::Failed { code, detail } => failure(&code, &detail, false),
        CallError::Refused(refusal) => match step.row().kind {
            Kind::Compensatable | Kind::Pivot => failure(refusal.final_code(), &refusal.to_string(), true),
            Kind::UntilDone => {
                let name = step.name();
                tracing::error!(step = name, code = %refusal.code, "a step that must not be refused was refused");
                metrics::counter!("saga_refused_after_decision_total", "step" => name).increment(1);
                failure(&refusal.code, &refusal.to_string(), false)
            }
        },
    })
}

/// An undo must not change a row that belongs to another request with the same key, so it ignores this refusal.
async fn ignore_other_order(call: impl Future<Output = Result<(), CallError>>) -> Result<(), CallError> {
    match call.await {
        Err(CallError::Refused(refusal)) if refusal.code == Code::IDEMPOTENCY_KEY_REUSED => Ok(()),
        result => result,
    }
}

/// Makes the call within its time limit. A cancelled activity stops immediately: its effect must not follow its undo.
async fn attempt<T>(
    ctx: &ActivityContext,
    step: Step,
    call: impl Future<Output = Result<T, CallError>>,
) -> Result<Result<T, CallError>, ActivityError> {
    let info = ctx.info();
    let span = tracing::info_span!(
        "step",
        step = step.name(),
        saga_id = info.workflow_id.as_deref().unwrap_or_default(),
        attempt = info.attempt,
        local = info.is_local,
    );
    let limit = step.row().attempt_limit;
    let result = tokio::select! {
        result = tokio::time::timeout(limit, call.instrument(span.clone())) => {
            result.unwrap_or_else(|_| Err(no_answer(limit)))
        }
        () = ctx.cancelled() => return Err(ActivityError::cancelled()),
    };
    let outcome = match &result {
        Ok(_) => "done",
        Err(CallError::Refused(refusal)) => refusal.code.as_str(),
        Err(CallError::Failed { .. }) => "error",
    };
    metrics::counter!("saga_step_attempts_total", "step" => step.name(), "outcome" => outcome.to_owned()).increment(1);
    if let Err(CallError::Failed { code, detail }) = &result {
        span.in_scope(|| tracing::warn!(%code, detail, "the step failed and will be retried"));
    }
    Ok(result)
}

fn no_answer(limit: Duration) -> CallError {
    CallError::Failed { code: Code::SERVICE_UNAVAILABLE, detail: format!("no answer within {} s", limit.as_secs()) }
}

fn failure(code: &Code, detail: &str, is_final: bool) -> ActivityError {
    ApplicationFailure::builder(detail.to_owned()).type_name(code.to_string()).non_retryable(is_final).build().into()
}
