//! A call is delayed past its time-out. It arrives after the order is decided, and must change nothing.

use std::time::Duration;

use checker::Ledgers;
use end_to_end::steps::{
    ORDER_LIMIT, Outcome, STEPS, Step, cancel_order, final_answer, one_unit_paid_by, start_order, step_named,
};
use end_to_end::{Service, TestSystem};
use futures::future::join_all;
use harness::faults::{Action, Call, Gate};
use harness::wait;
use orchestrator_temporal::table::Kind;

use crate::steps::{faulty_calls, run_to_end};

/// The steps before the payment, and the payment.
fn up_to_the_pivot() -> Vec<Step> {
    STEPS.into_iter().filter(|step| step.kind != Kind::UntilDone).collect()
}

/// The outcome of the order that tests this step. For a forward step, it is undone before the late call arrives.
fn undone_outcome(step: Step) -> Outcome {
    match step.kind {
        Kind::Pivot => Outcome::Cancelled,
        Kind::Compensatable => Outcome::Declined,
        Kind::UntilDone => step.outcome,
    }
}

fn key_of(step: Step) -> String {
    format!("late-{}", step.name.replace('.', "-"))
}

/// The content of all ledgers.
async fn ledgers(system: &TestSystem) -> String {
    format!("{:#?}", Ledgers::read(&system.databases).await.expect("the ledgers can be read"))
}

/// Opens the gate, waits until all held calls have ended, and returns them. Panics if they changed a ledger.
async fn deliver_late_calls(system: &TestSystem, gate: &Gate, steps: &[Step]) -> Vec<(Step, Vec<Call>)> {
    let before = ledgers(system).await;
    gate.release();
    let ended = steps.iter().map(async |step| (*step, faulty_calls(*step, system, &key_of(*step)).await));
    let ended = join_all(ended).await;
    assert_eq!(before, ledgers(system).await, "a late call changed a ledger");
    system.wait_until_finished().await;
    ended
}

fn assert_refused(step: Step, call: &Call, reason: &str) {
    let reply = call.effects.first().unwrap_or_else(|| panic!("{}: the call did not arrive: {call}", step.name));
    let answer = (reply.status, reply.json()["code"].clone(), reply.json()["reason"].clone());
    assert_eq!(answer, (409, "SAGA_CANCELLED".into(), reason.into()), "{}: {call}", step.name);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_arrives_after_the_order_has_ended_changes_nothing() {
    let system = TestSystem::builder().env(Service::Orchestrator, "SAGA_DEADLINE_MS", 600_000).start().await;
    let gate = Gate::new();
    let orders = STEPS.iter().map(async |step| {
        let key = key_of(*step);
        step.proxy(&system).add(step.rule(&system, &key).nth(1).then(Action::HoldRequest(gate.clone())));
        let outcome = undone_outcome(*step);
        assert_eq!(run_to_end(&system, &key, outcome).await.status_and_code(), outcome.expected_answer(), "{key}");
    });
    join_all(orders).await;
    system.wait_until_finished().await;

    for (step, calls) in deliver_late_calls(&system, &gate, &STEPS).await {
        assert_eq!(calls.len(), 1, "{}", step.name);
        if step.kind != Kind::UntilDone {
            assert_refused(step, &calls[0], undone_outcome(step).expected_answer().1);
        } else {
            let status = calls[0].effects.first().map(|reply| reply.status);
            assert_eq!(status, Some(200), "the answer to the repeated {} differs: {}", step.name, calls[0]);
        }
    }
    println!("{} cases", STEPS.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_first_arrives_after_its_undo_is_refused() {
    let system = TestSystem::builder().env(Service::Orchestrator, "SAGA_DEADLINE_MS", 600_000).start().await;
    hold_until_undone(&system, "CANCELLED_BY_CUSTOMER", async |step| {
        // The third call is a durable attempt.
        wait::until("three held calls", ORDER_LIMIT, async || step.calls(&system, &key_of(step)).len() >= 3).await;
        assert_eq!(cancel_order(&system, &key_of(step)).await.status, 202, "{}", step.name);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_first_arrives_after_the_deadline_is_refused() {
    let system = TestSystem::builder().env(Service::Orchestrator, "SAGA_DEADLINE_MS", 20_000).start().await;
    hold_until_undone(&system, "DEADLINE_EXCEEDED", async |_| {}).await;
}

/// Holds all calls to each forward step until its order was undone for this reason and ended. `undo` starts the undo.
async fn hold_until_undone(system: &TestSystem, reason: &str, undo: impl AsyncFn(Step)) {
    let (gate, steps) = (Gate::new(), up_to_the_pivot());
    let orders = steps.iter().map(async |step| {
        let (key, body) = (key_of(*step), one_unit_paid_by("CARD"));
        step.proxy(system).add(step.rule(system, &key).then(Action::HoldRequest(gate.clone())));
        start_order(system, &key, &body).await;
        undo(*step).await;
        assert_eq!(final_answer(system, &key, &body).await.status_and_code(), (409, reason), "{key}");
    });
    join_all(orders).await;
    assert_eq!(system.wait_until_finished().await.cancelled, steps.len());

    for (step, calls) in deliver_late_calls(system, &gate, &steps).await {
        assert!(!calls.is_empty(), "{} was never called", step.name);
        for call in &calls {
            assert_refused(step, call, reason);
        }
    }
    assert_eq!(system.stock(1).await, (100, 0));
    println!("{} cases", steps.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_that_arrives_after_the_payment_is_answered_already_paid_and_changes_nothing() {
    let system = TestSystem::start().await;
    let (gate, decide, pay) = (Gate::new(), step_named("payment.cancel"), step_named("payment.pay"));
    // The answer to the payment is held, so the order is still PENDING when the cancellation arrives.
    let paying = Gate::new();
    pay.proxy(&system).add(pay.rule(&system, "late-delete").then(Action::HoldReply(paying.clone())));
    decide.proxy(&system).add(decide.rule(&system, "late-delete").then(Action::HoldRequest(gate.clone())));
    start_order(&system, "late-delete", &one_unit_paid_by("CARD")).await;
    paying.wait_arrived(1).await;

    let release = async {
        gate.wait_arrived(1).await;
        paying.release();
        let confirmed = async || system.follow("late-delete").await.text("status") == "CONFIRMED";
        wait::until("the order to be confirmed", Duration::from_secs(60), confirmed).await;
        gate.release();
    };
    // On a slow machine, the orchestrator may stop waiting for the held call. Its 503 answer then promises no outcome.
    let (reply, ()) = futures::join!(system.cancel("late-delete"), release);
    let agrees = matches!(reply.status_and_code(), (409, "ORDER_ALREADY_PAID") | (503, "SERVICE_UNAVAILABLE"));
    assert!(agrees, "{reply:?}");
    let late = faulty_calls(decide, &system, "late-delete").await;
    assert_eq!(late[0].effects.first().map(|reply| reply.json()["code"].clone()), Some("ORDER_ALREADY_PAID".into()));
    assert_eq!(system.wait_until_finished().await.confirmed, 1);
}
