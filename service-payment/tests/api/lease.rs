//! The decision table: APPROVING rows whose call was killed or paused, after the lease expired.

use std::time::Duration;

use api_client::{assert_saga_cancelled, code};
use common::contract::SagaOrder;
use harness::wait;

use crate::app::{App, LONG_LIMITS, PENDING_CARD, SHORT_LIMITS, decided, order, paid, voided};
use crate::ledgers::Charge;

/// Kills the process during the `pay` of each order. Returns the restarted process after all leases have expired.
async fn kill_during_pay<const N: usize>(orders: [&SagaOrder; N]) -> App {
    let app = App::ready(SHORT_LIMITS).await;
    for order in orders {
        app.begin_pay(order);
        app.ledgers.wait_for_charge(&order.saga_id).await;
        app.process.kill().await;
        app.process.start();
        app.process.wait_ready().await;
    }
    for order in orders {
        app.ledgers.wait_for_lease_end(&order.saga_id).await;
        assert_eq!(app.ledgers.status(&order.saga_id).await.as_deref(), Some("APPROVING"));
    }
    app
}

#[tokio::test]
async fn a_pay_is_told_to_retry_until_the_lease_of_a_killed_call_expires() {
    let app = App::ready(LONG_LIMITS).await;
    let order = order("CARD_TIMEOUT_THEN_APPROVED");
    app.begin_pay(&order);
    app.ledgers.wait_for_charge(&order.saga_id).await;
    app.process.kill().await;
    app.process.restart().await;
    app.process.wait_ready().await;
    assert_eq!(code(&app.pay(&order).await), (409, "IN_PROGRESS"));
    app.ledgers.end_lease(&order.saga_id).await;
    assert_eq!(app.pay(&order).await, paid(&order));
    assert_eq!(app.ledgers.both(&order.saga_id).await, ("APPROVED".to_owned(), Charge::of("APPROVED", 1, 0)));
}

#[tokio::test]
async fn a_takeover_asks_for_the_status_first_and_uses_an_existing_verdict() {
    let [approved, declined] = ["CARD_TIMEOUT_THEN_APPROVED", "CARD_TIMEOUT_THEN_DECLINED"].map(order);
    let app = kill_during_pay([&approved, &declined]).await;
    assert_eq!(app.pay(&approved).await, paid(&approved));
    assert_eq!(code(&app.pay(&declined).await), (402, "PAYMENT_DECLINED"));
    // The gateway received one `approve` per charge, from the killed call.
    assert_eq!(app.ledgers.both(&approved.saga_id).await, ("APPROVED".to_owned(), Charge::of("APPROVED", 1, 0)));
    assert_eq!(app.ledgers.both(&declined.saga_id).await, ("DECLINED".to_owned(), Charge::of("DECLINED", 1, 0)));
}

#[tokio::test]
async fn a_takeover_waits_for_a_pending_charge() {
    let order = order("CARD_APPROVED_AFTER_10S");
    let app = kill_during_pay([&order]).await;
    wait::until("the pay", Duration::from_secs(40), async || {
        let answer = app.pay(&order).await;
        assert!(answer == paid(&order) || code(&answer) == (503, "GATEWAY_UNAVAILABLE"), "{answer:?}");
        answer.0 == 200
    })
    .await;
    let (row, charge) = app.ledgers.both(&order.saga_id).await;
    assert_eq!((row.as_str(), charge.expect("a charge").status.as_str()), ("APPROVED", "APPROVED"));
}

#[tokio::test]
async fn a_takeover_approves_when_the_status_is_not_found() {
    let app = App::ready(SHORT_LIMITS).await;
    // The call is killed before its request reaches the gateway.
    let slow = App::new(app.ledgers.clone(), SHORT_LIMITS).await.with("GATEWAY_DELAY_MS", 3_600_000).started().await;
    let order = order("CARD");
    slow.begin_pay(&order);
    app.ledgers.wait_for_status(&order.saga_id, "APPROVING").await;
    slow.process.kill().await;
    app.ledgers.wait_for_lease_end(&order.saga_id).await;
    assert_eq!(app.ledgers.charge(&order.saga_id).await, None);
    assert_eq!(app.pay(&order).await, paid(&order));
    assert_eq!(app.ledgers.both(&order.saga_id).await, ("APPROVED".to_owned(), Charge::of("APPROVED", 1, 0)));
}

#[tokio::test]
async fn a_payment_of_a_killed_call_can_be_cancelled_and_is_refunded() {
    let [taken, pending, declined] =
        ["CARD_TIMEOUT_THEN_APPROVED", PENDING_CARD, "CARD_TIMEOUT_THEN_DECLINED"].map(order);
    let app = kill_during_pay([&taken, &pending, &declined]).await;
    for (order, charge) in [(&taken, "REFUNDED"), (&pending, "CANCELLED"), (&declined, "DECLINED")] {
        assert_eq!(code(&app.void(order).await), (409, "IN_PROGRESS"));
        assert_eq!(app.cancel(order, "DEADLINE_EXCEEDED").await, decided("CANCELLING", "DEADLINE_EXCEEDED"));
        assert_saga_cancelled(&app.pay(order).await, "DEADLINE_EXCEEDED");
        for _ in 0..2 {
            assert_eq!(app.void(order).await, voided("CANCELLED"));
        }
        assert_eq!(app.ledgers.both(&order.saga_id).await, ("CANCELLED".to_owned(), Charge::of(charge, 1, 1)));
    }
}

#[tokio::test]
async fn a_void_after_a_restart_finishes_the_cancel() {
    let order = order("CARD_TIMEOUT_THEN_APPROVED");
    let app = kill_during_pay([&order]).await;
    assert_eq!(app.cancel(&order, "DEADLINE_EXCEEDED").await, decided("CANCELLING", "DEADLINE_EXCEEDED"));
    app.process.kill().await;
    app.process.restart().await;
    app.process.wait_ready().await;
    assert_eq!(app.void(&order).await, voided("CANCELLED"));
    assert_eq!(app.ledgers.both(&order.saga_id).await, ("CANCELLED".to_owned(), Charge::of("REFUNDED", 1, 1)));
}

#[tokio::test]
async fn a_process_paused_beyond_its_lease_changes_nothing_when_it_resumes() {
    let app = App::ready(SHORT_LIMITS).await;
    let other = app.replica(SHORT_LIMITS).await;
    let [paid_by_other, cancelled] = ["CARD_TIMEOUT_THEN_APPROVED", PENDING_CARD].map(order);
    let calls = [&paid_by_other, &cancelled].map(|order| app.begin_pay(order));
    for order in [&paid_by_other, &cancelled] {
        app.ledgers.wait_for_charge(&order.saga_id).await;
    }
    app.process.pause().await;
    for order in [&paid_by_other, &cancelled] {
        app.ledgers.wait_for_lease_end(&order.saga_id).await;
    }
    assert_eq!(other.pay(&paid_by_other).await, paid(&paid_by_other));
    assert_eq!(other.cancel(&cancelled, "DEADLINE_EXCEEDED").await, decided("CANCELLING", "DEADLINE_EXCEEDED"));
    assert_eq!(other.void(&cancelled).await, voided("CANCELLED"));
    app.process.resume();
    for call in calls {
        let answer = call.await.expect("no panic").expect("an answer");
        assert!(matches!(answer.0, 409 | 503), "{answer:?}");
    }
    let approved = ("APPROVED".to_owned(), Charge::of("APPROVED", 1, 0));
    assert_eq!(app.ledgers.both(&paid_by_other.saga_id).await, approved);
    assert_eq!(app.ledgers.both(&cancelled.saga_id).await, ("CANCELLED".to_owned(), Charge::of("CANCELLED", 1, 1)));
    assert_eq!(app.pay(&paid_by_other).await, paid(&paid_by_other));
    assert_saga_cancelled(&app.pay(&cancelled).await, "DEADLINE_EXCEEDED");
}
