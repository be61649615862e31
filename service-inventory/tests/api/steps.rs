//! The steps of one saga, in different orders.

use api_client::{assert_saga_cancelled, code, field};
use common::contract::inventory::{RELEASE, RESERVE};
use serde_json::json;

use crate::app::{App, order};

#[tokio::test]
async fn a_confirm_removes_the_reserved_units_from_the_stock() {
    let app = App::ready().await;
    let order = order(1, 2, "20000");
    let (status, body) = app.reserve(&order).await;
    assert_eq!((status, body["unitPrice"].as_f64()), (200, Some(10_000.0)));
    assert_eq!(app.stock(1).await, (100, 2));
    assert_eq!(app.reservation(&order.saga_id).await, ("RESERVED".to_owned(), None));

    assert_eq!(app.confirm(&order).await, (200, json!({"status": "CONFIRMED"})));
    assert_eq!(app.stock(1).await, (98, 0));
    assert_eq!(app.reservation(&order.saga_id).await, ("CONFIRMED".to_owned(), None));
}

#[tokio::test]
async fn a_repeated_call_returns_the_first_answer_and_changes_nothing() {
    let app = App::ready().await;
    let order = order(3, 2, "1981");
    let reserved = app.reserve(&order).await;
    assert_eq!(reserved.0, 200);
    assert_eq!(app.reserve(&order).await, reserved);
    assert_eq!(app.stock(3).await, (1000, 2));
    let confirmed = app.confirm(&order).await;
    assert_eq!(confirmed.0, 200);
    assert_eq!(app.confirm(&order).await, confirmed);
    assert_eq!(app.reserve(&order).await, reserved);
    assert_eq!(app.stock(3).await, (998, 0));
}

#[tokio::test]
async fn a_refusal_is_stored_and_repeated() {
    let app = App::ready().await;
    for (order, status, refusal, has_price) in [
        (order(99, 1, "1"), 422, "UNKNOWN_PRODUCT", false),
        (order(1, 2, "19999.99"), 422, "AMOUNT_MISMATCH", true),
        (order(1, 1_000_000, "9999999999999.99"), 422, "AMOUNT_MISMATCH", true),
        (order(1, 101, "1010000"), 409, "INSUFFICIENT_STOCK", true),
    ] {
        let first = app.reserve(&order).await;
        assert_eq!(code(&first), (status, refusal));
        assert_eq!(app.reserve(&order).await, first);
        assert_eq!(app.reservation(&order.saga_id).await, ("REFUSED".to_owned(), Some(refusal.to_owned())));
        let (_, row) = app.get(&format!("/api/inventory/reservations/{}", order.saga_id)).await;
        assert_eq!(row["unitPrice"].is_number(), has_price, "{row}");
        assert_saga_cancelled(&app.confirm(&order).await, refusal);
    }
    assert_eq!(app.stock(1).await, (100, 0));
}

#[tokio::test]
async fn a_refusal_stays_even_after_a_delivery() {
    let app = App::ready().await;
    let order = order(1, 101, "1010000");
    let first = app.reserve(&order).await;
    let delivery = json!({"deliveryId": "delivery-1", "quantity": 50});
    assert_eq!(app.post("/api/inventory/products/1/stock", &delivery).await.0, 200);
    assert_eq!(app.reserve(&order).await, first);
    assert_eq!(app.stock(1).await, (150, 0));
}

#[tokio::test]
async fn a_release_frees_the_units_and_the_first_reason_stays() {
    let app = App::ready().await;
    let order = order(2, 50, "1250000");
    assert_eq!(app.reserve(&order).await.0, 200);
    assert_eq!(app.stock(2).await, (50, 50));
    assert_eq!(app.release(&order, "PAYMENT_DECLINED").await, (200, json!({"status": "RELEASED"})));
    assert_eq!(app.release(&order, "DEADLINE_EXCEEDED").await, (200, json!({"status": "RELEASED"})));
    assert_eq!(app.stock(2).await, (50, 0));
    assert_eq!(app.reservation(&order.saga_id).await, ("RELEASED".to_owned(), Some("PAYMENT_DECLINED".to_owned())));
    assert_saga_cancelled(&app.reserve(&order).await, "PAYMENT_DECLINED");
    assert_saga_cancelled(&app.confirm(&order).await, "PAYMENT_DECLINED");
    assert_eq!(app.stock(2).await, (50, 0));
}

#[tokio::test]
async fn a_reserve_after_the_release_is_refused() {
    let app = App::ready().await;
    let order = order(1, 1, "10000");
    assert_eq!(app.release(&order, "CANCELLED_BY_CUSTOMER").await.0, 200);
    assert_saga_cancelled(&app.reserve(&order).await, "CANCELLED_BY_CUSTOMER");
    assert_saga_cancelled(&app.confirm(&order).await, "CANCELLED_BY_CUSTOMER");
    assert_eq!(app.stock(1).await, (100, 0));
}

#[tokio::test]
async fn a_refused_saga_that_is_released_keeps_its_refusal_as_the_reason() {
    let app = App::ready().await;
    let order = order(1, 101, "1010000");
    assert_eq!(code(&app.reserve(&order).await), (409, "INSUFFICIENT_STOCK"));
    assert_eq!(app.release(&order, "CANCELLED_BY_CUSTOMER").await.0, 200);
    assert_saga_cancelled(&app.reserve(&order).await, "INSUFFICIENT_STOCK");
    assert_eq!(app.stock(1).await, (100, 0));
}

#[tokio::test]
async fn confirmed_units_cannot_be_released() {
    let app = App::ready().await;
    let order = order(1, 3, "30000");
    app.reserve(&order).await;
    app.confirm(&order).await;
    assert_eq!(code(&app.release(&order, "DEADLINE_EXCEEDED").await), (409, "ALREADY_CONFIRMED"));
    assert_eq!(app.stock(1).await, (97, 0));
    assert_eq!(app.reservation(&order.saga_id).await, ("CONFIRMED".to_owned(), None));
}

#[tokio::test]
async fn another_request_of_the_same_saga_is_refused_and_changes_nothing() {
    let app = App::ready().await;
    let order = order(1, 3, "30000");
    app.reserve(&order).await;
    let other = property::reused(&order);
    let reused = (422, "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(code(&app.reserve(&other).await), reused);
    assert_eq!(code(&app.confirm(&other).await), reused);
    assert_eq!(code(&app.release(&other, "DEADLINE_EXCEEDED").await), reused);
    assert_eq!(app.stock(1).await, (100, 3));
    assert_eq!(app.reservation(&order.saga_id).await, ("RESERVED".to_owned(), None));
}

#[tokio::test]
async fn a_confirm_without_a_reservation_is_not_found() {
    let app = App::ready().await;
    let order = order(1, 1, "10000");
    assert_eq!(code(&app.confirm(&order).await), (404, "NOT_FOUND"));
    let path = format!("/api/inventory/reservations/{}", order.saga_id);
    assert_eq!(code(&app.get(&path).await), (404, "NOT_FOUND"));
    assert_eq!(field(&app.get("/api/inventory/reservations/nonsense").await), (422, "sagaId"));
}

#[tokio::test]
async fn a_step_ignores_fields_of_a_later_release_and_names_a_wrong_one() {
    let app = App::ready().await;
    let mut body = json!(order(1, 1, "10000"));
    body["color"] = json!("red");
    assert_eq!(app.post(RESERVE, &body).await.0, 200);
    body["quantity"] = json!(0);
    assert_eq!(field(&app.post(RESERVE, &body).await), (422, "quantity"));
    let undo = json!({"order": body, "reason": "X"});
    assert_eq!(field(&app.post(RELEASE, &undo).await), (422, "order.quantity"));
}

#[tokio::test]
async fn only_old_reserved_reservations_are_listed_as_unfinished() {
    let app = App::ready().await;
    let [open, confirmed, released, refused] = [1, 1, 1, 101].map(|n| order(1, n, &format!("{n}0000")));
    for order in [&open, &confirmed, &released, &refused] {
        app.reserve(order).await;
    }
    app.confirm(&confirmed).await;
    app.release(&released, "PAYMENT_DECLINED").await;
    let (status, listed) = app.get("/api/inventory/unfinished?olderThanSeconds=0").await;
    let ids: Vec<_> = listed.as_array().expect("a list").iter().map(|saga| saga["sagaId"].clone()).collect();
    assert_eq!((status, ids), (200, vec![json!(open.saga_id)]));
    assert_eq!(listed[0]["status"], "RESERVED");
    assert_eq!(app.get("/api/inventory/unfinished").await, (200, json!([])));
    assert_eq!(code(&app.get("/api/inventory/unfinished?olderThanSeconds=x").await), (422, "VALIDATION_FAILED"));
}
