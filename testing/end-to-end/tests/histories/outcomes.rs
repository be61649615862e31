//! Orders that nothing disturbs: one workflow task, no regular activity.

use end_to_end::{World, body, order};
use serde_json::json;
use temporalio_common::protos::temporal::api::enums::v1::EventType;

use crate::recorder::History;

async fn is_one_quick_task(world: &World, key: &str, name: &str) {
    let history = History::of(world, key).await;
    assert_eq!(history.count(EventType::WorkflowTaskCompleted), 1);
    assert_eq!(history.handed_over().len(), 0);
    history.keep(name);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confirmed_order_is_one_workflow_task() {
    let world = World::start().await;
    assert_eq!(world.place("confirmed", &order()).await.brief(), (200, "CONFIRMED"));
    is_one_quick_task(&world, "confirmed", "confirmed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_refused_order_is_one_workflow_task_with_its_undo() {
    let world = World::start().await;
    let order = |product: i64, quantity: i64, amount: i64| json!({"customerId": 1, "productId": product, "quantity": quantity, "amount": amount});
    for (name, body, status, code) in [
        ("refused_insufficient_stock", order(1, 101, 1_010_000), 409, "INSUFFICIENT_STOCK"),
        ("refused_unknown_product", order(999, 1, 10_000), 422, "UNKNOWN_PRODUCT"),
        ("refused_amount_mismatch", order(1, 2, 20_001), 422, "AMOUNT_MISMATCH"),
        ("refused_payment_declined", body("CARD_DECLINED"), 402, "PAYMENT_DECLINED"),
    ] {
        assert_eq!(world.place(name, &body).await.brief(), (status, code), "{name}");
        is_one_quick_task(&world, name, name).await;
    }
}
