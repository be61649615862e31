//! Many calls at once, over two replicas.

use std::sync::Arc;

use common::ids::OrderId;
use tokio::task::JoinSet;

use crate::app::{App, code, order};

async fn two_replicas() -> [Arc<App>; 2] {
    let first = App::ready().await;
    let second = first.replica().await;
    [Arc::new(first), Arc::new(second)]
}

#[tokio::test]
async fn fifty_creates_of_one_saga_make_one_order_with_one_id() {
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
async fn of_a_confirm_and_a_cancel_at_the_same_time_one_wins_for_ever() {
    let apps = two_replicas().await;
    let mut duels = JoinSet::new();
    for _ in 0..40 {
        let [one, other] = apps.clone();
        duels.spawn(async move {
            let order = order();
            one.create(&order).await;
            let (confirmed, cancelled) = tokio::join!(one.confirm(&order), other.cancel(&order, "DEADLINE_EXCEEDED"));
            let status = match (code(&confirmed), code(&cancelled)) {
                ((200, _), (409, "ALREADY_CONFIRMED")) => "CONFIRMED",
                ((409, "SAGA_CANCELLED"), (200, _)) => "CANCELLED",
                _ => panic!("{confirmed:?} {cancelled:?}"),
            };
            assert_eq!(one.state(&order.saga_id).await.0, status);
        });
    }
    duels.join_all().await;
}

#[tokio::test]
async fn a_cancel_at_the_same_time_as_the_create_always_wins_in_the_end() {
    let apps = two_replicas().await;
    let mut duels = JoinSet::new();
    for _ in 0..40 {
        let [one, other] = apps.clone();
        duels.spawn(async move {
            let order = order();
            let (created, cancelled) = tokio::join!(one.create(&order), other.cancel(&order, "DEADLINE_EXCEEDED"));
            assert!(matches!(code(&created), (200, _) | (409, "SAGA_CANCELLED")), "{created:?}");
            assert_eq!(cancelled.0, 200);
            assert_eq!(one.state(&order.saga_id).await.0, "CANCELLED");
        });
    }
    duels.join_all().await;
}
