//! The payment gateway answers after the time-out. No cancelled order stays charged, and no order is charged twice.

use std::time::Duration;

use checker::Ledgers;
use end_to_end::steps::{
    ORDER_LIMIT, cancel_order, final_answer, one_unit_paid_by, start_order, step_named, wait_for_payment_status,
};
use end_to_end::{Service, TestSystem, TestSystemBuilder};
use harness::faults::{Action, Gate, Reply, Rule};
use harness::wait;

/// A system with this time-out for gateway calls, and with the shortest lease that this time-out allows.
pub(crate) fn with_gateway_timeout(millis: u32) -> TestSystemBuilder {
    TestSystem::builder()
        .env(Service::Orchestrator, "SAGA_DEADLINE_MS", 600_000)
        .env(Service::Payment, "GATEWAY_TIMEOUT_MS", millis)
        .env(Service::Payment, "PAYMENT_LEASE_MS", millis + 2000)
}

/// Makes the proxy record every answer to `payment.pay`, even if the orchestrator no longer waits for it.
fn record_pay_answers(system: &TestSystem) {
    let every_call = Rule::on("POST", &format!("^{}$", step_named("payment.pay").path));
    system.to_payment.add(every_call.then(Action::DelayReply(Duration::ZERO)));
}

/// The answers from service-payment to the `payment.pay` calls of this order, in the order of their arrival.
fn pay_answers(system: &TestSystem, key: &str) -> Vec<Reply> {
    step_named("payment.pay").calls(system, key).into_iter().flat_map(|call| call.effects).collect()
}

/// The ledger of the gateway as text.
pub(crate) async fn gateway_ledger(system: &TestSystem) -> String {
    let ledgers = Ledgers::read(&system.databases).await.expect("the ledgers can be read");
    let ledgers = format!("{ledgers:?}");
    let (_, charges) = ledgers.split_once("charges:").expect("the ledgers list the charges");
    charges.to_owned()
}

/// Waits until the ledger of the gateway contains the charge of this order.
pub(crate) async fn wait_for_charge(system: &TestSystem, key: &str) {
    let saga = system.saga(key);
    wait::until("the charge in the ledger", ORDER_LIMIT, async || gateway_ledger(system).await.contains(&saga)).await;
}

/// Waits until this number of seconds, plus two, has passed since the first `payment.pay` call of the order.
pub(crate) async fn wait_since_payment(system: &TestSystem, key: &str, seconds: u64) {
    let started = step_named("payment.pay").calls(system, key)[0].at;
    let passed = async || started.elapsed() > Duration::from_secs(seconds + 2);
    wait::until("the gateway's delay to pass", ORDER_LIMIT, passed).await;
}

/// Repeats the first `payment.pay` call of the order. Returns the status and the code of its answer.
pub(crate) async fn pay_again(system: &TestSystem, key: &str) -> (u16, String) {
    let pay = step_named("payment.pay");
    let url = format!("{}{}", system.process(Service::Payment).url(), pay.path);
    let reply = system.post(&url, &pay.calls(system, key)[0].json()).await;
    (reply.status, reply.code().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_answer_after_the_time_out_is_found_and_counts_once() {
    let system = with_gateway_timeout(1000).start().await;
    record_pay_answers(&system);
    let cards = [
        ("CARD_APPROVED_AFTER_4S", (200, "CONFIRMED")),
        ("CARD_DECLINED_AFTER_4S", (402, "PAYMENT_DECLINED")),
        ("CARD_TIMEOUT_THEN_APPROVED", (200, "CONFIRMED")),
        ("CARD_TIMEOUT_THEN_DECLINED", (402, "PAYMENT_DECLINED")),
    ];
    futures::future::join_all(cards.map(|(card, expected)| {
        let system = &system;
        async move {
            assert_eq!(final_answer(system, card, &one_unit_paid_by(card)).await.status_and_code(), expected, "{card}");
            let answers = pay_answers(system, card);
            let timed_out = answers.iter().any(|answer| answer.json()["code"] == "GATEWAY_UNAVAILABLE");
            assert!(timed_out, "{card}: {answers:#?}");
        }
    }))
    .await;
    let report = system.wait_until_finished().await;
    assert_eq!((report.confirmed, report.cancelled), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_after_the_deadline_takes_no_money() {
    let (key, body) = ("after-deadline", one_unit_paid_by("CARD_APPROVED_AFTER_25S"));
    let system = with_gateway_timeout(1000).env(Service::Orchestrator, "SAGA_DEADLINE_MS", 15_000).start().await;
    assert_eq!(final_answer(&system, key, &body).await.status_and_code(), (409, "DEADLINE_EXCEEDED"));
    system.wait_until_finished().await;

    wait_since_payment(&system, key, 25).await;
    assert_eq!(pay_again(&system, key).await, (409, "SAGA_CANCELLED".to_owned()));
    assert_eq!(system.wait_until_finished().await.cancelled, 1);
    assert_eq!(final_answer(&system, key, &body).await.status_and_code(), (409, "DEADLINE_EXCEEDED"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_after_the_cancel_is_refunded() {
    let (key, body, void) = ("after-cancel", one_unit_paid_by("CARD_APPROVED_AFTER_10S"), step_named("payment.void"));
    let system = with_gateway_timeout(30_000).start().await;
    record_pay_answers(&system);
    let gate = Gate::new();
    system.to_payment.add(void.rule(&system, key).then(Action::HoldRequest(gate.clone())));
    start_order(&system, key, &body).await;
    wait_for_charge(&system, key).await;
    assert_eq!(cancel_order(&system, key).await.status, 202);

    // The void is held until the gateway has approved the payment.
    wait::until("the approval", ORDER_LIMIT, async || !pay_answers(&system, key).is_empty()).await;
    gate.wait_arrived(1).await;
    wait::until("the answer to the approval", ORDER_LIMIT, async || {
        pay_answers(&system, key).iter().any(|answer| answer.json()["reason"] == "CANCELLED_BY_CUSTOMER")
    })
    .await;
    wait_since_payment(&system, key, 10).await;
    assert!(gateway_ledger(&system).await.contains("\"APPROVED\""), "the charge is not approved");
    wait_for_payment_status(&system, key, "CANCELLING").await;

    gate.release();
    assert_eq!(final_answer(&system, key, &body).await.status_and_code(), (409, "CANCELLED_BY_CUSTOMER"));
    assert_eq!(system.wait_until_finished().await.cancelled, 1);
    assert!(gateway_ledger(&system).await.contains("\"REFUNDED\""), "the charge is not refunded");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_charge_that_reaches_the_gateway_after_its_cancel_is_refused() {
    let (key, body) = ("charge-last", one_unit_paid_by("CARD"));
    let system = with_gateway_timeout(30_000).env(Service::Payment, "GATEWAY_DELAY_MS", 8000).start().await;
    record_pay_answers(&system);
    start_order(&system, key, &body).await;
    wait_for_payment_status(&system, key, "APPROVING").await;
    assert_eq!(cancel_order(&system, key).await.status, 202);
    assert_eq!(final_answer(&system, key, &body).await.status_and_code(), (409, "CANCELLED_BY_CUSTOMER"));
    assert_eq!(system.wait_until_finished().await.cancelled, 1);

    wait_since_payment(&system, key, 8).await;
    wait::until("the answer to the late charge", ORDER_LIMIT, async || {
        pay_answers(&system, key).iter().any(|answer| answer.json()["code"] == "SAGA_CANCELLED")
    })
    .await;
    assert_eq!(system.wait_until_finished().await.cancelled, 1);
    assert!(!gateway_ledger(&system).await.contains("\"APPROVED\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_charge_that_service_payment_did_not_record_before_it_was_killed_is_found_later() {
    let (key, body) = ("killed-and-confirmed", one_unit_paid_by("CARD_APPROVED_AFTER_8S"));
    let system = with_gateway_timeout(10_000).start().await;
    start_order(&system, key, &body).await;
    wait_for_charge(&system, key).await;
    system.process(Service::Payment).kill().await;
    assert!(
        system.report().await.to_string().contains("payment APPROVING"),
        "service-payment recorded the charge before it was killed"
    );

    system.process(Service::Payment).start();
    assert_eq!(final_answer(&system, key, &body).await.status_and_code(), (200, "CONFIRMED"));
    assert_eq!(system.wait_until_finished().await.confirmed, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_charge_that_service_payment_did_not_record_before_it_was_killed_is_refunded_after_a_cancel() {
    let (key, body) = ("killed-and-cancelled", one_unit_paid_by("CARD_APPROVED_AFTER_8S"));
    let system = with_gateway_timeout(10_000).start().await;
    start_order(&system, key, &body).await;
    wait_for_charge(&system, key).await;
    system.process(Service::Payment).kill().await;
    // Further `payment.pay` calls are refused, because they would find the charge before the cancellation does.
    system.to_payment.add(step_named("payment.pay").rule(&system, key).then(Action::Refuse));
    wait_since_payment(&system, key, 8).await;
    system.process(Service::Payment).start();
    system.process(Service::Payment).wait_up().await;
    assert!(
        system.report().await.to_string().contains("payment APPROVING"),
        "service-payment recorded the charge before it was killed"
    );

    assert_eq!(cancel_order(&system, key).await.status, 202);
    assert_eq!(final_answer(&system, key, &body).await.status_and_code(), (409, "CANCELLED_BY_CUSTOMER"));
    assert_eq!(system.wait_until_finished().await.cancelled, 1);
    assert!(gateway_ledger(&system).await.contains("\"REFUNDED\""), "the charge is not refunded");
    assert_eq!(pay_again(&system, key).await, (409, "SAGA_CANCELLED".to_owned()));
}
