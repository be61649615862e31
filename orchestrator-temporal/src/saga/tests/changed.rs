//! Copies of the saga's path to CONFIRMED with one change each. Replay must refuse each; otherwise it proves nothing.

use std::time::Duration;

use common::contract::order::OrderStatus;
use temporalio_macros::{workflow, workflow_methods};
use temporalio_sdk::workflow_replayer::{WorkflowReplayError, WorkflowReplayFailure, WorkflowReplayerOptions};
use temporalio_sdk::workflows::join;
use temporalio_sdk::{WorkflowContext, WorkflowResult};
use temporalio_workflow::TimerOptions;

use super::super::activities::{Activities, StepCall};
use super::super::policy::quick;
use super::super::{SagaInput, SagaOutcome};
use super::histories::{recorded_outcome, replay};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Change {
    #[default]
    Nothing,
    PayFirst,
    WithoutOrderConfirm,
    StockConfirmTwice,
    TimerBeforePay,
}

#[workflow]
#[derive(Default)]
struct ChangedSaga {
    change: Change,
}

#[workflow_methods]
impl ChangedSaga {
    #[run(name = "OrderSaga")]
    async fn run(ctx: &mut WorkflowContext<Self>, input: SagaInput) -> WorkflowResult<SagaOutcome> {
        let change = ctx.state(|saga| saga.change);
        let step = || StepCall { order: input.order.clone(), trace: input.trace.clone() };
        if change == Change::PayFirst {
            ctx.execute_local_activity(Activities::payment_pay, step(), quick()).await?;
        }
        let created = ctx.execute_local_activity(Activities::order_create, step(), quick());
        let reserved = ctx.execute_local_activity(Activities::stock_reserve, step(), quick());
        let (created, reserved) = join!(created, reserved);
        let order_id = created?;
        reserved?;
        if change == Change::TimerBeforePay {
            ctx.timer(TimerOptions::builder(Duration::from_secs(1)).build()).await;
        }
        if change != Change::PayFirst {
            ctx.execute_local_activity(Activities::payment_pay, step(), quick()).await?;
        }
        match change {
            Change::WithoutOrderConfirm => {
                ctx.execute_local_activity(Activities::stock_confirm, step(), quick()).await?;
            }
            Change::StockConfirmTwice => {
                let first = ctx.execute_local_activity(Activities::stock_confirm, step(), quick());
                let second = ctx.execute_local_activity(Activities::stock_confirm, step(), quick());
                let (first, second) = join!(first, second);
                first.and(second)?;
            }
            _ => {
                let order = ctx.execute_local_activity(Activities::order_confirm, step(), quick());
                let stock = ctx.execute_local_activity(Activities::stock_confirm, step(), quick());
                let (order, stock) = join!(order, stock);
                order?;
                stock?;
            }
        }
        let payment_id = input.order.payment_id;
        let fingerprint = input.order.fingerprint;
        Ok(SagaOutcome { status: OrderStatus::Confirmed, order_id, payment_id, code: None, fingerprint })
    }
}

async fn replay_confirmed(change: Change) -> Result<Option<SagaOutcome>, WorkflowReplayError> {
    let options = WorkflowReplayerOptions::new()
        .register_workflow_with_factory::<ChangedSaga, _>(move || ChangedSaga { change })
        .expect("it can be registered");
    replay("confirmed", options.build()).await
}

#[tokio::test]
async fn an_unchanged_copy_of_the_saga_replays() {
    let outcome = replay_confirmed(Change::Nothing).await.expect("nothing was changed");
    assert_eq!(outcome, Some(recorded_outcome("confirmed").await));
}

#[tokio::test]
async fn a_changed_saga_is_refused() {
    for change in [Change::PayFirst, Change::WithoutOrderConfirm, Change::StockConfirmTwice, Change::TimerBeforePay] {
        let result = replay_confirmed(change).await;
        // A step that gets the answer to another step cannot read it. Replay reports that as a task failure.
        let refused = matches!(
            &result,
            Err(WorkflowReplayError::Replay(
                WorkflowReplayFailure::Nondeterminism { .. } | WorkflowReplayFailure::WorkflowTaskFailure { .. }
            ))
        );
        assert!(refused, "{change:?}: {result:?}");
    }
}
