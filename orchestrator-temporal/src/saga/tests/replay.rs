//! Every committed history can be replayed, and there is a history for every path of the saga.

use temporalio_common::protos::temporal::api::enums::v1::EventType;
use temporalio_sdk::workflow_replayer::WorkflowReplayerOptions;

use super::super::OrderSaga;
use super::histories::{all, events, recorded_outcome, replay, texts};

/// The paths of a saga, each with a history. `CONTRIBUTING.md` says how to record them.
const PATHS: [&str; 32] = [
    "both_first_steps_durable",
    "cancelled_after_the_payment_goes_forward",
    "cancelled_as_the_payment_begins",
    "cancelled_by_temporal_before_the_payment",
    "cancelled_by_temporal_in_the_first_stage",
    "cancelled_while_the_payment_waits",
    "confirm_retried",
    "confirmed",
    "deadline_after_the_payment_goes_forward",
    "deadline_between_quick_attempts",
    "deadline_in_the_payment",
    "deadline_while_the_payment_cannot_be_reached",
    "decision_retried",
    "durable_then_refused",
    "key_reused_after_the_retention",
    "order_create_durable",
    "pay_answer_lost_at_the_gateway",
    "pay_durable",
    "refused_again_after_the_retention",
    "refused_amount_mismatch",
    "refused_while_the_other_step_is_durable",
    "refused_insufficient_stock",
    "refused_payment_declined",
    "refused_unknown_product",
    "repeated_after_the_retention",
    "void_retried",
    "stock_reserve_durable",
    "undo_retried",
    "worker_killed_during_quick_attempts",
    "worker_killed_during_undos",
    "worker_killed_until_after_the_deadline",
    "worker_killed_during_durable_attempts",
];

#[test]
fn every_path_of_the_saga_has_a_history() {
    let all = all();
    let missing: Vec<_> = PATHS.iter().filter(|name| !all.contains(**name)).collect();
    assert!(missing.is_empty(), "tests/histories has no history for {missing:?}: see CONTRIBUTING.md");
}

#[tokio::test]
async fn every_committed_history_replays_to_the_outcome_it_ended_with() {
    let mut refused = Vec::new();
    for name in all() {
        let options = WorkflowReplayerOptions::new().register_workflow::<OrderSaga>().expect("it can be registered");
        match replay(&name, options.build()).await {
            Ok(Some(outcome)) if outcome == recorded_outcome(&name).await => {}
            other => refused.push(format!("{name}.json: {other:?}")),
        }
    }
    assert!(refused.is_empty(), "{} histories are refused:\n{}", refused.len(), refused.join("\n"));
}

/// The cost of a saga whose quick attempts all succeed.
#[tokio::test]
async fn an_undisturbed_order_takes_one_workflow_task_and_at_most_15_events() {
    for name in all().iter().filter(|name| *name == "confirmed" || name.starts_with("refused_")) {
        let kinds: Vec<EventType> = events(name).await.iter().map(|event| event.event_type()).collect();
        let count = |kind| kinds.iter().filter(|&&one| one == kind).count();
        assert!(kinds.len() <= 15, "{name}: {} events", kinds.len());
        assert_eq!(count(EventType::WorkflowTaskCompleted), 1, "{name}");
        assert_eq!(count(EventType::ActivityTaskScheduled), 0, "{name}");
    }
}

#[test]
fn no_history_names_the_machine_on_which_it_was_recorded() {
    let folders = ["ro", "ho", "wo", "Us", "tm"].map(|begin| format!("/{begin}"));
    for name in all() {
        for text in texts(&name) {
            let names_machine = text.contains('@') || folders.iter().any(|folder| text.starts_with(folder));
            assert!(!names_machine, "{name}.json: {text}");
        }
    }
}
