//! The decision table: rows whose call was killed or stands still, once the lease is over.

use std::time::Duration;

use common::contract::SagaOrder;
use harness::wait;

use crate::app::{App, LONG, NEVER, SHORT, assert_cancelled, code, decided, order, paid, settled};
use crate::books::Charge;

/// Pays these in a process that is killed in the midst of it; returns another one, when all leases are over.
async fn killed_while_paying<const N: usize>(orders: [&SagaOrder; N]) -> App {
    let app = App::ready(SHORT).await;
    for order in orders {
        app.begin_pay(order);
        app.books.until_charged(&order.saga_id).await;
        app.process.kill().await;
        app.process.start();
        app.process.wait_ready().await;
    }
    for order in orders {
        app.books.lease_over(&order.saga_id).await;
        assert_eq!(app.books.status(&order.saga_id).await.as_deref(), Some("APPROVING"));
    }
    app
}

#[tokio::test]
async fn the_lease_of_a_killed_call_is_waited_for() {
    let app = App::ready(LONG).await;
    let order = order("CARD_TIMEOUT_THEN_APPROVED");
    app.begin_pay(&order);
    app.books.until_charged(&order.saga_id).await;
    app.process.kill().await;
    app.process.restart().await;
    app.process.wait_ready().await;
    assert_eq!(code(&app.pay(&order).await), (409, "IN_PROGRESS"));
    app.books.end_lease(&order.saga_id).await;
    assert_eq!(app.pay(&order).await, paid(&order));
    assert_eq!(app.books.both(&order.saga_id).await, ("APPROVED".to_owned(), Charge::of("APPROVED", 1, 0)));
}

#[tokio::test]
async fn a_takeover_asks_for_the_status_first_and_takes_the_verdict_that_is_there() {
    let [approved, declined] = ["CARD_TIMEOUT_THEN_APPROVED", "CARD_TIMEOUT_THEN_DECLINED"].map(order);
    let app = killed_while_paying([&approved, &declined]).await;
    assert_eq!(app.pay(&approved).await, paid(&approved));
    assert_eq!(code(&app.pay(&declined).await), (402, "PAYMENT_DECLINED"));
    // One call of approve each: that of the process that was killed.
    assert_eq!(app.books.both(&approved.saga_id).await, ("APPROVED".to_owned(), Charge::of("APPROVED", 1, 0)));
    assert_eq!(app.books.both(&declined.saga_id).await, ("DECLINED".to_owned(), Charge::of("DECLINED", 1, 0)));
}

#[tokio::test]
async fn a_takeover_of_a_charge_that_is_being_decided_waits_for_it() {
    let order = order("CARD_APPROVED_AFTER_10S");
    let app = killed_while_paying([&order]).await;
    wait::until("the pay", Duration::from_secs(40), async || {
        let answer = app.pay(&order).await;
        assert!(answer == paid(&order) || code(&answer) == (503, "GATEWAY_UNAVAILABLE"), "{answer:?}");
        answer.0 == 200
    })
    .await;
    let (row, charge) = app.books.both(&order.saga_id).await;
    assert_eq!((row.as_str(), charge.expect("a charge").status.as_str()), ("APPROVED", "APPROVED"));
}

#[tokio::test]
async fn a_status_of_not_found_is_not_final_the_takeover_asks_to_approve() {
    let app = App::ready(SHORT).await;
    // The call is killed on its way to the gateway.
    let slow = App::new(app.books.clone(), SHORT).await.with("GATEWAY_DELAY_MS", 3_600_000).started().await;
    let order = order("CARD");
    slow.begin_pay(&order);
    app.books.until(&order.saga_id, "APPROVING").await;
    slow.process.kill().await;
    app.books.lease_over(&order.saga_id).await;
    assert_eq!(app.books.charge(&order.saga_id).await, None);
    assert_eq!(app.pay(&order).await, paid(&order));
    assert_eq!(app.books.both(&order.saga_id).await, ("APPROVED".to_owned(), Charge::of("APPROVED", 1, 0)));
}

#[tokio::test]
async fn a_payment_whose_call_was_killed_is_cancelled_and_what_was_taken_is_refunded() {
    let [taken, pending, declined] = ["CARD_TIMEOUT_THEN_APPROVED", NEVER, "CARD_TIMEOUT_THEN_DECLINED"].map(order);
    let app = killed_while_paying([&taken, &pending, &declined]).await;
    for (order, charge) in [(&taken, "REFUNDED"), (&pending, "CANCELLED"), (&declined, "DECLINED")] {
        assert_eq!(code(&app.settle(order).await), (409, "IN_PROGRESS"));
        assert_eq!(app.cancel(order, "DEADLINE_EXCEEDED").await, decided("CANCELLING", "DEADLINE_EXCEEDED"));
        assert_cancelled(&app.pay(order).await, "DEADLINE_EXCEEDED");
        for _ in 0..2 {
            assert_eq!(app.settle(order).await, settled("CANCELLED"));
        }
        assert_eq!(app.books.both(&order.saga_id).await, ("CANCELLED".to_owned(), Charge::of(charge, 1, 1)));
    }
}

#[tokio::test]
async fn a_cancel_whose_settle_was_killed_is_settled_by_the_next_one() {
    let order = order("CARD_TIMEOUT_THEN_APPROVED");
    let app = killed_while_paying([&order]).await;
    assert_eq!(app.cancel(&order, "DEADLINE_EXCEEDED").await, decided("CANCELLING", "DEADLINE_EXCEEDED"));
    app.process.kill().await;
    app.process.restart().await;
    app.process.wait_ready().await;
    assert_eq!(app.settle(&order).await, settled("CANCELLED"));
    assert_eq!(app.books.both(&order.saga_id).await, ("CANCELLED".to_owned(), Charge::of("REFUNDED", 1, 1)));
}

#[tokio::test]
async fn a_process_that_stood_still_past_its_lease_changes_nothing_when_it_goes_on() {
    let app = App::ready(SHORT).await;
    let other = app.replica(SHORT).await;
    let [paid_by_other, cancelled] = ["CARD_TIMEOUT_THEN_APPROVED", NEVER].map(order);
    let calls = [&paid_by_other, &cancelled].map(|order| app.begin_pay(order));
    for order in [&paid_by_other, &cancelled] {
        app.books.until_charged(&order.saga_id).await;
    }
    app.process.pause().await;
    for order in [&paid_by_other, &cancelled] {
        app.books.lease_over(&order.saga_id).await;
    }
    assert_eq!(other.pay(&paid_by_other).await, paid(&paid_by_other));
    assert_eq!(other.cancel(&cancelled, "DEADLINE_EXCEEDED").await, decided("CANCELLING", "DEADLINE_EXCEEDED"));
    assert_eq!(other.settle(&cancelled).await, settled("CANCELLED"));
    app.process.resume();
    for call in calls {
        let answer = call.await.expect("no panic").expect("an answer");
        assert!(matches!(answer.0, 409 | 503), "{answer:?}");
    }
    let approved = ("APPROVED".to_owned(), Charge::of("APPROVED", 1, 0));
    assert_eq!(app.books.both(&paid_by_other.saga_id).await, approved);
    assert_eq!(app.books.both(&cancelled.saga_id).await, ("CANCELLED".to_owned(), Charge::of("CANCELLED", 1, 1)));
    assert_eq!(app.pay(&paid_by_other).await, paid(&paid_by_other));
    assert_cancelled(&app.pay(&cancelled).await, "DEADLINE_EXCEEDED");
}
