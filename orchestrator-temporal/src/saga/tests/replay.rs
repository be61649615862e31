//! Every committed history replays, and every kind of history is there.

use temporalio_common::protos::temporal::api::enums::v1::EventType;
use temporalio_sdk::workflow_replayer::WorkflowReplayerOptions;

use super::super::{OrderSaga, SagaOutcome};
use super::histories::{all, events, recorded_outcome, replay, texts};

/// The paths that a saga can take; each has a history. `CONTRIBUTING.md` says how they are recorded.
const PATHS: [&str; 32] = [
    "both_handed_over",
    "cancelled_after_the_payment_goes_forward",
    "cancelled_as_the_payment_begins",
    "cancelled_by_temporal_before_the_payment",
    "cancelled_by_temporal_in_the_first_stage",
    "cancelled_while_the_payment_waits",
    "confirm_retried",
    "confirmed",
    "deadline_after_the_payment_goes_forward",
    "deadline_between_quick_steps",
    "deadline_in_the_payment",
    "deadline_while_the_payment_cannot_be_reached",
    "decision_retried",
    "handed_over_then_refused",
    "key_reused_after_the_retention",
    "order_create_handed_over",
    "pay_answer_lost_at_the_gateway",
    "pay_handed_over",
    "refused_again_after_the_retention",
    "refused_amount_mismatch",
    "refused_beside_an_unreachable_step",
    "refused_insufficient_stock",
    "refused_payment_declined",
    "refused_unknown_product",
    "repeated_after_the_retention",
    "settle_retried",
    "stock_reserve_handed_over",
    "undo_retried",
    "worker_killed_among_quick_steps",
    "worker_killed_among_undos",
    "worker_killed_until_after_the_deadline",
    "worker_killed_while_handed_over",
];

#[test]
fn every_path_of_the_saga_has_a_history() {
    let all = all();
    let missing: Vec<_> = PATHS.iter().filter(|name| !all.contains(**name)).collect();
    assert!(missing.is_empty(), "no history of {missing:?} in tests/histories: see CONTRIBUTING.md");
}

#[tokio::test]
async fn every_committed_history_replays_to_the_outcome_it_ended_with() {
    let mut refused = Vec::new();
    for name in all() {
        let options = WorkflowReplayerOptions::new().register_workflow::<OrderSaga>().expect("it can be registered");
        match replay(&name, options.build()).await {
            Ok(Some(outcome)) if is_same(outcome.clone(), &recorded_outcome(&name).await) => {}
            other => refused.push(format!("{name}.json: {other:?}")),
        }
    }
    assert!(refused.is_empty(), "{} histories are refused:\n{}", refused.len(), refused.join("\n"));
}

/// An outcome that an older release has recorded does not say whose it is.
fn is_same(mut replayed: SagaOutcome, recorded: &SagaOutcome) -> bool {
    replayed.fingerprint = replayed.fingerprint.filter(|_| recorded.fingerprint.is_some());
    replayed == *recorded
}

/// Since these replay, a saga whose steps all answer quickly takes just this much of Temporal.
#[tokio::test]
async fn an_order_that_nothing_disturbs_is_one_workflow_task_of_at_most_15_events() {
    for name in all().iter().filter(|name| *name == "confirmed" || name.starts_with("refused_")) {
        let kinds: Vec<EventType> = events(name).await.iter().map(|event| event.event_type()).collect();
        let count = |kind| kinds.iter().filter(|&&one| one == kind).count();
        assert!(kinds.len() <= 15, "{name}: {} events", kinds.len());
        assert_eq!(count(EventType::WorkflowTaskCompleted), 1, "{name}");
        assert_eq!(count(EventType::ActivityTaskScheduled), 0, "{name}");
    }
}

#[test]
fn no_history_names_the_machine_it_was_recorded_on() {
    let folders = ["ro", "ho", "wo", "Us", "tm"].map(|begin| format!("/{begin}"));
    for name in all() {
        for text in texts(&name) {
            let names_one = text.contains('@') || folders.iter().any(|folder| text.starts_with(folder));
            assert!(!names_one, "{name}.json: {text}");
        }
    }
}
