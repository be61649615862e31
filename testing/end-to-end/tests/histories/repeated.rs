//! A key is used again after Temporal has deleted the workflow of its first order. The answer then comes from the rows.

use std::time::Duration;

use end_to_end::steps::{final_answer, wait_for_payment_status};
use end_to_end::{Service, TestSystem, order, order_paid_by};
use harness::faults::{Action, Rule};
use harness::wait;
use serde_json::json;

use crate::recorder::{History, LIMIT, temporal, temporal_until_done, wait_for_durable_attempts};

/// The time limit for Temporal to delete a workflow. Its queues record their progress only every 30 s, and deletion
/// waits for that.
const DELETE_LIMIT: Duration = Duration::from_secs(120);

/// Deletes the workflow of this key, as Temporal does when the retention period is over.
async fn delete_workflow(system: &TestSystem, key: &str) {
    temporal_until_done(system, &["delete", "--yes"], key, &["not found"]).await;
    wait::until("Temporal to delete the workflow", DELETE_LIMIT, async || {
        temporal(system, &["describe"], key).await.is_err_and(|error| error.contains("not found"))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confirmed_order_keeps_its_key_and_its_answer_after_the_retention() {
    let system = TestSystem::start().await;
    let first = system.place("deleted", &order()).await;
    assert_eq!(first.status_and_code(), (200, "CONFIRMED"));
    History::of(&system, "deleted").await;
    delete_workflow(&system, "deleted").await;

    let mut other = order();
    other["customerId"] = json!(2);
    assert_eq!(system.place("deleted", &other).await.status_and_code(), (422, "IDEMPOTENCY_KEY_REUSED"));
    let history = History::of(&system, "deleted").await;
    history.keep("key_reused_after_the_retention", history.has_durable_attempts_of(&[]));

    // In Temporal, the key now belongs to the saga of the other request. That saga must not answer for this order.
    let followed = system.follow("deleted").await;
    assert_eq!((followed.status, &followed.json), (200, &first.json));
    assert_eq!(system.cancel("deleted").await.status_and_code(), (409, "ORDER_ALREADY_PAID"));
    let again = system.place("deleted", &order()).await;
    assert_eq!((again.status_and_code(), &again.json), ((200, "CONFIRMED"), &first.json));
    let history = History::of(&system, "deleted").await;
    history.keep("repeated_after_the_retention", history.has_durable_attempts_of(&[]));
    assert_eq!(system.stock(1).await, (98, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_order_keeps_its_answer_after_the_retention() {
    let system = TestSystem::start().await;
    let first = system.place("deleted-no", &order_paid_by("CARD_DECLINED")).await;
    History::of(&system, "deleted-no").await;
    delete_workflow(&system, "deleted-no").await;

    let again = system.place("deleted-no", &order_paid_by("CARD_DECLINED")).await;
    assert_eq!((again.status_and_code(), &again.json), ((402, "PAYMENT_DECLINED"), &first.json));
    let taken = system.place_async("deleted-no", &order_paid_by("CARD_DECLINED")).await;
    let row = format!("{}/api/orders/by-saga/{}", system.process(Service::Order).url(), system.saga("deleted-no"));
    assert_eq!(taken.text("orderId"), system.get(&row).await.text("orderId"), "the id of the order changed");
    let history = History::of(&system, "deleted-no").await;
    history.keep("refused_again_after_the_retention", history.has_durable_attempts_of(&[]));
}

/// Because of the tombstone of the other request, this order ends as refused. If the end of the other saga counted,
/// this order would never end and would keep its stock.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_order_does_not_count_as_ended_when_another_request_with_its_key_ends() {
    let system = TestSystem::builder().env(Service::Orchestrator, "SAGA_DEADLINE_MS", 15_000).start().await;
    system.to_payment.add(Rule::on("POST", "steps/pay$").then(Action::Refuse));
    system.place_async("lost-1", &order()).await;
    wait_for_durable_attempts(&system, "lost-1", &["payment.pay"]).await;
    delete_workflow(&system, "lost-1").await;

    for proxy in [&system.to_order, &system.to_inventory] {
        proxy.add(Rule::on("POST", "steps/").then(Action::Refuse));
    }
    let mut other = order();
    other["customerId"] = json!(2);
    assert_eq!(system.place_async("lost-1", &other).await.status, 202);
    wait_for_payment_status(&system, "lost-1", "CANCELLED").await;
    for proxy in [&system.to_order, &system.to_inventory, &system.to_payment] {
        proxy.clear_rules();
    }
    wait::until("the saga of the other request to end", LIMIT, async || {
        temporal(&system, &["describe"], "lost-1").await.is_ok_and(|text| text.contains("COMPLETED"))
    })
    .await;

    let followed = async || system.follow("lost-1").await;
    let answer =
        wait::until_some("an answer", LIMIT, async || Some(followed().await).filter(|a| a.status != 503)).await;
    assert_eq!(answer.text("status"), "PENDING");
    assert_eq!(final_answer(&system, "lost-1", &order()).await.status_and_code(), (422, "IDEMPOTENCY_KEY_REUSED"));
    let row = format!("{}/api/orders/by-saga/{}", system.process(Service::Order).url(), system.saga("lost-1"));
    wait::until("the order to end", LIMIT, async || system.get(&row).await.text("status") == "CANCELLED").await;
    wait::until("its stock to be released", LIMIT, async || system.stock(1).await == (100, 0)).await;
}
