//! Undos and confirms whose services are away: each is tried again until it is done.

use end_to_end::{World, body, order};
use harness::faults::{Action, Rule};

use crate::recorder::{History, handed_over, two_more_tries};

fn refuse(path: &str) -> Rule {
    Rule::on("POST", path).then(Action::Refuse)
}

/// Waits until the order has ended so, after these steps were handed over and tried again.
async fn was_retried(world: &World, key: &str, status: &str, steps: &[&str], name: &str) {
    let history = History::of(world, key).await;
    assert_eq!(world.follow(key).await.text("status"), status);
    assert!(history.handed_over().is_superset(&steps.iter().copied().collect()));
    assert!(history.attempts() >= 2);
    history.keep(name, history.hands_over(steps));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_undo_of_stock_and_order_is_tried_until_it_is_done() {
    let world = World::start().await;
    world.to_order.add(refuse("steps/cancel$"));
    world.to_inventory.add(refuse("steps/release$"));
    world.place_async("undo-later", &body("CARD_DECLINED")).await;
    handed_over(&world, "undo-later", &["order.cancel", "stock.release"]).await;
    two_more_tries(&world.to_order, "steps/cancel").await;
    two_more_tries(&world.to_inventory, "steps/release").await;
    world.to_order.clear_rules();
    world.to_inventory.clear_rules();

    was_retried(&world, "undo-later", "CANCELLED", &["order.cancel", "stock.release"], "undo_retried").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_decision_is_tried_until_it_is_made() {
    let world = World::start().await;
    world.to_payment.add(refuse("steps/cancel$"));
    world.place_async("decide-later", &body("CARD_DECLINED")).await;
    handed_over(&world, "decide-later", &["payment.cancel"]).await;
    two_more_tries(&world.to_payment, "steps/cancel").await;
    world.to_payment.clear_rules();

    was_retried(&world, "decide-later", "CANCELLED", &["payment.cancel"], "decision_retried").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_is_settled_by_as_many_tries_as_it_takes() {
    let world = World::start().await;
    world.to_payment.add(refuse("steps/settle$"));
    world.place_async("settle-later", &body("CARD_APPROVED_AFTER_600S")).await;
    handed_over(&world, "settle-later", &["payment.pay"]).await;
    assert_eq!(world.cancel("settle-later").await.status, 202);
    handed_over(&world, "settle-later", &["payment.settle"]).await;
    two_more_tries(&world.to_payment, "steps/settle").await;
    world.to_payment.clear_rules();

    was_retried(&world, "settle-later", "CANCELLED", &["payment.pay", "payment.settle"], "settle_retried").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paid_order_is_confirmed_by_as_many_tries_as_it_takes() {
    let world = World::start().await;
    world.to_order.add(refuse("steps/confirm$"));
    world.to_inventory.add(refuse("steps/confirm$"));
    world.place_async("confirm-later", &order()).await;
    handed_over(&world, "confirm-later", &["order.confirm", "stock.confirm"]).await;
    two_more_tries(&world.to_order, "steps/confirm").await;
    two_more_tries(&world.to_inventory, "steps/confirm").await;
    world.to_order.clear_rules();
    world.to_inventory.clear_rules();

    was_retried(&world, "confirm-later", "CONFIRMED", &["order.confirm", "stock.confirm"], "confirm_retried").await;
}
