//! The order saga.
//!
//! | stage | forward | undo | kind |
//! |---|---|---|---|
//! | 1 (together) | `order.create` ∥ `stock.reserve` | `order.cancel`, `stock.release` | compensatable |
//! | 2 | `payment.pay` | `payment.cancel`, `payment.settle` | pivot |
//! | 3 (together) | `order.confirm` ∥ `stock.confirm` | none | tried until done |
//!
//! Deterministic: it may name neither a clock, nor chance, nor I/O. Replay tests over committed histories guard it.

use std::time::Duration;

use common::contract::order::OrderStatus;
use common::contract::{Code, UndoRequest};
use common::ids::PaymentId;
use temporalio_macros::{workflow, workflow_methods};
use temporalio_sdk::workflows::join;
use temporalio_sdk::{WorkflowContext, WorkflowContextView, WorkflowResult};

use super::activities::{Activities, StepCall, UndoCall};
use super::steps::{Steps, Stop};
use super::{SagaInput, SagaOutcome};
use crate::clients::Decision;

/// One order, from its start to CONFIRMED or CANCELLED.
#[workflow]
pub(crate) struct OrderSaga {
    input: SagaInput,
}

#[workflow_methods]
impl OrderSaga {
    #[init]
    fn new(_ctx: &WorkflowContextView, input: SagaInput) -> Self {
        Self { input }
    }

    /// Runs the saga. It completes whatever the outcome; a failure would be a bug.
    #[run(name = "OrderSaga")]
    pub(crate) async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<SagaOutcome> {
        let input = ctx.state(|saga| saga.input.clone());
        let steps = Steps::new(ctx, Duration::from_millis(input.deadline_ms));
        Ok(match forward(&steps, &input).await {
            Ok(payment_id) => confirm(&steps, &input, payment_id).await,
            Err(stop) => undo(&steps, &input, reason(stop)).await,
        })
    }
}

/// Stages 1 and 2, up to the pivot.
async fn forward(steps: &Steps, input: &SagaInput) -> Result<PaymentId, Stop> {
    let stage = steps.stage();
    let created = stage.step(Activities::order_create, step(input)); // undo: order.cancel
    let reserved = stage.step(Activities::stock_reserve, step(input)); // undo: stock.release
    stage.both(created, reserved).await?;

    steps.stage().step(Activities::payment_pay, step(input)).await // undo: payment.cancel, payment.settle
}

/// Stage 3, after the pivot: there is no way back.
async fn confirm(steps: &Steps, input: &SagaInput, payment_id: PaymentId) -> SagaOutcome {
    let order = steps.until_done(Activities::order_confirm, step(input));
    let stock = steps.until_done(Activities::stock_confirm, step(input));
    let (order_id, ()) = join!(order, stock);
    let fingerprint = Some(input.order.fingerprint.clone());
    SagaOutcome { status: OrderStatus::Confirmed, order_id, payment_id, code: None, fingerprint }
}

/// All undos, whatever this run remembers: a call whose answer was lost may have run, and a crash re-runs local
/// activities from the first. The payment row decides whether there is anything to undo.
async fn undo(steps: &Steps, input: &SagaInput, reason: Code) -> SagaOutcome {
    match steps.until_done(Activities::payment_cancel, undoing(input, reason)).await {
        Decision::AlreadyPaid => {
            let payment_id = steps.until_done(Activities::payment_pay, step(input)).await;
            confirm(steps, input, payment_id).await
        }
        Decision::Cancelled { reason, settle } => {
            let settled = async {
                if settle {
                    steps.until_done(Activities::payment_settle, undoing(input, reason.clone())).await;
                }
            };
            let released = steps.until_done(Activities::stock_release, undoing(input, reason.clone()));
            let cancelled = steps.until_done(Activities::order_cancel, undoing(input, reason.clone()));
            join!(settled, released, cancelled);
            SagaOutcome {
                status: OrderStatus::Cancelled,
                order_id: input.order.order_id,
                payment_id: input.order.payment_id,
                code: Some(reason),
                fingerprint: Some(input.order.fingerprint.clone()),
            }
        }
    }
}

fn reason(stop: Stop) -> Code {
    match stop {
        Stop::Refused(code) => code,
        Stop::Cancelled => Code::CANCELLED_BY_CUSTOMER,
        Stop::Deadline => Code::DEADLINE_EXCEEDED,
        // Only beside a refusal, which counts first.
        Stop::Sibling => Code::SAGA_CANCELLED,
    }
}

fn step(input: &SagaInput) -> StepCall {
    StepCall { order: input.order.clone(), trace: input.trace.clone() }
}

fn undoing(input: &SagaInput, reason: Code) -> UndoCall {
    UndoCall { undo: UndoRequest { order: input.order.clone(), reason }, trace: input.trace.clone() }
}
