//! Undos and confirms whose services are unreachable are retried until they succeed.

use end_to_end::{TestSystem, order, order_paid_by};
use harness::faults::{Action, Rule};

use crate::recorder::{History, wait_for_durable_attempts, wait_for_two_more_calls};

fn refuse(path: &str) -> Rule {
    Rule::on("POST", path).then(Action::Refuse)
}

/// Waits until the saga has ended. Panics unless the order has this status and these steps had durable attempts.
async fn assert_retried(system: &TestSystem, key: &str, status: &str, steps: &[&str], name: &str) {
    let history = History::of(system, key).await;
    assert_eq!(system.follow(key).await.text("status"), status);
    assert!(history.durable_steps().is_superset(&steps.iter().copied().collect()));
    assert!(history.attempts() >= 2);
    history.keep(name, history.has_durable_attempts_of(steps));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_undos_of_stock_and_order_are_retried_until_done() {
    let system = TestSystem::start().await;
    system.to_order.add(refuse("steps/cancel$"));
    system.to_inventory.add(refuse("steps/release$"));
    system.place_async("undo-later", &order_paid_by("CARD_DECLINED")).await;
    wait_for_durable_attempts(&system, "undo-later", &["order.cancel", "stock.release"]).await;
    wait_for_two_more_calls(&system.to_order, "steps/cancel").await;
    wait_for_two_more_calls(&system.to_inventory, "steps/release").await;
    system.to_order.clear_rules();
    system.to_inventory.clear_rules();

    assert_retried(&system, "undo-later", "CANCELLED", &["order.cancel", "stock.release"], "undo_retried").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn payment_cancel_is_retried_until_done() {
    let system = TestSystem::start().await;
    system.to_payment.add(refuse("steps/cancel$"));
    system.place_async("decide-later", &order_paid_by("CARD_DECLINED")).await;
    wait_for_durable_attempts(&system, "decide-later", &["payment.cancel"]).await;
    wait_for_two_more_calls(&system.to_payment, "steps/cancel").await;
    system.to_payment.clear_rules();

    assert_retried(&system, "decide-later", "CANCELLED", &["payment.cancel"], "decision_retried").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn payment_void_is_retried_until_done() {
    let system = TestSystem::start().await;
    system.to_payment.add(refuse("steps/void$"));
    system.place_async("void-later", &order_paid_by("CARD_APPROVED_AFTER_600S")).await;
    wait_for_durable_attempts(&system, "void-later", &["payment.pay"]).await;
    assert_eq!(system.cancel("void-later").await.status, 202);
    wait_for_durable_attempts(&system, "void-later", &["payment.void"]).await;
    wait_for_two_more_calls(&system.to_payment, "steps/void").await;
    system.to_payment.clear_rules();

    assert_retried(&system, "void-later", "CANCELLED", &["payment.pay", "payment.void"], "void_retried").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_confirms_of_a_paid_order_are_retried_until_done() {
    let system = TestSystem::start().await;
    system.to_order.add(refuse("steps/confirm$"));
    system.to_inventory.add(refuse("steps/confirm$"));
    system.place_async("confirm-later", &order()).await;
    wait_for_durable_attempts(&system, "confirm-later", &["order.confirm", "stock.confirm"]).await;
    wait_for_two_more_calls(&system.to_order, "steps/confirm").await;
    wait_for_two_more_calls(&system.to_inventory, "steps/confirm").await;
    system.to_order.clear_rules();
    system.to_inventory.clear_rules();

    assert_retried(&system, "confirm-later", "CONFIRMED", &["order.confirm", "stock.confirm"], "confirm_retried").await;
}
