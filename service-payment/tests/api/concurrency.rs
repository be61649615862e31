//! Many calls at once, over two replicas.

use std::sync::Arc;

use tokio::task::JoinSet;

use crate::app::{App, LONG, code, order, paid};
use crate::books::Charge;

async fn two_replicas() -> [Arc<App>; 2] {
    let first = App::ready(LONG).await;
    let second = first.replica(LONG).await;
    [Arc::new(first), Arc::new(second)]
}

#[tokio::test]
async fn fifty_calls_of_one_saga_charge_once() {
    let apps = two_replicas().await;
    let order = order("CARD");
    let mut calls = JoinSet::new();
    for app in apps.iter().cycle().take(50) {
        let (app, order) = (app.clone(), order.clone());
        calls.spawn(async move { app.pay_at_last(&order).await });
    }
    assert!(calls.join_all().await.iter().all(|answer| *answer == paid(&order)));
    assert_eq!(apps[0].books.both(&order.saga_id).await, ("APPROVED".to_owned(), Charge::of("APPROVED", 1, 0)));
}

#[tokio::test]
async fn of_a_pay_and_a_cancel_at_the_same_time_one_wins_for_ever() {
    let apps = two_replicas().await;
    let mut duels = JoinSet::new();
    for _ in 0..40 {
        let [one, other] = apps.clone();
        duels.spawn(async move {
            let order = order("CARD");
            let (pay, cancel) = tokio::join!(one.pay(&order), other.cancel(&order, "CANCELLED_BY_CUSTOMER"));
            match (code(&pay), code(&cancel)) {
                ((200, _), (409, "ALREADY_PAID")) => {
                    assert_eq!(one.pay(&order).await, pay);
                    let charge = Charge::of("APPROVED", 1, 0);
                    assert_eq!(one.books.both(&order.saga_id).await, ("APPROVED".to_owned(), charge));
                }
                ((409, "SAGA_CANCELLED"), (200, _)) => {
                    assert_eq!(one.settle(&order).await.0, 200);
                    assert_eq!(code(&other.pay(&order).await), (409, "SAGA_CANCELLED"));
                    let (row, charge) = one.books.both(&order.saga_id).await;
                    assert_eq!(row, "CANCELLED");
                    let kept = charge.is_some_and(|charge| charge.status == "APPROVED");
                    assert!(!kept);
                }
                _ => panic!("{pay:?} {cancel:?}"),
            }
        });
    }
    duels.join_all().await;
}
