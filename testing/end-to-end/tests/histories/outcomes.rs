//! Orders without faults. The replay test asserts that each of their histories has only one workflow task.

use end_to_end::{TestSystem, order, order_paid_by};
use serde_json::json;
use temporalio_common::protos::temporal::api::enums::v1::EventType;

use crate::recorder::History;

async fn keep_if_one_workflow_task(system: &TestSystem, key: &str, name: &str) {
    let history = History::of(system, key).await;
    history.keep(name, history.count(EventType::WorkflowTaskCompleted) == 1 && history.has_durable_attempts_of(&[]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_without_faults_is_confirmed() {
    let system = TestSystem::start().await;
    assert_eq!(system.place("confirmed", &order()).await.status_and_code(), (200, "CONFIRMED"));
    keep_if_one_workflow_task(&system, "confirmed", "confirmed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_refusal_is_answered_with_its_code() {
    let system = TestSystem::start().await;
    let order = |product: i64, quantity: i64, amount: i64| json!({"customerId": 1, "productId": product, "quantity": quantity, "amount": amount});
    for (name, body, status, code) in [
        ("refused_insufficient_stock", order(1, 101, 1_010_000), 409, "INSUFFICIENT_STOCK"),
        ("refused_unknown_product", order(999, 1, 10_000), 422, "UNKNOWN_PRODUCT"),
        ("refused_amount_mismatch", order(1, 2, 20_001), 422, "AMOUNT_MISMATCH"),
        ("refused_payment_declined", order_paid_by("CARD_DECLINED"), 402, "PAYMENT_DECLINED"),
    ] {
        assert_eq!(system.place(name, &body).await.status_and_code(), (status, code), "{name}");
        keep_if_one_workflow_task(&system, name, name).await;
    }
}
