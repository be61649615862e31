//! Reading orders, and requests that are not valid.

use api_client::{code, field};
use common::contract::order::{CANCEL, CONFIRM, CREATE};
use common::ids::OrderId;
use serde_json::{Value, json};

use crate::app::{App, order};

#[tokio::test]
async fn an_order_is_read_by_its_id_and_by_its_saga() {
    let app = App::ready().await;
    let order = order();
    app.create(&order).await;
    let row = app.row(&order.saga_id).await;
    assert_eq!(app.get(&format!("/api/orders/{}", order.order_id)).await, (200, row.clone()));
    for (name, value) in json!(order).as_object().expect("an object") {
        assert_eq!(row[name], *value, "{name}");
    }
    assert_eq!((&row["status"], &row["reason"]), (&json!("PENDING"), &Value::Null));
    assert!(row["createdAt"].as_str() <= row["updatedAt"].as_str(), "{row}");
}

#[tokio::test]
async fn an_unknown_order_is_not_found_and_an_invalid_id_is_refused() {
    let app = App::ready().await;
    assert_eq!(code(&app.get(&format!("/api/orders/{}", OrderId::new())).await), (404, "NOT_FOUND"));
    assert_eq!(code(&app.get(&format!("/api/orders/by-saga/{}", order().saga_id)).await), (404, "NOT_FOUND"));
    assert_eq!(code(&app.get("/api/orders/a/b/c").await), (404, "NOT_FOUND"));
    assert_eq!(code(&app.get(CREATE).await), (405, "METHOD_NOT_ALLOWED"));
    assert_eq!(field(&app.get("/api/orders/x").await), (422, "orderId"));
    assert_eq!(field(&app.get("/api/orders/by-saga/x").await), (422, "sagaId"));
}

#[tokio::test]
async fn only_old_pending_orders_are_listed_as_unfinished() {
    let app = App::ready().await;
    let [first, confirmed, cancelled, second, tombstone] = std::array::from_fn(|_| order());
    for order in [&first, &confirmed, &cancelled, &second] {
        app.create(order).await;
    }
    app.confirm(&confirmed).await;
    app.cancel(&cancelled, "DEADLINE_EXCEEDED").await;
    app.cancel(&tombstone, "DEADLINE_EXCEEDED").await;
    let (status, listed) = app.get("/api/orders/unfinished?olderThanSeconds=0").await;
    let summary = |saga: &Value| (saga["sagaId"].clone(), saga["status"].clone(), saga["ageSeconds"].is_u64());
    let summaries: Vec<_> = listed.as_array().expect("a list").iter().map(summary).collect();
    let expected = [&first, &second].map(|order| (json!(order.saga_id), json!("PENDING"), true));
    assert_eq!((status, summaries), (200, expected.to_vec()));
    assert_eq!(app.get("/api/orders/unfinished").await, (200, json!([])));
    assert_eq!(code(&app.get("/api/orders/unfinished?olderThanSeconds=x").await), (422, "VALIDATION_FAILED"));
    assert_eq!(code(&app.get("/api/orders/unfinished?olderThanSeconds=-1").await), (422, "VALIDATION_FAILED"));
}

#[tokio::test]
async fn a_step_ignores_fields_of_a_later_release_and_names_a_wrong_one() {
    let app = App::ready().await;
    let order = order();
    for (name, value) in [
        ("sagaId", json!("order-short")),
        ("fingerprint", json!("x")),
        ("orderId", json!(1)),
        ("paymentId", json!("x")),
        ("customerId", json!(0)),
        ("productId", json!(-1)),
        ("quantity", json!(1_000_001)),
        ("amount", json!(0.001)),
        ("paymentMethod", json!("card")),
    ] {
        let mut wrong = json!(order);
        wrong[name] = value;
        assert_eq!(field(&app.post(CREATE, &wrong).await), (422, name));
        assert_eq!(field(&app.post(CONFIRM, &wrong).await), (422, name));
        let undo = json!({"order": wrong, "reason": "DEADLINE_EXCEEDED"});
        assert_eq!(field(&app.post(CANCEL, &undo).await), (422, format!("order.{name}").as_str()));
        let mut incomplete = json!(order);
        incomplete.as_object_mut().expect("an object").remove(name);
        assert_eq!(field(&app.post(CREATE, &incomplete).await), (422, name));
    }
    assert_eq!(field(&app.post(CANCEL, &json!({"order": order, "reason": "no code"})).await), (422, "reason"));
    assert_eq!(code(&app.get(&format!("/api/orders/by-saga/{}", order.saga_id)).await), (404, "NOT_FOUND"));
    let mut later = json!(order);
    later["color"] = json!("red");
    assert_eq!(app.post(CREATE, &later).await.0, 200);
}

#[tokio::test]
async fn an_invalid_body_is_refused_and_nothing_is_stored() {
    let app = App::ready().await;
    let order = order();
    let good = json!(order).to_string();
    let large = format!("{good}{}", " ".repeat(64 * 1024)).into_bytes();
    for (content_type, body, refusal) in [
        ("application/json", b"{".to_vec(), (400, "MALFORMED_JSON")),
        ("application/json", b"\"\xff\"".to_vec(), (400, "MALFORMED_JSON")),
        ("application/json", Vec::new(), (400, "MALFORMED_JSON")),
        ("application/json", b"[]".to_vec(), (422, "VALIDATION_FAILED")),
        ("text/plain", good.clone().into_bytes(), (415, "UNSUPPORTED_MEDIA_TYPE")),
        ("application/json", large, (413, "BODY_TOO_LARGE")),
    ] {
        assert_eq!(code(&app.post_raw(CREATE, content_type, body).await), refusal);
    }
    assert_eq!(code(&app.get(&format!("/api/orders/by-saga/{}", order.saga_id)).await), (404, "NOT_FOUND"));
    assert_eq!(app.post_raw(CREATE, "application/json; charset=utf-8", good.into_bytes()).await.0, 200);
}
