//! The steps of one saga, in different orders.

use api_client::{assert_saga_cancelled, code};
use common::ids::OrderId;

use crate::app::{App, cancelled, done, order};

#[tokio::test]
async fn an_order_is_pending_until_it_is_confirmed() {
    let app = App::ready().await;
    let order = order();
    assert_eq!(app.create(&order).await, done(&order));
    assert_eq!(app.state(&order.saga_id).await, ("PENDING".to_owned(), None));
    assert_eq!(app.confirm(&order).await, done(&order));
    assert_eq!(app.state(&order.saga_id).await, ("CONFIRMED".to_owned(), None));
}

#[tokio::test]
async fn a_repeated_call_returns_the_first_answer_and_changes_nothing() {
    let app = App::ready().await;
    let first = order();
    let mut again = first.clone();
    again.order_id = OrderId::new();
    app.create(&first).await;
    let row = app.row(&first.saga_id).await;
    assert_eq!(app.create(&again).await, done(&first));
    assert_eq!(app.row(&first.saga_id).await, row);
    app.confirm(&first).await;
    let row = app.row(&first.saga_id).await;
    for _ in 0..2 {
        assert_eq!(app.confirm(&again).await, done(&first));
        assert_eq!(app.create(&again).await, done(&first));
    }
    assert_eq!(app.row(&first.saga_id).await, row);
}

#[tokio::test]
async fn a_cancelled_order_keeps_the_first_reason_and_refuses_every_forward_call() {
    let app = App::ready().await;
    let order = order();
    app.create(&order).await;
    for reason in ["PAYMENT_DECLINED", "DEADLINE_EXCEEDED", "PAYMENT_DECLINED"] {
        assert_eq!(app.cancel(&order, reason).await, cancelled());
        assert_saga_cancelled(&app.create(&order).await, "PAYMENT_DECLINED");
        assert_saga_cancelled(&app.confirm(&order).await, "PAYMENT_DECLINED");
    }
    assert_eq!(app.state(&order.saga_id).await, ("CANCELLED".to_owned(), Some("PAYMENT_DECLINED".to_owned())));
}

#[tokio::test]
async fn a_create_after_the_cancel_is_refused() {
    let app = App::ready().await;
    let order = order();
    assert_eq!(app.cancel(&order, "INSUFFICIENT_STOCK").await, cancelled());
    let row = app.row(&order.saga_id).await;
    assert_saga_cancelled(&app.create(&order).await, "INSUFFICIENT_STOCK");
    assert_saga_cancelled(&app.confirm(&order).await, "INSUFFICIENT_STOCK");
    assert_eq!(app.cancel(&order, "CANCELLED_BY_CUSTOMER").await, cancelled());
    assert_eq!(app.row(&order.saga_id).await, row);
    assert_eq!((&row["status"], &row["reason"]), (&"CANCELLED".into(), &"INSUFFICIENT_STOCK".into()));
}

#[tokio::test]
async fn a_confirmed_order_cannot_be_cancelled() {
    let app = App::ready().await;
    let order = order();
    app.create(&order).await;
    app.confirm(&order).await;
    for _ in 0..2 {
        assert_eq!(code(&app.cancel(&order, "DEADLINE_EXCEEDED").await), (409, "ALREADY_CONFIRMED"));
        assert_eq!(app.state(&order.saga_id).await, ("CONFIRMED".to_owned(), None));
    }
    assert_eq!(app.confirm(&order).await, done(&order));
}

#[tokio::test]
async fn a_confirm_without_an_order_is_not_found_and_creates_none() {
    let app = App::ready().await;
    let order = order();
    assert_eq!(code(&app.confirm(&order).await), (404, "NOT_FOUND"));
    assert_eq!(code(&app.get(&format!("/api/orders/by-saga/{}", order.saga_id)).await), (404, "NOT_FOUND"));
    assert_eq!(app.create(&order).await, done(&order));
}

#[tokio::test]
async fn another_request_of_the_same_saga_is_refused_in_every_state_and_changes_nothing() {
    let app = App::ready().await;
    let [pending, confirmed, cancelled_order] = [order(), order(), order()];
    app.create(&pending).await;
    app.create(&confirmed).await;
    app.confirm(&confirmed).await;
    app.cancel(&cancelled_order, "DEADLINE_EXCEEDED").await;
    for order in [&pending, &confirmed, &cancelled_order] {
        let before = app.row(&order.saga_id).await;
        let other = property::reused(order);
        let reused = (422, "IDEMPOTENCY_KEY_REUSED");
        assert_eq!(code(&app.create(&other).await), reused);
        assert_eq!(code(&app.confirm(&other).await), reused);
        assert_eq!(code(&app.cancel(&other, "CANCELLED_BY_CUSTOMER").await), reused);
        assert_eq!(app.row(&order.saga_id).await, before);
    }
}

#[tokio::test]
async fn an_order_survives_a_killed_service() {
    let app = App::ready().await;
    let order = order();
    app.create(&order).await;
    let row = app.row(&order.saga_id).await;
    app.process.kill().await;
    app.process.start();
    app.process.wait_ready().await;
    assert_eq!(app.row(&order.saga_id).await, row);
    assert_eq!(app.create(&order).await, done(&order));
    assert_eq!(app.process.terminate().await, 0);
}
