//! The decision table: absent rows and decided rows. Each test also checks the gateway's ledger.

use api_client::{assert_saga_cancelled, code};
use common::ids::PaymentId;
use serde_json::json;

use crate::app::{App, LONG_LIMITS, PENDING_CARD, decided, order, paid, voided};
use crate::ledgers::Charge;

#[tokio::test]
async fn a_new_payment_is_paid_once_and_a_repeated_pay_gets_the_first_answer() {
    let app = App::ready(LONG_LIMITS).await;
    let order = order("CARD");
    assert_eq!(app.pay(&order).await, paid(&order));
    let mut again = order.clone();
    again.payment_id = PaymentId::new();
    for _ in 0..3 {
        assert_eq!(app.pay(&again).await, paid(&order));
    }
    let (_, row) = app.get(&format!("/api/payments/by-saga/{}", order.saga_id)).await;
    assert_eq!((&row["paymentId"], &row["status"]), (&json!(order.payment_id), &json!("APPROVED")));
    assert_eq!(app.ledgers.both(&order.saga_id).await, ("APPROVED".to_owned(), Charge::of("APPROVED", 1, 0)));
}

#[tokio::test]
async fn a_paid_payment_is_neither_cancelled_nor_voided() {
    let app = App::ready(LONG_LIMITS).await;
    let order = order("CARD");
    app.pay(&order).await;
    for _ in 0..2 {
        assert_eq!(code(&app.cancel(&order, "CANCELLED_BY_CUSTOMER").await), (409, "ORDER_ALREADY_PAID"));
        assert_eq!(code(&app.void(&order).await), (409, "ORDER_ALREADY_PAID"));
    }
    assert_eq!(app.pay(&order).await, paid(&order));
    assert_eq!(app.ledgers.both(&order.saga_id).await, ("APPROVED".to_owned(), Charge::of("APPROVED", 1, 0)));
}

#[tokio::test]
async fn a_declined_payment_stays_declined_and_its_undo_does_nothing() {
    let app = App::ready(LONG_LIMITS).await;
    let order = order("CARD_DECLINED");
    for _ in 0..2 {
        assert_eq!(code(&app.pay(&order).await), (402, "PAYMENT_DECLINED"));
    }
    for _ in 0..2 {
        let cancelled = app.cancel(&order, "CANCELLED_BY_CUSTOMER").await;
        assert_eq!(cancelled, decided("DECLINED", "PAYMENT_DECLINED"));
        assert_eq!(app.void(&order).await, voided("DECLINED"));
    }
    assert_eq!(code(&app.pay(&order).await), (402, "PAYMENT_DECLINED"));
    assert_eq!(app.ledgers.both(&order.saga_id).await, ("DECLINED".to_owned(), Charge::of("DECLINED", 1, 0)));
}

#[tokio::test]
async fn a_method_that_the_gateway_does_not_know_is_declined() {
    let app = App::ready(LONG_LIMITS).await;
    let order = order("CASH");
    for _ in 0..2 {
        assert_eq!(code(&app.pay(&order).await), (402, "PAYMENT_DECLINED"));
    }
    assert_eq!(app.ledgers.both(&order.saga_id).await, ("DECLINED".to_owned(), None));
}

#[tokio::test]
async fn after_a_cancel_every_pay_is_refused_with_the_first_reason() {
    let app = App::ready(LONG_LIMITS).await;
    let order = order("CARD");
    for reason in ["CANCELLED_BY_CUSTOMER", "DEADLINE_EXCEEDED"] {
        assert_eq!(app.cancel(&order, reason).await, decided("CANCELLED", "CANCELLED_BY_CUSTOMER"));
        assert_saga_cancelled(&app.pay(&order).await, "CANCELLED_BY_CUSTOMER");
    }
    for _ in 0..2 {
        assert_eq!(app.void(&order).await, voided("CANCELLED"));
    }
    assert_saga_cancelled(&app.pay(&order).await, "CANCELLED_BY_CUSTOMER");
    assert_eq!(app.ledgers.both(&order.saga_id).await, ("CANCELLED".to_owned(), None));
}

#[tokio::test]
async fn a_void_without_a_payment_is_not_found_and_decides_nothing() {
    let app = App::ready(LONG_LIMITS).await;
    let order = order("CARD");
    assert_eq!(code(&app.void(&order).await), (404, "NOT_FOUND"));
    assert_eq!((app.ledgers.status(&order.saga_id).await, app.ledgers.charge(&order.saga_id).await), (None, None));
    assert_eq!(app.pay(&order).await, paid(&order));
}

#[tokio::test]
async fn another_request_for_the_same_saga_is_refused_in_every_state_and_changes_nothing() {
    let app = App::ready(LONG_LIMITS).await;
    let [approved, declined, cancelled, approving, cancelling] =
        ["CARD", "CARD_DECLINED", "CARD", PENDING_CARD, PENDING_CARD].map(order);
    app.pay(&approved).await;
    app.pay(&declined).await;
    app.cancel(&cancelled, "DEADLINE_EXCEEDED").await;
    for order in [&approving, &cancelling] {
        app.begin_pay(order);
        app.ledgers.wait_for_charge(&order.saga_id).await;
    }
    app.cancel(&cancelling, "DEADLINE_EXCEEDED").await;
    for order in [&approved, &declined, &cancelled, &approving, &cancelling] {
        let before = app.ledgers.both(&order.saga_id).await;
        let other = property::reused(order);
        let reused = (422, "IDEMPOTENCY_KEY_REUSED");
        assert_eq!(code(&app.pay(&other).await), reused, "{before:?}");
        assert_eq!(code(&app.cancel(&other, "CANCELLED_BY_CUSTOMER").await), reused, "{before:?}");
        assert_eq!(code(&app.void(&other).await), reused, "{before:?}");
        assert_eq!(app.ledgers.both(&order.saga_id).await, before);
    }
}
