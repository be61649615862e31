//! One key, one order, one answer.

use end_to_end::{World, order};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_the_same_if_it_means_the_same() {
    let world = World::start().await;
    let first = world.place("same-meaning-1", &order()).await;
    let written_otherwise = r#"{"paymentMethod":"CARD","amount":20000.00,"quantity":2,"productId":1,"customerId":1}"#;
    let parsed = serde_json::from_str(written_otherwise).expect("JSON");
    assert_eq!(world.place("same-meaning-1", &parsed).await.json, first.json);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_comes_with_another_request_is_refused_and_changes_nothing() {
    let world = World::start().await;
    world.place("reused-key-1", &order()).await;
    for (field, value) in [("customerId", json!(2)), ("quantity", json!(1)), ("paymentMethod", json!("CARD_SLOW"))] {
        let mut other = order();
        other[field] = value;
        assert_eq!(world.place("reused-key-1", &other).await.brief(), (422, "IDEMPOTENCY_KEY_REUSED"), "{field}");
        let answer = world.place_async("reused-key-1", &other).await;
        assert_eq!(answer.brief(), (422, "IDEMPOTENCY_KEY_REUSED"), "{field}, async");
    }
    assert_eq!(world.stock(1).await, (98, 0));
    assert_eq!(world.settled().await.confirmed, 1);
}
