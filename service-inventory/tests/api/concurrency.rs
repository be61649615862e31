//! Concurrent calls to two replicas.

use std::sync::Arc;

use api_client::{Answer, code};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::app::{App, order};

async fn two_replicas() -> [Arc<App>; 2] {
    let first = App::ready().await;
    let second = first.replica().await;
    [Arc::new(first), Arc::new(second)]
}

/// Sends the same POST this many times at the same time. Returns all answers.
async fn post_together(apps: &[Arc<App>; 2], times: usize, path: &'static str, body: &Value) -> Vec<Answer> {
    let mut calls = JoinSet::new();
    for app in apps.iter().cycle().take(times) {
        let (app, body) = (app.clone(), body.clone());
        calls.spawn(async move { app.post(path, &body).await });
    }
    calls.join_all().await
}

#[tokio::test]
async fn two_hundred_buyers_reserve_exactly_the_last_hundred_units() {
    let apps = two_replicas().await;
    let mut calls = JoinSet::new();
    for app in apps.iter().cycle().take(200) {
        let app = app.clone();
        calls.spawn(async move {
            let order = order(1, 1, "10000");
            (app.reserve(&order).await, order)
        });
    }
    let (mut reserved, mut refused) = (Vec::new(), 0);
    for (answer, order) in calls.join_all().await {
        match code(&answer) {
            (200, _) => reserved.push(order),
            (409, "INSUFFICIENT_STOCK") => refused += 1,
            _ => panic!("{answer:?}"),
        }
    }
    assert_eq!((reserved.len(), refused), (100, 100));
    assert_eq!(apps[0].stock(1).await, (100, 100));

    let mut confirms = JoinSet::new();
    for (order, app) in reserved.iter().chain(&reserved).zip(apps.iter().cycle()) {
        let (app, order) = (app.clone(), order.clone());
        confirms.spawn(async move { app.confirm(&order).await.0 });
    }
    assert!(confirms.join_all().await.iter().all(|status| *status == 200));
    assert_eq!(apps[0].stock(1).await, (0, 0));
}

#[tokio::test]
async fn fifty_simultaneous_calls_of_one_saga_reserve_its_units_once() {
    let apps = two_replicas().await;
    let body = json!(order(3, 7, "6933.5"));
    let answers = post_together(&apps, 50, common::contract::inventory::RESERVE, &body).await;
    assert!(answers.iter().all(|answer| answer.0 == 200 && *answer == answers[0]), "{answers:?}");
    assert_eq!(apps[0].stock(3).await, (1000, 7));
}

#[tokio::test]
async fn a_release_simultaneous_with_the_reserve_always_wins() {
    let apps = two_replicas().await;
    let mut races = JoinSet::new();
    for _ in 0..40 {
        let [first, second] = apps.clone();
        races.spawn(async move {
            let order = order(2, 1, "25000");
            let (reserved, released) = tokio::join!(first.reserve(&order), second.release(&order, "DEADLINE_EXCEEDED"));
            assert!(matches!(code(&reserved), (200, _) | (409, "SAGA_CANCELLED")), "{reserved:?}");
            assert_eq!(released.0, 200);
            first.reservation(&order.saga_id).await.0
        });
    }
    assert!(races.join_all().await.iter().all(|status| status == "RELEASED"));
    assert_eq!(apps[0].stock(2).await, (50, 0));
}

#[tokio::test]
async fn a_delivery_that_is_sent_forty_times_simultaneously_is_added_once() {
    let apps = two_replicas().await;
    let body = json!({"deliveryId": "delivery-1", "quantity": 5});
    let answers = post_together(&apps, 40, "/api/inventory/products/1/stock", &body).await;
    assert!(answers.iter().all(|(status, product)| (*status, &product["quantity"]) == (200, &json!(105))));
    assert_eq!(apps[0].stock(1).await, (105, 0));
}

#[tokio::test]
async fn a_product_that_is_sent_forty_times_simultaneously_is_created_once() {
    let apps = two_replicas().await;
    let body = json!({"productId": 7, "name": "Cup", "price": 3.5, "quantity": 4});
    let answers = post_together(&apps, 40, "/api/inventory/products", &body).await;
    assert_eq!(answers.iter().filter(|(status, _)| *status == 201).count(), 1);
    assert_eq!(answers.iter().filter(|(status, _)| *status == 200).count(), 39);
    assert_eq!(apps[0].stock(7).await, (4, 0));
}
