//! The order saga, as `table.rs` describes it.
//!
//! The code is deterministic: it must use no clock, no random numbers and no I/O. Replay tests with the committed
//! histories check this.

use std::time::Duration;

use common::contract::order::OrderStatus;
use common::contract::{Code, UndoRequest};
use common::ids::PaymentId;
use temporalio_macros::{workflow, workflow_methods};
use temporalio_sdk::workflows::{join, join_all};
use temporalio_sdk::{WorkflowContext, WorkflowContextView, WorkflowResult};

use super::activities::{Activities, StepCall, UndoCall};
use super::steps::{Steps, Stop};
use super::table::Step;
use super::{Decision, SagaInput, SagaOutcome};

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

    /// Runs the saga. The workflow completes whatever the outcome is; a failed workflow is a bug.
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
async fn forward(steps: &Steps<OrderSaga>, input: &SagaInput) -> Result<PaymentId, Stop> {
    let stage = steps.stage();
    let created = stage.forward(Step::OrderCreate, Activities::order_create, step_call(input));
    let reserved = stage.forward(Step::StockReserve, Activities::stock_reserve, step_call(input));
    stage.both(created, reserved).await?;

    steps.stage().forward(Step::PaymentPay, Activities::payment_pay, step_call(input)).await
}

/// Stage 3. The order is paid, so it can only go forward.
async fn confirm(steps: &Steps<OrderSaga>, input: &SagaInput, payment_id: PaymentId) -> SagaOutcome {
    let order = steps.until_done(Step::OrderConfirm, Activities::order_confirm, step_call(input));
    let stock = steps.until_done(Step::StockConfirm, Activities::stock_confirm, step_call(input));
    let (order_id, ()) = join!(order, stock);
    let fingerprint = input.order.fingerprint.clone();
    SagaOutcome { status: OrderStatus::Confirmed, order_id, payment_id, code: None, fingerprint }
}

/// Undoes the order, unless `payment.cancel` finds that it is paid.
async fn undo(steps: &Steps<OrderSaga>, input: &SagaInput, reason: Code) -> SagaOutcome {
    let call = undo_call(input, reason);
    match steps.until_done(Step::PaymentCancel, Activities::payment_cancel, call).await {
        Decision::Confirm => {
            let paid = steps.until_done(Step::PaymentPay, Activities::payment_pay, step_call(input));
            confirm(steps, input, paid.await).await
        }
        Decision::Cancel { reason, must_void } => {
            undo_all(steps, input, &reason, must_void).await;
            SagaOutcome {
                status: OrderStatus::Cancelled,
                order_id: input.order.order_id,
                payment_id: input.order.payment_id,
                code: Some(reason),
                fingerprint: input.order.fingerprint.clone(),
            }
        }
    }
}

/// Runs all undos of the table at the same time, even if this run has not called the steps that they undo. A call may
/// have taken effect although its answer was lost, and after a crash the local activities run again from the first one.
async fn undo_all(steps: &Steps<OrderSaga>, input: &SagaInput, reason: &Code, must_void: bool) {
    let needed = Step::undos().filter(|undo| is_needed(*undo, must_void));
    join_all(needed.map(|undo| run_undo(steps, undo, undo_call(input, reason.clone())))).await;
}

fn is_needed(undo: Step, must_void: bool) -> bool {
    match undo {
        Step::StockRelease | Step::OrderCancel => true,
        Step::PaymentVoid => must_void,
        // `payment.cancel` has already run, because its decision comes before all other undos.
        Step::PaymentCancel => false,
        Step::OrderCreate | Step::StockReserve | Step::PaymentPay | Step::OrderConfirm | Step::StockConfirm => false,
    }
}

async fn run_undo(steps: &Steps<OrderSaga>, undo: Step, call: UndoCall) {
    match undo {
        Step::PaymentVoid => steps.until_done(undo, Activities::payment_void, call).await,
        Step::StockRelease => steps.until_done(undo, Activities::stock_release, call).await,
        Step::OrderCancel => steps.until_done(undo, Activities::order_cancel, call).await,
        // `is_needed` excludes `payment.cancel`, and a test asserts that none of the others is an undo in the table.
        Step::PaymentCancel
        | Step::OrderCreate
        | Step::StockReserve
        | Step::PaymentPay
        | Step::OrderConfirm
        | Step::StockConfirm => {}
    }
}

fn reason(stop: Stop) -> Code {
    match stop {
        Stop::Refused(code) => code,
        Stop::CancelRequested => Code::CANCELLED_BY_CUSTOMER,
        Stop::Deadline => Code::DEADLINE_EXCEEDED,
        // This does not happen: `Stage::both` returns the refusal of the other step instead.
        Stop::OtherStepRefused => Code::SAGA_CANCELLED,
    }
}

fn step_call(input: &SagaInput) -> StepCall {
    StepCall { order: input.order.clone(), trace: input.trace.clone() }
}

fn undo_call(input: &SagaInput, reason: Code) -> UndoCall {
    UndoCall { undo: UndoRequest { order: input.order.clone(), reason }, trace: input.trace.clone() }
}
