//! Steps whose service is away for longer than their quick tries: they go on as regular activities.

use end_to_end::{Service, World, body, order};
use harness::faults::{Action, Rule};
use serde_json::json;
use temporalio_common::protos::temporal::api::enums::v1::EventType;

use crate::recorder::{History, handed_over, two_more_tries};

fn refuse(path: &str) -> Rule {
    Rule::on("POST", path).then(Action::Refuse)
}

fn out_of_stock() -> serde_json::Value {
    json!({"customerId": 1, "productId": 1, "quantity": 101, "amount": 1_010_000})
}

/// Waits until the order is CONFIRMED, after these steps were handed over.
async fn confirmed(world: &World, key: &str, steps: &[&str], name: &str) -> History {
    let history = History::of(world, key).await;
    assert_eq!(world.follow(key).await.text("status"), "CONFIRMED");
    assert!(history.handed_over().is_superset(&steps.iter().copied().collect()));
    history.keep(name, history.hands_over(steps));
    history
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_cannot_be_reached_is_handed_over_and_paid_later() {
    let world = World::start().await;
    world.to_payment.add(refuse("steps/pay$"));
    world.place_async("pay-later", &order()).await;
    handed_over(&world, "pay-later", &["payment.pay"]).await;
    two_more_tries(&world.to_payment, "steps/pay").await;
    world.to_payment.clear_rules();

    assert!(confirmed(&world, "pay-later", &["payment.pay"], "pay_handed_over").await.attempts() >= 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_step_of_a_stage_that_cannot_be_reached_is_handed_over_alone() {
    let world = World::start().await;
    world.to_order.add(refuse("steps/create$"));
    world.place_async("create-later", &order()).await;
    handed_over(&world, "create-later", &["order.create"]).await;
    world.to_order.clear_rules();
    confirmed(&world, "create-later", &["order.create"], "order_create_handed_over").await;

    world.to_inventory.add(refuse("steps/reserve$"));
    world.place_async("reserve-later", &order()).await;
    handed_over(&world, "reserve-later", &["stock.reserve"]).await;
    world.to_inventory.clear_rules();
    confirmed(&world, "reserve-later", &["stock.reserve"], "stock_reserve_handed_over").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_steps_of_a_stage_that_cannot_be_reached_are_handed_over() {
    let world = World::start().await;
    world.to_order.add(refuse("steps/create$"));
    world.to_inventory.add(refuse("steps/reserve$"));
    world.place_async("both-later", &order()).await;
    handed_over(&world, "both-later", &["order.create", "stock.reserve"]).await;
    world.to_inventory.clear_rules();
    handed_over(&world, "both-later", &["order.create"]).await;
    world.to_order.clear_rules();
    confirmed(&world, "both-later", &["order.create", "stock.reserve"], "both_handed_over").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_of_one_handed_over_step_ends_the_wait_of_the_other() {
    let world = World::start().await;
    world.to_order.add(refuse("steps/create$"));
    world.to_inventory.add(refuse("steps/reserve$"));
    world.place_async("refused-later", &out_of_stock()).await;
    handed_over(&world, "refused-later", &["order.create", "stock.reserve"]).await;
    world.to_inventory.clear_rules();

    // `order.create` is never let through.
    let history = History::of(&world, "refused-later").await;
    assert_eq!(world.follow("refused-later").await.code(), "INSUFFICIENT_STOCK");
    assert_eq!(history.count(EventType::ActivityTaskCancelRequested), 1);
    history.keep("handed_over_then_refused", history.hands_over(&["order.create", "stock.reserve"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_order_does_not_wait_for_a_step_that_cannot_be_reached() {
    let world = World::start().await;
    world.to_order.add(refuse("steps/create$"));
    let reply = world.place("refused-beside", &out_of_stock()).await;

    assert_eq!(reply.brief(), (409, "INSUFFICIENT_STOCK"));
    let history = History::of(&world, "refused-beside").await;
    history.keep("refused_beside_an_unreachable_step", history.hands_over(&[]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_whose_answer_is_lost_at_the_gateway_is_found_by_a_later_try() {
    let world = World::builder()
        .env(Service::Payment, "GATEWAY_TIMEOUT_MS", 2000)
        .env(Service::Payment, "PAYMENT_LEASE_MS", 4000)
        .start()
        .await;
    let reply = world.place("lost-answer", &body("CARD_TIMEOUT_THEN_APPROVED")).await;

    assert_eq!(reply.brief(), (200, "CONFIRMED"));
    let history = History::of(&world, "lost-answer").await;
    history.keep("pay_answer_lost_at_the_gateway", history.hands_over(&["payment.pay"]));
}
