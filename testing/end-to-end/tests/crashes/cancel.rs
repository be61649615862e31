//! DELETE at every point of a running order: the answer always agrees with the end.

use std::time::Duration;

use end_to_end::steps::{Ending, ORDER_LIMIT, begin, cancel, last_answer, named, one_piece};
use end_to_end::{Reply, Service, World, WorldBuilder};
use futures::future::join_all;
use futures::{StreamExt, stream};
use harness::faults::{Action, Call, Gate, Rule};
use harness::wait;
use serde_json::json;

use crate::points::{Order, Side, orders, patient, reach};

/// Orders in flight at once.
const AT_ONCE: usize = 16;
/// Long enough for an order to come to its point first, also on a slow machine.
const DEADLINE: Duration = Duration::from_secs(30);

/// What the answer to a DELETE promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Promise {
    Cancelled,
    Confirmed,
}

fn promise_of(reply: &Reply) -> Promise {
    match reply.brief() {
        (200 | 202, _) => Promise::Cancelled,
        (409, "ORDER_ALREADY_PAID") => Promise::Confirmed,
        _ => panic!("neither 200, 202 nor ORDER_ALREADY_PAID: {reply:?}"),
    }
}

/// So many clients DELETE an order at once; what they are told, which must be the same.
async fn delete_at_once(world: &World, key: &str, clients: usize) -> Promise {
    let replies = join_all((0..clients).map(|_| cancel(world, key))).await;
    let promises: Vec<_> = replies.iter().map(promise_of).collect();
    assert!(promises.iter().all(|promise| *promise == promises[0]), "{key}: {replies:?}");
    promises[0]
}

/// DELETEs an order that is held at its point, and lets it go on once the DELETEs are answered, or held at this very
/// point themselves. Returns the code with which it ended, if it was cancelled.
async fn delete_while_held(world: &World, order: &Order, clients: usize) -> Option<String> {
    let release = async {
        if order.point.step.name == "payment.cancel" {
            let theirs = || order.calls(world).iter().filter(|c| c.text().contains("CANCELLED_BY_CUSTOMER")).count();
            wait::until(&format!("{}: the DELETEs' own calls", order.key), ORDER_LIMIT, async || theirs() >= clients)
                .await;
            order.release();
        }
    };
    let (promise, ()) = futures::join!(delete_at_once(world, &order.key, clients), release);
    order.release();
    let meant = if order.point.is_paid() { Promise::Confirmed } else { Promise::Cancelled };
    assert_eq!(promise, meant, "{}", order.key);
    let reply = last_answer(world, &order.key, &order.body()).await;
    let agrees = match (promise, order.point.step.ending) {
        (Promise::Confirmed, _) => reply.brief() == Ending::Confirmed.answer(),
        // The card was declined before the DELETE came.
        (Promise::Cancelled, Ending::Declined) => reply.brief() == Ending::Declined.answer(),
        (Promise::Cancelled, _) => matches!(reply.brief(), (409, "CANCELLED_BY_CUSTOMER" | "DEADLINE_EXCEEDED")),
    };
    assert!(agrees, "{}: {promise:?}, {reply:?}", order.key);
    (promise == Promise::Cancelled).then(|| reply.code().to_owned())
}

/// DELETEs an order at each point that `wanted` chooses, alone and to ten clients at once, when `when` has come. Returns
/// the codes of those that were cancelled.
async fn delete_everywhere(world: &World, wanted: fn(&Order) -> bool, when: impl AsyncFn(&Order)) -> Vec<String> {
    let cases: Vec<(Order, usize)> = [("alone", 1), ("ten", 10)]
        .into_iter()
        .flat_map(|(name, clients)| orders(world, name).into_iter().map(move |order| (order, clients)))
        .filter(|(order, _)| wanted(order))
        .collect();
    let codes: Vec<Option<String>> = stream::iter(&cases)
        .map(async |(order, clients)| {
            order.reach(world).await;
            when(order).await;
            delete_while_held(world, order, *clients).await
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let sold = i64::try_from(codes.iter().filter(|code| code.is_none()).count()).expect("a small number");
    let report = world.settled().await;
    assert_eq!(report.confirmed + report.cancelled, cases.len(), "{report}");
    assert_eq!(world.stock(1).await, (100 - sold, 0));
    println!("{} cases", cases.len());
    codes.into_iter().flatten().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_at_any_point_of_an_order_is_answered_as_the_order_ends_also_to_ten_clients_at_once() {
    let world = patient().start().await;
    let codes = delete_everywhere(&world, |_| true, async |_| ()).await;
    assert!(!codes.iter().any(|code| code == "DEADLINE_EXCEEDED"), "{codes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_after_the_deadline_at_any_point_of_an_order_is_answered_as_the_order_ends() {
    let world = hasty().start().await;
    let codes = delete_everywhere(&world, knows_a_deadline, async |order| met_its_deadline(&world, order).await).await;
    assert!(!codes.iter().any(|code| code == "CANCELLED_BY_CUSTOMER"), "{codes:?}");
    assert!(codes.iter().any(|code| code == "DEADLINE_EXCEEDED"), "{codes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_beside_the_deadline_at_any_point_before_the_payment_is_answered_as_the_order_ends() {
    let world = hasty().start().await;
    // Not for the deadline to be over, but to meet it.
    delete_everywhere(&world, |order| order.point.is_forward(), async |_| tokio::time::sleep(DEADLINE).await).await;
}

fn hasty() -> WorldBuilder {
    World::builder().env(Service::Orchestrator, "SAGA_DEADLINE_MS", DEADLINE.as_millis())
}

/// An order that its customer has cancelled on the way knows no deadline any more.
fn knows_a_deadline(order: &Order) -> bool {
    order.point.step.ending != Ending::Cancelled
}

/// Waits until the saga has seen that its deadline is over, and its payment's row has decided. Past its payment, and
/// once it is cancelled, a saga looks at no deadline: there is only the time to wait for.
async fn met_its_deadline(world: &World, order: &Order) {
    if !order.point.is_forward() {
        return tokio::time::sleep(DEADLINE).await;
    }
    let answered = |call: &Call| call.effects.iter().any(|reply| matches!(reply.status, 200 | 409));
    let decided = |call: &Call| call.text().contains("DEADLINE_EXCEEDED") && answered(call);
    let met = async || named("payment.cancel").calls(world, &order.key).iter().any(decided);
    wait::until(&format!("{}: its deadline", order.key), ORDER_LIMIT, met).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_at_about_the_deadline_or_the_approval_is_answered_as_the_order_ends() {
    // DELETE, deadline and approval meet.
    let world = World::builder().env(Service::Orchestrator, "SAGA_DEADLINE_MS", 3000).start().await;
    let methods = ["CARD_SLOW", "CARD_APPROVED_AFTER_4S", "CARD_APPROVED_AFTER_6S"];
    let cases: Vec<_> =
        (0..36).map(|n| (format!("deadline-{n}"), one_piece(methods[n % 3]), [1, 10][n % 2], n as u64)).collect();
    let promises: Vec<_> = stream::iter(&cases)
        .map(|(key, body, clients, number)| {
            let world = &world;
            async move {
                begin(world, key, body).await;
                payment_begun(world, key).await;
                // Not for something to happen, but to be anywhere around the approval and the deadline.
                tokio::time::sleep(Duration::from_millis(1500 + number * 60)).await;
                (key, body, delete_at_once(world, key, *clients).await)
            }
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let mut confirmed = 0;
    for (key, body, promise) in &promises {
        let reply = last_answer(&world, key, body).await;
        match promise {
            Promise::Confirmed => assert_eq!(reply.brief(), (200, "CONFIRMED"), "{key}"),
            Promise::Cancelled => assert!(
                matches!(reply.brief(), (409, "CANCELLED_BY_CUSTOMER" | "DEADLINE_EXCEEDED")),
                "{key}: {reply:?}"
            ),
        }
        confirmed += usize::from(*promise == Promise::Confirmed);
    }
    let report = world.settled().await;
    assert_eq!((report.confirmed, report.cancelled), (confirmed, cases.len() - confirmed), "{report}");
    println!("{} cases, {confirmed} confirmed", cases.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_answered_right_before_the_orchestrator_dies_keeps_its_promise() {
    let world = patient().start().await;
    // A DELETE at payment.cancel would be held itself.
    let orders: Vec<_> = orders(&world, "dies").into_iter().filter(|o| o.point.step.name != "payment.cancel").collect();
    reach(&world, &orders).await;
    let promises = join_all(orders.iter().map(|order| delete_at_once(&world, &order.key, 2))).await;
    world.process(Service::Orchestrator).kill().await;
    orders.iter().for_each(Order::release);
    world.process(Service::Orchestrator).start();
    world.process(Service::Orchestrator).wait_up().await;

    for (order, promise) in orders.iter().zip(promises) {
        let reply = last_answer(&world, &order.key, &order.body()).await;
        let meant = if order.point.is_paid() { Promise::Confirmed } else { Promise::Cancelled };
        assert_eq!((promise, reply.status == 200), (meant, meant == Promise::Confirmed), "{}: {reply:?}", order.key);
    }
    let report = world.settled().await;
    assert_eq!(report.confirmed + report.cancelled, orders.len(), "{report}");
    println!("{} cases", orders.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_whose_orchestrator_dies_before_it_is_answered_leaves_the_order_whole() {
    let world = patient().start().await;
    let body = one_piece("CARD_APPROVED_AFTER_3600S");
    let mut cases = Vec::new();
    for handed_over in [true, false] {
        for side in [Side::Before, Side::After] {
            let (key, gate) = (format!("unanswered-{side:?}-{handed_over}"), Gate::new());
            let hold = match side {
                Side::Before => Action::HoldRequest(gate.clone()),
                Side::After => Action::HoldReply(gate.clone()),
            };
            world.to_payment.add(Rule::on("POST", "steps/cancel$").with_body(&world.saga(&key)).nth(1).then(hold));
            begin(&world, &key, &body).await;
            payment_begun(&world, &key).await;
            if handed_over {
                let waits = async || world.follow(&key).await.json["steps"] == json!(["payment.pay"]);
                wait::until(&format!("{key}: payment.pay to wait"), ORDER_LIMIT, waits).await;
            }
            cases.push((key, gate));
        }
    }
    let dies = async {
        join_all(cases.iter().map(|(_, gate)| gate.wait_arrived(1))).await;
        world.process(Service::Orchestrator).kill().await;
        cases.iter().for_each(|(_, gate)| gate.release());
    };
    futures::join!(join_all(cases.iter().map(|(key, _)| world.try_cancel(key))), dies);
    world.process(Service::Orchestrator).start();
    world.process(Service::Orchestrator).wait_up().await;
    for (key, _) in &cases {
        // A client that got no answer asks again.
        assert_eq!(delete_at_once(&world, key, 1).await, Promise::Cancelled, "{key}");
        assert_eq!(last_answer(&world, key, &body).await.brief(), Ending::Cancelled.answer(), "{key}");
    }
    assert_eq!(world.settled().await.cancelled, cases.len());
    println!("{} cases", cases.len());
}

/// Waits until the card network has been asked.
async fn payment_begun(world: &World, key: &str) {
    let url = format!("{}/api/payments/by-saga/{}", world.process(Service::Payment).url(), world.saga(key));
    let begun = async || !world.get(&url).await.text("paymentId").is_empty();
    wait::until(&format!("{key}: its payment to begin"), ORDER_LIMIT, begun).await;
}
