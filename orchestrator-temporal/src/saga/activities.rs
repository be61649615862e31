//! The steps as Temporal runs them: one call of a service each. Their names are in histories: never rename one.

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

use super::policy;
use crate::clients::{CallError, Decision, Services};

/// The input of a forward step.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StepCall {
    pub(crate) order: SagaOrder,
    pub(crate) trace: TraceContext,
}

/// The input of an undo.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UndoCall {
    pub(crate) undo: UndoRequest,
    pub(crate) trace: TraceContext,
}

/// The steps, with the services that they call.
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
    /// Stage 1.
    #[activity(name = "order.create")]
    pub(crate) async fn order_create(
        self: Arc<Self>,
        ctx: ActivityContext,
        call: StepCall,
    ) -> Result<OrderId, ActivityError> {
        refusable(&ctx, self.services.create_order(&call.order, &call.trace)).await
    }

    /// Its undo.
    #[activity(name = "order.cancel")]
    pub(crate) async fn order_cancel(
        self: Arc<Self>,
        ctx: ActivityContext,
        call: UndoCall,
    ) -> Result<(), ActivityError> {
        until_done(&ctx, ours_only(self.services.cancel_order(&call.undo, &call.trace))).await
    }

    /// Stage 1, beside `order.create`.
    #[activity(name = "stock.reserve")]
    pub(crate) async fn stock_reserve(
        self: Arc<Self>,
        ctx: ActivityContext,
        call: StepCall,
    ) -> Result<(), ActivityError> {
        refusable(&ctx, self.services.reserve_stock(&call.order, &call.trace)).await
    }

    /// Its undo.
    #[activity(name = "stock.release")]
    pub(crate) async fn stock_release(
        self: Arc<Self>,
        ctx: ActivityContext,
        call: UndoCall,
    ) -> Result<(), ActivityError> {
        until_done(&ctx, ours_only(self.services.release_stock(&call.undo, &call.trace))).await
    }

    /// Stage 2, the pivot.
    #[activity(name = "payment.pay")]
    pub(crate) async fn payment_pay(
        self: Arc<Self>,
        ctx: ActivityContext,
        call: StepCall,
    ) -> Result<PaymentId, ActivityError> {
        refusable(&ctx, self.services.pay(&call.order, &call.trace)).await
    }

    /// Its undo: the decision.
    #[activity(name = "payment.cancel")]
    pub(crate) async fn payment_cancel(
        self: Arc<Self>,
        ctx: ActivityContext,
        call: UndoCall,
    ) -> Result<Decision, ActivityError> {
        until_done(&ctx, self.services.cancel_payment(&call.undo, &call.trace)).await
    }

    /// What is left of its undo once it is decided.
    #[activity(name = "payment.settle")]
    pub(crate) async fn payment_settle(
        self: Arc<Self>,
        ctx: ActivityContext,
        call: UndoCall,
    ) -> Result<(), ActivityError> {
        until_done(&ctx, ours_only(self.services.settle_payment(&call.undo, &call.trace))).await
    }

    /// Stage 3.
    #[activity(name = "order.confirm")]
    pub(crate) async fn order_confirm(
        self: Arc<Self>,
        ctx: ActivityContext,
        call: StepCall,
    ) -> Result<OrderId, ActivityError> {
        until_done(&ctx, self.services.confirm_order(&call.order, &call.trace)).await
    }

    /// Stage 3, beside `order.confirm`.
    #[activity(name = "stock.confirm")]
    pub(crate) async fn stock_confirm(
        self: Arc<Self>,
        ctx: ActivityContext,
        call: StepCall,
    ) -> Result<(), ActivityError> {
        until_done(&ctx, self.services.confirm_stock(&call.order, &call.trace)).await
    }
}

/// A step before the pivot: a listed refusal is final.
async fn refusable<T>(
    ctx: &ActivityContext,
    call: impl Future<Output = Result<T, CallError>>,
) -> Result<T, ActivityError> {
    run(ctx, call).await?.map_err(|error| match error {
        CallError::Refused(refusal) => failure(refusal.final_code(), &refusal.to_string(), true),
        CallError::Failed { code, detail } => failure(&code, &detail, false),
    })
}

/// An undo, or a step after the pivot: whatever happens, it is tried again. A refusal there is an alarm.
async fn until_done<T>(
    ctx: &ActivityContext,
    call: impl Future<Output = Result<T, CallError>>,
) -> Result<T, ActivityError> {
    run(ctx, call).await?.map_err(|error| match error {
        CallError::Refused(refusal) => {
            let step = ctx.info().activity_type.clone();
            tracing::error!(step, code = %refusal.code, "a step that must not be refused was refused");
            metrics::counter!("saga_refused_after_decision_total", "step" => step).increment(1);
            failure(&refusal.code, &refusal.to_string(), false)
        }
        CallError::Failed { code, detail } => failure(&code, &detail, false),
    })
}

/// A row that belongs to another request with our key is left alone: of ours there is nothing to undo in it.
async fn ours_only(call: impl Future<Output = Result<(), CallError>>) -> Result<(), CallError> {
    match call.await {
        Err(CallError::Refused(refusal)) if refusal.code == Code::IDEMPOTENCY_KEY_REUSED => Ok(()),
        result => result,
    }
}

/// Every body stops when it is cancelled: one that went on could have its effect after its undo.
async fn run<T>(
    ctx: &ActivityContext,
    call: impl Future<Output = Result<T, CallError>>,
) -> Result<Result<T, CallError>, ActivityError> {
    let info = ctx.info();
    let span = tracing::info_span!(
        "step",
        step = info.activity_type,
        saga_id = info.workflow_id.as_deref().unwrap_or_default(),
        attempt = info.attempt,
        local = info.is_local,
    );
    let limit = policy::attempt(&info.activity_type);
    let result = tokio::select! {
        result = tokio::time::timeout(limit, call.instrument(span.clone())) => result.unwrap_or_else(|_| Err(late(limit))),
        () = ctx.cancelled() => return Err(ActivityError::cancelled()),
    };
    let outcome = match &result {
        Ok(_) => "done",
        Err(CallError::Refused(refusal)) => refusal.code.as_str(),
        Err(CallError::Failed { .. }) => "error",
    };
    metrics::counter!(
        "saga_step_calls_total", "step" => info.activity_type.clone(), "outcome" => outcome.to_owned()
    )
    .increment(1);
    if let Err(CallError::Failed { code, detail }) = &result {
        span.in_scope(|| tracing::warn!(%code, detail, "the step will be tried again"));
    }
    Ok(result)
}

fn late(limit: Duration) -> CallError {
    CallError::Failed { code: Code::SERVICE_UNAVAILABLE, detail: format!("no answer within {} s", limit.as_secs()) }
}

fn failure(code: &Code, detail: &str, is_final: bool) -> ActivityError {
    ApplicationFailure::builder(detail.to_owned()).type_name(code.to_string()).non_retryable(is_final).build().into()
}
