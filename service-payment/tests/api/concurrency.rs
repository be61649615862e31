//! Many concurrent calls to two replicas.

use std::sync::Arc;

use api_client::code;
use tokio::task::JoinSet;

use crate::app::{App, LONG_LIMITS, order, paid};
use crate::ledgers::Charge;

async fn two_replicas() -> [Arc<App>; 2] {
    let first = App::ready(LONG_LIMITS).await;
    let second = first.replica(LONG_LIMITS).await;
    [Arc::new(first), Arc::new(second)]
}

#[tokio::test]
async fn fifty_concurrent_pays_of_one_saga_charge_once() {
    let apps = two_replicas().await;
    let order = order("CARD");
    let mut calls = JoinSet::new();
    for app in apps.iter().cycle().take(50) {
        let (app, order) = (app.clone(), order.clone());
        calls.spawn(async move { app.pay_with_retries(&order).await });
    }
    assert!(calls.join_all().await.iter().all(|answer| *answer == paid(&order)));
    assert_eq!(apps[0].ledgers.both(&order.saga_id).await, ("APPROVED".to_owned(), Charge::of("APPROVED", 1, 0)));
}

#[tokio::test]
async fn of_a_concurrent_pay_and_cancel_exactly_one_wins() {
    let apps = two_replicas().await;
    let mut races = JoinSet::new();
    for _ in 0..40 {
        let [one, other] = apps.clone();
        races.spawn(async move {
            let order = order("CARD");
            let (pay, cancel) = tokio::join!(one.pay(&order), other.cancel(&order, "CANCELLED_BY_CUSTOMER"));
            match (code(&pay), code(&cancel)) {
                ((200, _), (409, "ORDER_ALREADY_PAID")) => {
                    assert_eq!(one.pay(&order).await, pay);
                    let charge = Charge::of("APPROVED", 1, 0);
                    assert_eq!(one.ledgers.both(&order.saga_id).await, ("APPROVED".to_owned(), charge));
                }
                ((409, "SAGA_CANCELLED"), (200, _)) => {
                    assert_eq!(one.void(&order).await.0, 200);
                    assert_eq!(code(&other.pay(&order).await), (409, "SAGA_CANCELLED"));
                    let (row, charge) = one.ledgers.both(&order.saga_id).await;
                    assert_eq!(row, "CANCELLED");
                    let kept = charge.is_some_and(|charge| charge.status == "APPROVED");
                    assert!(!kept);
                }
                _ => panic!("{pay:?} {cancel:?}"),
            }
        });
    }
    races.join_all().await;
}
