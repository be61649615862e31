//! All requests with one key belong to one order and get one answer.

use end_to_end::{TestSystem, order};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_differ_only_in_notation_are_one_order() {
    let system = TestSystem::start().await;
    let first = system.place("other-notation-1", &order()).await;
    let other_notation = r#"{"paymentMethod":"CARD","amount":20000.00,"quantity":2,"productId":1,"customerId":1}"#;
    let parsed = serde_json::from_str(other_notation).expect("JSON");
    assert_eq!(system.place("other-notation-1", &parsed).await.json, first.json);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_request_with_a_used_key_is_refused_and_changes_nothing() {
    let system = TestSystem::start().await;
    system.place("reused-key-1", &order()).await;
    for (field, value) in [("customerId", json!(2)), ("quantity", json!(1)), ("paymentMethod", json!("CARD_SLOW"))] {
        let mut other = order();
        other[field] = value;
        assert_eq!(
            system.place("reused-key-1", &other).await.status_and_code(),
            (422, "IDEMPOTENCY_KEY_REUSED"),
            "{field}"
        );
        let answer = system.place_async("reused-key-1", &other).await;
        assert_eq!(answer.status_and_code(), (422, "IDEMPOTENCY_KEY_REUSED"), "{field}, async");
    }
    assert_eq!(system.stock(1).await, (98, 0));
    assert_eq!(system.wait_until_finished().await.confirmed, 1);
}
