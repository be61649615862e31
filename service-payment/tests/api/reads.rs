//! Reading payments, and invalid requests.

use api_client::{code, field};
use common::contract::payment::{CANCEL, PAY, VOID};
use common::ids::PaymentId;
use serde_json::{Value, json};

use crate::app::{App, LONG_LIMITS, PENDING_CARD, order};

#[tokio::test]
async fn a_payment_is_read_by_its_id_and_by_its_saga() {
    let app = App::ready(LONG_LIMITS).await;
    let [paid, refused] = ["CARD", "CARD_DECLINED"].map(order);
    app.pay(&paid).await;
    app.pay(&refused).await;
    for (order, status, reason) in [(&paid, "APPROVED", None), (&refused, "DECLINED", Some("PAYMENT_DECLINED"))] {
        let by_id = app.get(&format!("/api/payments/{}", order.payment_id)).await;
        assert_eq!(app.get(&format!("/api/payments/by-saga/{}", order.saga_id)).await, by_id);
        let (http, row) = by_id;
        assert_eq!((http, &row["sagaId"], &row["orderId"]), (200, &json!(order.saga_id), &json!(order.order_id)));
        assert_eq!((&row["paymentId"], row["amount"].as_f64()), (&json!(order.payment_id), Some(20_000.0)));
        assert_eq!((&row["paymentMethod"], &row["status"]), (&json!(order.payment_method), &json!(status)));
        assert_eq!(row["reason"].as_str(), reason);
        assert!(row["createdAt"].as_str() <= row["updatedAt"].as_str(), "{row}");
    }
}

#[tokio::test]
async fn an_unknown_payment_is_not_found_and_an_invalid_id_is_refused() {
    let app = App::ready(LONG_LIMITS).await;
    assert_eq!(code(&app.get(&format!("/api/payments/{}", PaymentId::new())).await), (404, "NOT_FOUND"));
    let path = format!("/api/payments/by-saga/{}", order("CARD").saga_id);
    assert_eq!(code(&app.get(&path).await), (404, "NOT_FOUND"));
    assert_eq!(field(&app.get("/api/payments/x").await), (422, "paymentId"));
    assert_eq!(field(&app.get("/api/payments/by-saga/x").await), (422, "sagaId"));
}

#[tokio::test]
async fn only_old_payments_that_are_undecided_or_not_voided_are_unfinished() {
    let app = App::ready(LONG_LIMITS).await;
    let [approving, cancelling, paid, declined, tombstone] =
        [PENDING_CARD, PENDING_CARD, "CARD", "CARD_DECLINED", "CARD"].map(order);
    for order in [&approving, &cancelling] {
        app.begin_pay(order);
        app.ledgers.wait_for_charge(&order.saga_id).await;
    }
    app.cancel(&cancelling, "DEADLINE_EXCEEDED").await;
    app.pay(&paid).await;
    app.pay(&declined).await;
    app.cancel(&tombstone, "DEADLINE_EXCEEDED").await;
    let (status, listed) = app.get("/api/payments/unfinished?olderThanSeconds=0").await;
    let shown = |saga: &Value| (saga["sagaId"].clone(), saga["status"].clone());
    let shown: Vec<_> = listed.as_array().expect("a list").iter().map(shown).collect();
    let wanted = [(&approving, "APPROVING"), (&cancelling, "CANCELLING")];
    let wanted = wanted.map(|(order, status)| (json!(order.saga_id), json!(status)));
    assert_eq!((status, shown), (200, wanted.to_vec()));
    assert_eq!(app.get("/api/payments/unfinished").await, (200, json!([])));
    assert_eq!(code(&app.get("/api/payments/unfinished?olderThanSeconds=x").await), (422, "VALIDATION_FAILED"));
}

#[tokio::test]
async fn a_step_ignores_unknown_fields_and_names_a_wrong_one() {
    let app = App::ready(LONG_LIMITS).await;
    let order = order("CARD");
    let mut body = json!(order);
    body["color"] = json!("red");
    assert_eq!(app.post(PAY, &body).await.0, 200);
    for (name, value) in [
        ("amount", json!(0)),
        ("amount", json!("1")),
        ("paymentMethod", json!("card")),
        ("paymentId", json!("x")),
        ("sagaId", json!("x")),
        ("fingerprint", json!("x")),
        ("customerId", json!(-1)),
    ] {
        let mut wrong = json!(order);
        wrong[name] = value;
        assert_eq!(field(&app.post(PAY, &wrong).await), (422, name));
        let undo = json!({"order": wrong, "reason": "DEADLINE_EXCEEDED"});
        let nested = format!("order.{name}");
        assert_eq!(field(&app.post(CANCEL, &undo).await), (422, nested.as_str()));
        assert_eq!(field(&app.post(VOID, &undo).await), (422, nested.as_str()));
    }
    let undo = json!({"order": order, "reason": "not a code"});
    assert_eq!(field(&app.post(CANCEL, &undo).await), (422, "reason"));
    assert_eq!(field(&app.post(CANCEL, &json!({"order": order})).await), (422, "reason"));
}

#[tokio::test]
async fn a_reason_of_a_later_release_is_stored_and_returned() {
    let app = App::ready(LONG_LIMITS).await;
    let order = order("CARD");
    app.cancel(&order, "MOON_PHASE").await;
    let refused = app.pay(&order).await;
    assert_eq!((code(&refused), &refused.1["reason"]), ((409, "SAGA_CANCELLED"), &json!("MOON_PHASE")));
}
