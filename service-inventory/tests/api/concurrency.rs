//! Many calls at once, over two replicas.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::app::{Answer, App, code, order};

async fn two_replicas() -> [Arc<App>; 2] {
    let first = App::ready().await;
    let second = first.replica().await;
    [Arc::new(first), Arc::new(second)]
}

/// The answers to the same POST, so many times at once.
async fn at_once(apps: &[Arc<App>; 2], times: usize, path: &'static str, body: &Value) -> Vec<Answer> {
    let mut calls = JoinSet::new();
    for app in apps.iter().cycle().take(times) {
        let (app, body) = (app.clone(), body.clone());
        calls.spawn(async move { app.post(path, &body).await });
    }
    calls.join_all().await
}

#[tokio::test]
async fn the_last_pieces_go_to_exactly_as_many_buyers() {
    let apps = two_replicas().await;
    let mut calls = JoinSet::new();
    for app in apps.iter().cycle().take(200) {
        let app = app.clone();
        calls.spawn(async move {
            let order = order(1, 1, "10000");
            (app.reserve(&order).await, order)
        });
    }
    let (mut won, mut refused) = (Vec::new(), 0);
    for (answer, order) in calls.join_all().await {
        match code(&answer) {
            (200, _) => won.push(order),
            (409, "INSUFFICIENT_STOCK") => refused += 1,
            _ => panic!("{answer:?}"),
        }
    }
    assert_eq!((won.len(), refused), (100, 100));
    assert_eq!(apps[0].stock(1).await, (100, 100));

    let mut confirms = JoinSet::new();
    for (order, app) in won.iter().chain(&won).zip(apps.iter().cycle()) {
        let (app, order) = (app.clone(), order.clone());
        confirms.spawn(async move { app.confirm(&order).await.0 });
    }
    assert!(confirms.join_all().await.iter().all(|status| *status == 200));
    assert_eq!(apps[0].stock(1).await, (0, 0));
}

#[tokio::test]
async fn fifty_calls_of_one_saga_promise_its_pieces_once() {
    let apps = two_replicas().await;
    let body = json!(order(3, 7, "6933.5"));
    let answers = at_once(&apps, 50, common::contract::inventory::RESERVE, &body).await;
    assert!(answers.iter().all(|answer| answer.0 == 200 && *answer == answers[0]), "{answers:?}");
    assert_eq!(apps[0].stock(3).await, (1000, 7));
}

#[tokio::test]
async fn a_release_at_the_same_time_always_wins_in_the_end() {
    let apps = two_replicas().await;
    let mut duels = JoinSet::new();
    for _ in 0..40 {
        let [one, other] = apps.clone();
        duels.spawn(async move {
            let order = order(2, 1, "25000");
            let (reserved, released) = tokio::join!(one.reserve(&order), other.release(&order, "DEADLINE_EXCEEDED"));
            assert!(matches!(code(&reserved), (200, _) | (409, "SAGA_CANCELLED")), "{reserved:?}");
            assert_eq!(released.0, 200);
            one.reservation(&order.saga_id).await.0
        });
    }
    assert!(duels.join_all().await.iter().all(|status| status == "RELEASED"));
    assert_eq!(apps[0].stock(2).await, (50, 0));
}

#[tokio::test]
async fn a_delivery_that_is_told_forty_times_at_once_is_added_once() {
    let apps = two_replicas().await;
    let body = json!({"deliveryId": "delivery-1", "quantity": 5});
    let answers = at_once(&apps, 40, "/api/inventory/products/1/stock", &body).await;
    assert!(answers.iter().all(|(status, product)| (*status, &product["quantity"]) == (200, &json!(105))));
    assert_eq!(apps[0].stock(1).await, (105, 0));
}

#[tokio::test]
async fn a_product_that_is_made_forty_times_at_once_is_made_once() {
    let apps = two_replicas().await;
    let body = json!({"productId": 7, "name": "Cup", "price": 3.5, "quantity": 4});
    let answers = at_once(&apps, 40, "/api/inventory/products", &body).await;
    assert_eq!(answers.iter().filter(|(status, _)| *status == 201).count(), 1);
    assert_eq!(answers.iter().filter(|(status, _)| *status == 200).count(), 39);
    assert_eq!(apps[0].stock(7).await, (4, 0));
}
