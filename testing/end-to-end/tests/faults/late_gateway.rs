//! The card network approves when nobody waits for it any more: no charge is kept on a cancelled order, and none is
//! made twice.

use std::time::Duration;

use checker::Books;
use end_to_end::steps::{ORDER_LIMIT, begin, cancel, last_answer, named, one_piece, payment_is};
use end_to_end::{Service, World, WorldBuilder};
use harness::faults::{Action, Gate, Reply, Rule};
use harness::wait;

/// A world whose payment service waits so long for the card network; the lease is the shortest that goes with it.
pub(crate) fn patience(millis: u32) -> WorldBuilder {
    World::builder()
        .env(Service::Orchestrator, "SAGA_DEADLINE_MS", 600_000)
        .env(Service::Payment, "GATEWAY_TIMEOUT_MS", millis)
        .env(Service::Payment, "PAYMENT_LEASE_MS", millis + 2000)
}

/// Records every answer of `payment.pay`, also those for which the orchestrator no longer waits.
fn record_payments(world: &World) {
    let every_call = Rule::on("POST", &format!("^{}$", named("payment.pay").path));
    world.to_payment.add(every_call.then(Action::DelayReply(Duration::ZERO)));
}

/// The service's answers to this order's payment calls, in order.
fn pay_answers(world: &World, key: &str) -> Vec<Reply> {
    named("payment.pay").calls(world, key).into_iter().flat_map(|call| call.effects).collect()
}

/// The gateway's ledger, in words.
pub(crate) async fn ledger(world: &World) -> String {
    let books = Books::read(&world.addresses).await.expect("the books can be read");
    let books = format!("{books:?}");
    let (_, charges) = books.split_once("charges:").expect("the books have charges");
    charges.to_owned()
}

/// Waits until the card network has this order's charge in its ledger.
pub(crate) async fn in_ledger(world: &World, key: &str) {
    let saga = world.saga(key);
    wait::until("the charge in the ledger", ORDER_LIMIT, async || ledger(world).await.contains(&saga)).await;
}

/// Waits until so much time has passed since the order's first payment call, and a little more.
pub(crate) async fn since_payment(world: &World, key: &str, seconds: u64) {
    let begun = named("payment.pay").calls(world, key)[0].at;
    let passed = async || begun.elapsed() > Duration::from_secs(seconds + 2);
    wait::until("the card network's time", ORDER_LIMIT, passed).await;
}

/// Repeats the order's payment call at the service, long after.
pub(crate) async fn pay_again(world: &World, key: &str) -> (u16, String) {
    let pay = named("payment.pay");
    let url = format!("{}{}", world.process(Service::Payment).url(), pay.path);
    let reply = world.post(&url, &pay.calls(world, key)[0].json()).await;
    (reply.status, reply.code().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_the_card_network_after_the_time_out_is_found_and_counts_once() {
    let world = patience(1000).start().await;
    record_payments(&world);
    let cards = [
        ("CARD_APPROVED_AFTER_4S", (200, "CONFIRMED")),
        ("CARD_DECLINED_AFTER_4S", (402, "PAYMENT_DECLINED")),
        ("CARD_TIMEOUT_THEN_APPROVED", (200, "CONFIRMED")),
        ("CARD_TIMEOUT_THEN_DECLINED", (402, "PAYMENT_DECLINED")),
    ];
    futures::future::join_all(cards.map(|(card, end)| {
        let world = &world;
        async move {
            assert_eq!(last_answer(world, card, &one_piece(card)).await.brief(), end, "{card}");
            let answers = pay_answers(world, card);
            let timed_out = answers.iter().any(|answer| answer.json()["code"] == "GATEWAY_UNAVAILABLE");
            assert!(timed_out, "{card}: {answers:#?}");
        }
    }))
    .await;
    let report = world.settled().await;
    assert_eq!((report.confirmed, report.cancelled), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_after_the_deadline_takes_no_money() {
    let (key, body) = ("after-deadline", one_piece("CARD_APPROVED_AFTER_25S"));
    let world = patience(1000).env(Service::Orchestrator, "SAGA_DEADLINE_MS", 15_000).start().await;
    assert_eq!(last_answer(&world, key, &body).await.brief(), (409, "DEADLINE_EXCEEDED"));
    world.settled().await;

    since_payment(&world, key, 25).await;
    assert_eq!(pay_again(&world, key).await, (409, "SAGA_CANCELLED".to_owned()));
    assert_eq!(world.settled().await.cancelled, 1);
    assert_eq!(last_answer(&world, key, &body).await.brief(), (409, "DEADLINE_EXCEEDED"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_after_the_cancel_is_refunded() {
    let (key, body, settle) = ("after-cancel", one_piece("CARD_APPROVED_AFTER_10S"), named("payment.settle"));
    let world = patience(30_000).start().await;
    record_payments(&world);
    let gate = Gate::new();
    world.to_payment.add(settle.rule(&world, key).then(Action::HoldRequest(gate.clone())));
    begin(&world, key, &body).await;
    in_ledger(&world, key).await;
    assert_eq!(cancel(&world, key).await.status, 202);

    // The gateway is not told of the cancel before it has approved.
    wait::until("the approval", ORDER_LIMIT, async || !pay_answers(&world, key).is_empty()).await;
    gate.wait_arrived(1).await;
    wait::until("the answer to the approval", ORDER_LIMIT, async || {
        pay_answers(&world, key).iter().any(|answer| answer.json()["reason"] == "CANCELLED_BY_CUSTOMER")
    })
    .await;
    since_payment(&world, key, 10).await;
    assert!(ledger(&world).await.contains("\"APPROVED\""), "the money was taken");
    payment_is(&world, key, "CANCELLING").await;

    gate.release();
    assert_eq!(last_answer(&world, key, &body).await.brief(), (409, "CANCELLED_BY_CUSTOMER"));
    assert_eq!(world.settled().await.cancelled, 1);
    assert!(ledger(&world).await.contains("\"REFUNDED\""), "the money was given back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_charge_that_reaches_the_card_network_after_its_cancel_is_refused() {
    let (key, body) = ("charge-last", one_piece("CARD"));
    let world = patience(30_000).env(Service::Payment, "GATEWAY_DELAY_MS", 8000).start().await;
    record_payments(&world);
    begin(&world, key, &body).await;
    payment_is(&world, key, "APPROVING").await;
    assert_eq!(cancel(&world, key).await.status, 202);
    assert_eq!(last_answer(&world, key, &body).await.brief(), (409, "CANCELLED_BY_CUSTOMER"));
    assert_eq!(world.settled().await.cancelled, 1);

    since_payment(&world, key, 8).await;
    wait::until("the late charge's answer", ORDER_LIMIT, async || {
        pay_answers(&world, key).iter().any(|answer| answer.json()["code"] == "SAGA_CANCELLED")
    })
    .await;
    assert_eq!(world.settled().await.cancelled, 1);
    assert!(!ledger(&world).await.contains("\"APPROVED\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_charge_of_a_payment_service_killed_in_the_middle_is_found_after_its_restart() {
    let (key, body) = ("killed-and-confirmed", one_piece("CARD_APPROVED_AFTER_8S"));
    let world = patience(10_000).start().await;
    begin(&world, key, &body).await;
    in_ledger(&world, key).await;
    world.process(Service::Payment).kill().await;
    assert!(world.report().await.to_string().contains("payment APPROVING"), "killed in the middle");

    world.process(Service::Payment).start();
    assert_eq!(last_answer(&world, key, &body).await.brief(), (200, "CONFIRMED"));
    assert_eq!(world.settled().await.confirmed, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_charge_of_a_payment_service_killed_in_the_middle_is_refunded_if_the_order_is_cancelled() {
    let (key, body) = ("killed-and-cancelled", one_piece("CARD_APPROVED_AFTER_8S"));
    let world = patience(10_000).start().await;
    begin(&world, key, &body).await;
    in_ledger(&world, key).await;
    world.process(Service::Payment).kill().await;
    // Nobody is to find the charge before the cancel.
    world.to_payment.add(named("payment.pay").rule(&world, key).then(Action::Refuse));
    since_payment(&world, key, 8).await;
    world.process(Service::Payment).start();
    world.process(Service::Payment).wait_up().await;
    assert!(world.report().await.to_string().contains("payment APPROVING"), "killed in the middle");

    assert_eq!(cancel(&world, key).await.status, 202);
    assert_eq!(last_answer(&world, key, &body).await.brief(), (409, "CANCELLED_BY_CUSTOMER"));
    assert_eq!(world.settled().await.cancelled, 1);
    assert!(ledger(&world).await.contains("\"REFUNDED\""), "the money was given back");
    assert_eq!(pay_again(&world, key).await, (409, "SAGA_CANCELLED".to_owned()));
}
