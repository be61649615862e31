//! The payment gateway does not accept a void. The void is retried until the gateway confirms, and no other undo waits
//! for it.

use std::time::Duration;

use end_to_end::steps::{
    ORDER_LIMIT, cancel_order, final_answer, one_unit_paid_by, start_order, step_named, wait_until_stuck,
};
use end_to_end::{Service, TestSystem};
use harness::faults::Action;
use harness::wait;
use serde_json::json;

use crate::late_gateway::{gateway_ledger, pay_again, wait_for_charge, wait_since_payment, with_gateway_timeout};

/// Waits until the void is the only unfinished undo of this order, and the API shows it as the order's pending step.
async fn wait_until_only_the_void_is_left(system: &TestSystem, key: &str) {
    wait::until("all other undos to finish", ORDER_LIMIT, async || {
        let report = system.report().await;
        report.is_consistent()
            && !report.unfinished.is_empty()
            && report.unfinished.iter().all(|row| row.text == "payment CANCELLING")
    })
    .await;
    assert_eq!(system.stock(1).await, (100, 0));
    wait::until("the order to show its step", ORDER_LIMIT, async || {
        let order = system.follow(key).await;
        order.text("status") == "PENDING" && order.json["steps"] == json!(["payment.void"])
    })
    .await;
}

/// Starts an order, and waits until the gateway has charged it but service-payment has not recorded the approval. Makes
/// the proxy record the void calls of the order.
async fn charge_without_record(system: &TestSystem, key: &str, card: &str) {
    let pay = step_named("payment.pay");
    system.to_payment.add(pay.rule(system, key).nth(1).then(Action::DelayReply(Duration::ZERO)));
    system.to_payment.add(pay.rule(system, key).then(Action::Refuse));
    system.to_payment.add(step_named("payment.void").rule(system, key).then(Action::DelayReply(Duration::ZERO)));
    start_order(system, key, &one_unit_paid_by(card)).await;
    wait_for_charge(system, key).await;
    wait_since_payment(system, key, 3).await;
}

/// The number of void calls that were answered 503 because the refund failed.
fn failed_voids(system: &TestSystem, key: &str) -> usize {
    let calls = step_named("payment.void").calls(system, key).into_iter();
    calls.flat_map(|call| call.effects).filter(|reply| reply.status == 503).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_down_past_the_deadline_delays_no_other_undo() {
    let (key, card) = ("gateway-down", "CARD_UNAVAILABLE_90S");
    let system = with_gateway_timeout(2500)
        .env(Service::Orchestrator, "SAGA_DEADLINE_MS", 10_000)
        .env(Service::Orchestrator, "STUCK_AFTER_MS", 20_000)
        .start()
        .await;
    system.to_payment.add(step_named("payment.void").rule(&system, key).then(Action::DelayReply(Duration::ZERO)));
    start_order(&system, key, &one_unit_paid_by(card)).await;
    wait_until_only_the_void_is_left(&system, key).await;
    wait_until_stuck(&system, key, "payment.void").await;
    wait::until("more attempts of the void", ORDER_LIMIT, async || failed_voids(&system, key) >= 4).await;

    assert_eq!(final_answer(&system, key, &one_unit_paid_by(card)).await.status_and_code(), (409, "DEADLINE_EXCEEDED"));
    assert_eq!(system.wait_until_finished().await.cancelled, 1);
    assert_eq!(pay_again(&system, key).await, (409, "SAGA_CANCELLED".to_owned()));
    assert!(!gateway_ledger(&system).await.contains("\"APPROVED\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_that_fails_four_times_is_retried_until_it_succeeds() {
    let (key, card) = ("refund-fails-4", "CARD_REFUND_FAILS_4");
    let system = with_gateway_timeout(2500).start().await;
    charge_without_record(&system, key, card).await;
    assert_eq!(cancel_order(&system, key).await.status, 202);

    assert_eq!(
        final_answer(&system, key, &one_unit_paid_by(card)).await.status_and_code(),
        (409, "CANCELLED_BY_CUSTOMER")
    );
    assert_eq!(system.wait_until_finished().await.cancelled, 1);
    assert_eq!(failed_voids(&system, key), 4);
    assert!(gateway_ledger(&system).await.contains("\"REFUNDED\""), "the charge is not refunded");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_that_fails_twenty_times_delays_no_other_undo() {
    let (key, card) = ("refund-fails-20", "CARD_REFUND_FAILS_20");
    let system = with_gateway_timeout(2500).env(Service::Orchestrator, "STUCK_AFTER_MS", 5000).start().await;
    charge_without_record(&system, key, card).await;
    assert_eq!(cancel_order(&system, key).await.status, 202);
    wait_until_only_the_void_is_left(&system, key).await;
    assert_eq!(cancel_order(&system, key).await.status, 202, "a repeated DELETE gets the same answer");
    wait_until_stuck(&system, key, "payment.void").await;

    // The saga would need minutes for twenty attempts, so the test itself makes most of them.
    let void = step_named("payment.void");
    let url = format!("{}{}", system.process(Service::Payment).url(), void.path);
    let call = void.calls(&system, key)[0].json();
    let mut failed = 0;
    while system.post(&url, &call).await.status == 503 {
        failed += 1;
    }
    assert_eq!(
        final_answer(&system, key, &one_unit_paid_by(card)).await.status_and_code(),
        (409, "CANCELLED_BY_CUSTOMER")
    );
    assert_eq!(system.wait_until_finished().await.cancelled, 1);
    assert_eq!(failed + failed_voids(&system, key), 20);
    assert!(gateway_ledger(&system).await.contains("\"REFUNDED\""), "the charge is not refunded");
}
