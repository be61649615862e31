//! Starting the service, and the demo products.

use serde_json::json;

use crate::app::{App, order};

const PRODUCTS: &str = "/api/inventory/products";

#[tokio::test]
async fn replicas_that_start_together_add_the_demo_products_once() {
    let database = harness::unique("inventory");
    let mut replicas = Vec::new();
    for _ in 0..4 {
        replicas.push(App::new(database.clone()).await);
    }
    for app in &replicas {
        app.process.start();
    }
    for app in &replicas {
        app.process.wait_ready().await;
        assert!(!app.process.log().contains(r#""level":"ERROR""#), "{}", app.process.log());
    }
    let (status, list) = replicas[0].get(PRODUCTS).await;
    let summary = |product: &serde_json::Value| (product["price"].as_f64(), product["quantity"].as_i64());
    let summaries: Vec<_> = list.as_array().expect("a list").iter().map(summary).collect();
    let expected = [(10_000.0, 100), (25_000.0, 50), (990.5, 1000)].map(|(price, n)| (Some(price), Some(n)));
    assert_eq!((status, summaries), (200, expected.to_vec()));
}

#[tokio::test]
async fn a_catalogue_with_products_gets_no_demo_products() {
    let app = App::new(harness::unique("inventory")).await;
    app.process.set_env("SPRING_PROFILES_ACTIVE", "docker,prod");
    app.process.start();
    app.process.wait_ready().await;
    assert_eq!(app.get(PRODUCTS).await, (200, json!([])));

    app.post(PRODUCTS, &json!({"productId": 2, "name": "Cup", "price": 1, "quantity": 4})).await;
    let second = app.replica().await;
    let (_, list) = second.get(PRODUCTS).await;
    assert_eq!(list.as_array().map(Vec::len), Some(1), "{list}");
    assert_eq!(second.stock(2).await, (4, 0));
}

#[tokio::test]
async fn a_restart_leaves_stock_and_reservations_as_they_were() {
    let app = App::ready().await;
    let order = order(1, 2, "20000");
    let reserved = app.reserve(&order).await;
    app.process.kill().await;
    app.process.restart().await;
    app.process.wait_ready().await;
    assert_eq!(app.stock(1).await, (100, 2));
    assert_eq!(app.reserve(&order).await, reserved);
    assert_eq!(app.process.terminate().await, 0);
}
