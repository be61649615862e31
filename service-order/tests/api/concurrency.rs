//! Concurrent calls to two replicas.

use std::sync::Arc;

use api_client::code;
use common::ids::OrderId;
use tokio::task::JoinSet;

use crate::app::{App, order};

async fn two_replicas() -> [Arc<App>; 2] {
    let first = App::ready().await;
    let second = first.replica().await;
    [Arc::new(first), Arc::new(second)]
}

#[tokio::test]
async fn fifty_simultaneous_creates_of_one_saga_create_one_order() {
    let apps = two_replicas().await;
    let order = order();
    let mut calls = JoinSet::new();
    for app in apps.iter().cycle().take(50) {
        let (app, mut order) = (app.clone(), order.clone());
        order.order_id = OrderId::new();
        calls.spawn(async move { app.create(&order).await });
    }
    let answers = calls.join_all().await;
    assert!(answers.iter().all(|answer| answer.0 == 200 && *answer == answers[0]), "{answers:?}");
    assert_eq!(apps[0].row(&order.saga_id).await["orderId"], answers[0].1["orderId"]);
}

#[tokio::test]
async fn a_simultaneous_confirm_and_cancel_have_exactly_one_winner() {
    let apps = two_replicas().await;
    let mut races = JoinSet::new();
    for _ in 0..40 {
        let [first, second] = apps.clone();
        races.spawn(async move {
            let order = order();
            first.create(&order).await;
            let (confirmed, cancelled) =
                tokio::join!(first.confirm(&order), second.cancel(&order, "DEADLINE_EXCEEDED"));
            let status = match (code(&confirmed), code(&cancelled)) {
                ((200, _), (409, "ALREADY_CONFIRMED")) => "CONFIRMED",
                ((409, "SAGA_CANCELLED"), (200, _)) => "CANCELLED",
                _ => panic!("{confirmed:?} {cancelled:?}"),
            };
            assert_eq!(first.state(&order.saga_id).await.0, status);
        });
    }
    races.join_all().await;
}

#[tokio::test]
async fn a_cancel_simultaneous_with_the_create_always_wins() {
    let apps = two_replicas().await;
    let mut races = JoinSet::new();
    for _ in 0..40 {
        let [first, second] = apps.clone();
        races.spawn(async move {
            let order = order();
            let (created, cancelled) = tokio::join!(first.create(&order), second.cancel(&order, "DEADLINE_EXCEEDED"));
            assert!(matches!(code(&created), (200, _) | (409, "SAGA_CANCELLED")), "{created:?}");
            assert_eq!(cancelled.0, 200);
            assert_eq!(first.state(&order.saga_id).await.0, "CANCELLED");
        });
    }
    races.join_all().await;
}
