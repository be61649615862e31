//! A call that was delayed past its time-out lands after everything is decided, and changes nothing.

use std::time::Duration;

use checker::Books;
use end_to_end::steps::{Ending, ORDER_LIMIT, STEPS, Step, begin, cancel, last_answer, named, one_piece};
use end_to_end::{Service, World};
use futures::future::join_all;
use harness::faults::{Action, Call, Gate};
use harness::wait;

use crate::steps::{run_to_end, struck};

/// The forward steps before the payment, and the payment.
const UP_TO_THE_PIVOT: [&str; 3] = ["order.create", "stock.reserve", "payment.pay"];

/// How an order ends whose forward steps are undone, so that a late call of them meets what their undo left.
fn undone(step: Step) -> Ending {
    match (step.name, step.ending) {
        ("payment.pay", _) => Ending::Cancelled,
        ("order.create" | "stock.reserve", _) => Ending::Declined,
        (_, ending) => ending,
    }
}

fn key_of(step: Step) -> String {
    format!("late-{}", step.name.replace('.', "-"))
}

/// Everything that stands in the databases.
async fn books(world: &World) -> String {
    format!("{:#?}", Books::read(&world.addresses).await.expect("the books can be read"))
}

/// Opens the gate, and waits until every held call has landed; fails if that changed anything.
async fn land(world: &World, gate: &Gate, steps: &[Step]) -> Vec<(Step, Vec<Call>)> {
    let before = books(world).await;
    gate.release();
    let landed = join_all(steps.iter().map(async |step| (*step, struck(*step, world, &key_of(*step)).await))).await;
    assert_eq!(before, books(world).await, "a late call changed something");
    world.settled().await;
    landed
}

fn assert_refused(step: Step, call: &Call, reason: &str) {
    let reply = call.effects.first().unwrap_or_else(|| panic!("{}: it did not land: {call}", step.name));
    let said = (reply.status, reply.json()["code"].clone(), reply.json()["reason"].clone());
    assert_eq!(said, (409, "SAGA_CANCELLED".into(), reason.into()), "{}: {call}", step.name);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_lands_after_the_order_has_ended_changes_nothing() {
    let world = World::builder().env(Service::Orchestrator, "SAGA_DEADLINE_MS", 600_000).start().await;
    let gate = Gate::new();
    let orders = STEPS.iter().map(async |step| {
        let key = key_of(*step);
        step.proxy(&world).add(step.rule(&world, &key).nth(1).then(Action::HoldRequest(gate.clone())));
        let ending = undone(*step);
        assert_eq!(run_to_end(&world, &key, ending).await.brief(), ending.answer(), "{key}");
    });
    join_all(orders).await;
    world.settled().await;

    for (step, calls) in land(&world, &gate, &STEPS).await {
        assert_eq!(calls.len(), 1, "{}", step.name);
        if UP_TO_THE_PIVOT.contains(&step.name) {
            assert_refused(step, &calls[0], undone(step).answer().1);
        } else {
            let status = calls[0].effects.first().map(|reply| reply.status);
            assert_eq!(status, Some(200), "{}: repeated, it is answered as before: {}", step.name, calls[0]);
        }
    }
    println!("{} cases", STEPS.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_lands_for_the_first_time_after_its_undo_is_refused() {
    let world = World::builder().env(Service::Orchestrator, "SAGA_DEADLINE_MS", 600_000).start().await;
    hold_until_undone(&world, "CANCELLED_BY_CUSTOMER", async |step| {
        // By then the quick tries are over: the step waits as a regular activity.
        wait::until("three held calls", ORDER_LIMIT, async || step.calls(&world, &key_of(step)).len() >= 3).await;
        assert_eq!(cancel(&world, &key_of(step)).await.status, 202, "{}", step.name);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_lands_for_the_first_time_after_the_deadline_is_refused() {
    let world = World::builder().env(Service::Orchestrator, "SAGA_DEADLINE_MS", 20_000).start().await;
    hold_until_undone(&world, "DEADLINE_EXCEEDED", async |_| {}).await;
}

/// Holds every call of a forward step until the order has ended, undone for this reason.
async fn hold_until_undone(world: &World, reason: &str, stop: impl AsyncFn(Step)) {
    let (gate, steps) = (Gate::new(), UP_TO_THE_PIVOT.map(named));
    let orders = steps.iter().map(async |step| {
        let (key, body) = (key_of(*step), one_piece("CARD"));
        step.proxy(world).add(step.rule(world, &key).then(Action::HoldRequest(gate.clone())));
        begin(world, &key, &body).await;
        stop(*step).await;
        assert_eq!(last_answer(world, &key, &body).await.brief(), (409, reason), "{key}");
    });
    join_all(orders).await;
    assert_eq!(world.settled().await.cancelled, steps.len());

    for (step, calls) in land(world, &gate, &steps).await {
        assert!(!calls.is_empty(), "{}: it was never called", step.name);
        for call in &calls {
            assert_refused(step, call, reason);
        }
    }
    assert_eq!(world.stock(1).await, (100, 0));
    println!("{} cases", steps.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_that_lands_after_the_payment_is_told_so_and_changes_nothing() {
    let world = World::start().await;
    let (gate, decide, pay) = (Gate::new(), named("payment.cancel"), named("payment.pay"));
    // The payment's answer is held, so that the order is still open when the cancel comes.
    let paying = Gate::new();
    pay.proxy(&world).add(pay.rule(&world, "late-delete").then(Action::HoldReply(paying.clone())));
    decide.proxy(&world).add(decide.rule(&world, "late-delete").then(Action::HoldRequest(gate.clone())));
    begin(&world, "late-delete", &one_piece("CARD")).await;
    paying.wait_arrived(1).await;

    let release = async {
        gate.wait_arrived(1).await;
        paying.release();
        let confirmed = async || world.follow("late-delete").await.text("status") == "CONFIRMED";
        wait::until("the order to be confirmed", Duration::from_secs(60), confirmed).await;
        gate.release();
    };
    // On a slow machine the orchestrator gives up on the held call before: then the client was promised nothing.
    let (reply, ()) = futures::join!(world.cancel("late-delete"), release);
    let agrees = matches!(reply.brief(), (409, "ORDER_ALREADY_PAID") | (503, "SERVICE_UNAVAILABLE"));
    assert!(agrees, "{reply:?}");
    let landed = struck(decide, &world, "late-delete").await;
    assert_eq!(landed[0].effects.first().map(|reply| reply.json()["code"].clone()), Some("ALREADY_PAID".into()));
    assert_eq!(world.settled().await.confirmed, 1);
}
