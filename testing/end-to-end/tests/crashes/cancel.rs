//! DELETE at every point of a running order: its answer always agrees with how the order ends.

use std::time::Duration;

use end_to_end::steps::{ORDER_LIMIT, Outcome, cancel_order, final_answer, one_unit_paid_by, start_order, step_named};
use end_to_end::{Reply, Service, TestSystem, TestSystemBuilder};
use futures::future::join_all;
use futures::{StreamExt, stream};
use harness::faults::{Action, Call, Gate, Rule};
use harness::wait;
use orchestrator_temporal::table::Step;
use serde_json::json;

use crate::points::{HeldOrder, Side, orders_at_all_points, reach_points, start_orchestrator, with_long_deadline};

const CONCURRENT_ORDERS: usize = 16;
/// Long enough for every order to reach its point before this deadline, even on a slow machine.
const DEADLINE: Duration = Duration::from_secs(30);

/// How the order will end, as the answer to a DELETE promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Promise {
    Cancelled,
    Confirmed,
}

fn promise_of(reply: &Reply) -> Promise {
    match reply.status_and_code() {
        (200 | 202, _) => Promise::Cancelled,
        (409, "ORDER_ALREADY_PAID") => Promise::Confirmed,
        _ => panic!("neither 200, 202 nor ORDER_ALREADY_PAID: {reply:?}"),
    }
}

/// Sends a DELETE from this many clients at the same time. Returns the promise in the answers, which must all agree.
async fn delete_in_parallel(system: &TestSystem, key: &str, clients: usize) -> Promise {
    let replies = join_all((0..clients).map(|_| cancel_order(system, key))).await;
    let promises: Vec<_> = replies.iter().map(promise_of).collect();
    assert!(promises.iter().all(|promise| *promise == promises[0]), "{key}: {replies:?}");
    promises[0]
}

/// Sends DELETEs for an order that is held at its point, and checks its outcome. The order continues when the DELETEs
/// are answered, or when the proxy holds their `payment.cancel` calls. Returns the order's code if it was cancelled.
async fn delete_while_held(system: &TestSystem, order: &HeldOrder, clients: usize) -> Option<String> {
    let release = async {
        if order.point.step.id == Step::PaymentCancel {
            let held = || order.calls(system).iter().filter(|c| c.text().contains("CANCELLED_BY_CUSTOMER")).count();
            let what = format!("the payment.cancel calls of the DELETEs for {}", order.key);
            wait::until(&what, ORDER_LIMIT, async || held() >= clients).await;
            order.release();
        }
    };
    let (promise, ()) = futures::join!(delete_in_parallel(system, &order.key, clients), release);
    order.release();
    let expected = if order.point.is_paid() { Promise::Confirmed } else { Promise::Cancelled };
    assert_eq!(promise, expected, "{}", order.key);
    let reply = final_answer(system, &order.key, &order.body()).await;
    let agrees = match (promise, order.point.step.outcome) {
        (Promise::Confirmed, _) => reply.status_and_code() == Outcome::Confirmed.expected_answer(),
        // The card was declined before the DELETE arrived.
        (Promise::Cancelled, Outcome::Declined) => reply.status_and_code() == Outcome::Declined.expected_answer(),
        (Promise::Cancelled, _) => {
            matches!(reply.status_and_code(), (409, "CANCELLED_BY_CUSTOMER" | "DEADLINE_EXCEEDED"))
        }
    };
    assert!(agrees, "{}: {promise:?}, {reply:?}", order.key);
    (promise == Promise::Cancelled).then(|| reply.code().to_owned())
}

/// Sends DELETEs for one order at each point that `filter` selects, once from one client and once from ten clients.
/// `before_delete` runs when the order is held. Returns the codes of the cancelled orders.
async fn delete_at_points(
    system: &TestSystem,
    filter: fn(&HeldOrder) -> bool,
    before_delete: impl AsyncFn(&HeldOrder),
) -> Vec<String> {
    let cases: Vec<(HeldOrder, usize)> = [("one", 1), ("ten", 10)]
        .into_iter()
        .flat_map(|(name, clients)| orders_at_all_points(system, name).into_iter().map(move |order| (order, clients)))
        .filter(|(order, _)| filter(order))
        .collect();
    let codes: Vec<Option<String>> = stream::iter(&cases)
        .map(async |(order, clients)| {
            order.reach(system).await;
            before_delete(order).await;
            delete_while_held(system, order, *clients).await
        })
        .buffer_unordered(CONCURRENT_ORDERS)
        .collect()
        .await;
    let sold = i64::try_from(codes.iter().filter(|code| code.is_none()).count()).expect("the number is small");
    let report = system.wait_until_finished().await;
    assert_eq!(report.confirmed + report.cancelled, cases.len(), "{report}");
    assert_eq!(system.stock(1).await, (100 - sold, 0));
    println!("{} cases", cases.len());
    codes.into_iter().flatten().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_to_a_delete_at_any_point_agrees_with_the_end_of_the_order() {
    let system = with_long_deadline().start().await;
    let codes = delete_at_points(&system, |_| true, async |_| ()).await;
    assert!(!codes.iter().any(|code| code == "DEADLINE_EXCEEDED"), "{codes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_to_a_delete_after_the_deadline_agrees_with_the_end_of_the_order() {
    let system = with_short_deadline().start().await;
    let codes =
        delete_at_points(&system, has_a_deadline, async |order| wait_for_the_deadline(&system, order).await).await;
    assert!(!codes.iter().any(|code| code == "CANCELLED_BY_CUSTOMER"), "{codes:?}");
    assert!(codes.iter().any(|code| code == "DEADLINE_EXCEEDED"), "{codes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_to_a_delete_at_the_deadline_before_the_payment_agrees_with_the_end_of_the_order() {
    let system = with_short_deadline().start().await;
    // The DELETEs must arrive at about the deadline, not well after it.
    delete_at_points(&system, |order| order.point.is_forward(), async |_| tokio::time::sleep(DEADLINE).await).await;
}

fn with_short_deadline() -> TestSystemBuilder {
    TestSystem::builder().env(Service::Orchestrator, "SAGA_DEADLINE_MS", DEADLINE.as_millis())
}

/// Whether the deadline matters to an order at this point. It no longer does once the customer has cancelled the order.
fn has_a_deadline(order: &HeldOrder) -> bool {
    order.point.step.outcome != Outcome::Cancelled
}

/// Waits until the deadline has passed and the `payment.cancel` call that it causes is answered. Once the order is paid
/// or cancelled, its saga ignores the deadline. In that case, this function only waits for the time to pass.
async fn wait_for_the_deadline(system: &TestSystem, order: &HeldOrder) {
    if !order.point.is_forward() {
        return tokio::time::sleep(DEADLINE).await;
    }
    let answered = |call: &Call| call.effects.iter().any(|reply| matches!(reply.status, 200 | 409));
    let decided = |call: &Call| call.text().contains("DEADLINE_EXCEEDED") && answered(call);
    let passed = async || step_named("payment.cancel").calls(system, &order.key).iter().any(decided);
    wait::until(&format!("the deadline of {}", order.key), ORDER_LIMIT, passed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_to_a_delete_close_to_the_deadline_and_the_approval_agrees_with_the_end_of_the_order() {
    // The DELETE, the deadline and the approval happen at about the same time.
    let system = TestSystem::builder().env(Service::Orchestrator, "SAGA_DEADLINE_MS", 3000).start().await;
    let methods = ["CARD_SLOW", "CARD_APPROVED_AFTER_4S", "CARD_APPROVED_AFTER_6S"];
    let cases: Vec<_> = (0..36)
        .map(|n| (format!("deadline-{n}"), one_unit_paid_by(methods[n % 3]), [1, 10][n % 2], n as u64))
        .collect();
    let promises: Vec<_> = stream::iter(&cases)
        .map(|(key, body, clients, number)| {
            let system = &system;
            async move {
                start_order(system, key, body).await;
                wait_for_payment(system, key).await;
                // The pauses differ, so the DELETEs arrive at many moments around the approval and the deadline.
                tokio::time::sleep(Duration::from_millis(1500 + number * 60)).await;
                (key, body, delete_in_parallel(system, key, *clients).await)
            }
        })
        .buffer_unordered(CONCURRENT_ORDERS)
        .collect()
        .await;
    let mut confirmed = 0;
    for (key, body, promise) in &promises {
        let reply = final_answer(&system, key, body).await;
        match promise {
            Promise::Confirmed => assert_eq!(reply.status_and_code(), (200, "CONFIRMED"), "{key}"),
            Promise::Cancelled => assert!(
                matches!(reply.status_and_code(), (409, "CANCELLED_BY_CUSTOMER" | "DEADLINE_EXCEEDED")),
                "{key}: {reply:?}"
            ),
        }
        confirmed += usize::from(*promise == Promise::Confirmed);
    }
    let report = system.wait_until_finished().await;
    assert_eq!((report.confirmed, report.cancelled), (confirmed, cases.len() - confirmed), "{report}");
    println!("{} cases, {confirmed} confirmed", cases.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_answered_just_before_the_orchestrator_is_killed_keeps_its_promise() {
    let system = with_long_deadline().start().await;
    // At payment.cancel, the proxy would also hold the call that the DELETE causes.
    let orders: Vec<_> =
        orders_at_all_points(&system, "dies").into_iter().filter(|o| o.point.step.id != Step::PaymentCancel).collect();
    reach_points(&system, &orders).await;
    let promises = join_all(orders.iter().map(|order| delete_in_parallel(&system, &order.key, 2))).await;
    system.process(Service::Orchestrator).kill().await;
    orders.iter().for_each(HeldOrder::release);
    start_orchestrator(&system).await;

    for (order, promise) in orders.iter().zip(promises) {
        let reply = final_answer(&system, &order.key, &order.body()).await;
        let expected = if order.point.is_paid() { Promise::Confirmed } else { Promise::Cancelled };
        let is_confirmed = reply.status == 200;
        assert_eq!((promise, is_confirmed), (expected, expected == Promise::Confirmed), "{}: {reply:?}", order.key);
    }
    let report = system.wait_until_finished().await;
    assert_eq!(report.confirmed + report.cancelled, orders.len(), "{report}");
    println!("{} cases", orders.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_that_a_killed_orchestrator_did_not_answer_can_be_repeated() {
    let system = with_long_deadline().start().await;
    let body = one_unit_paid_by("CARD_APPROVED_AFTER_3600S");
    let mut cases = Vec::new();
    for durable in [true, false] {
        for side in [Side::Before, Side::After] {
            let (key, gate) = (format!("unanswered-{side:?}-{durable}"), Gate::new());
            let hold = match side {
                Side::Before => Action::HoldRequest(gate.clone()),
                Side::After => Action::HoldReply(gate.clone()),
            };
            system.to_payment.add(Rule::on("POST", "steps/cancel$").with_body(&system.saga(&key)).nth(1).then(hold));
            start_order(&system, &key, &body).await;
            wait_for_payment(&system, &key).await;
            if durable {
                let waits = async || system.follow(&key).await.json["steps"] == json!(["payment.pay"]);
                wait::until(&format!("a durable payment.pay of {key}"), ORDER_LIMIT, waits).await;
            }
            cases.push((key, gate));
        }
    }
    let kill = async {
        join_all(cases.iter().map(|(_, gate)| gate.wait_arrived(1))).await;
        system.process(Service::Orchestrator).kill().await;
        cases.iter().for_each(|(_, gate)| gate.release());
    };
    futures::join!(join_all(cases.iter().map(|(key, _)| system.try_cancel(key))), kill);
    start_orchestrator(&system).await;
    for (key, _) in &cases {
        // A client that received no answer repeats the DELETE.
        assert_eq!(delete_in_parallel(&system, key, 1).await, Promise::Cancelled, "{key}");
        assert_eq!(
            final_answer(&system, key, &body).await.status_and_code(),
            Outcome::Cancelled.expected_answer(),
            "{key}"
        );
    }
    assert_eq!(system.wait_until_finished().await.cancelled, cases.len());
    println!("{} cases", cases.len());
}

/// Waits until the payment exists.
async fn wait_for_payment(system: &TestSystem, key: &str) {
    let url = format!("{}/api/payments/by-saga/{}", system.process(Service::Payment).url(), system.saga(key));
    let exists = async || !system.get(&url).await.text("paymentId").is_empty();
    wait::until(&format!("the payment of {key} to exist"), ORDER_LIMIT, exists).await;
}
