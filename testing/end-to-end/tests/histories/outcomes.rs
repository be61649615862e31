//! Orders that nothing disturbs. (That each is one workflow task is asserted of the committed histories.)

use end_to_end::{World, body, order};
use serde_json::json;
use temporalio_common::protos::temporal::api::enums::v1::EventType;

use crate::recorder::History;

async fn keep_if_one_quick_task(world: &World, key: &str, name: &str) {
    let history = History::of(world, key).await;
    history.keep(name, history.count(EventType::WorkflowTaskCompleted) == 1 && history.hands_over(&[]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_nothing_disturbs_is_confirmed() {
    let world = World::start().await;
    assert_eq!(world.place("confirmed", &order()).await.brief(), (200, "CONFIRMED"));
    keep_if_one_quick_task(&world, "confirmed", "confirmed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_refusal_is_answered_with_its_code() {
    let world = World::start().await;
    let order = |product: i64, quantity: i64, amount: i64| json!({"customerId": 1, "productId": product, "quantity": quantity, "amount": amount});
    for (name, body, status, code) in [
        ("refused_insufficient_stock", order(1, 101, 1_010_000), 409, "INSUFFICIENT_STOCK"),
        ("refused_unknown_product", order(999, 1, 10_000), 422, "UNKNOWN_PRODUCT"),
        ("refused_amount_mismatch", order(1, 2, 20_001), 422, "AMOUNT_MISMATCH"),
        ("refused_payment_declined", body("CARD_DECLINED"), 402, "PAYMENT_DECLINED"),
    ] {
        assert_eq!(world.place(name, &body).await.brief(), (status, code), "{name}");
        keep_if_one_quick_task(&world, name, name).await;
    }
}
