//! Steps whose service is away for longer than their quick tries: they go on as regular activities.

use end_to_end::{World, body, order};
use harness::faults::{Action, Rule};
use serde_json::json;
use temporalio_common::protos::temporal::api::enums::v1::EventType;

use crate::recorder::{History, LIMIT, handed_over};

fn refuse(path: &str) -> Rule {
    Rule::on("POST", path).then(Action::Refuse)
}

fn out_of_stock() -> serde_json::Value {
    json!({"customerId": 1, "productId": 1, "quantity": 101, "amount": 1_010_000})
}

async fn is_confirmed(world: &World, key: &str, steps: &[&str]) -> History {
    let history = History::of(world, key).await;
    assert_eq!(world.follow(key).await.text("status"), "CONFIRMED");
    assert_eq!(history.handed_over(), steps.iter().copied().collect());
    history
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_cannot_be_reached_is_handed_over_and_paid_later() {
    let world = World::start().await;
    world.to_payment.add(refuse("steps/pay$"));
    world.place_async("pay-later", &order()).await;
    handed_over(&world, "pay-later", &["payment.pay"]).await;
    // Two quick tries, then two of the regular activity.
    world.to_payment.wait_for("the fourth try", LIMIT, |call| call.number >= 3).await;
    world.to_payment.clear_rules();

    let history = is_confirmed(&world, "pay-later", &["payment.pay"]).await;
    assert!(history.attempts() >= 2);
    history.keep("pay_handed_over");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_step_of_a_stage_that_cannot_be_reached_is_handed_over_alone() {
    let world = World::start().await;
    world.to_order.add(refuse("steps/create$"));
    world.place_async("create-later", &order()).await;
    handed_over(&world, "create-later", &["order.create"]).await;
    world.to_order.clear_rules();
    is_confirmed(&world, "create-later", &["order.create"]).await.keep("order_create_handed_over");

    world.to_inventory.add(refuse("steps/reserve$"));
    world.place_async("reserve-later", &order()).await;
    handed_over(&world, "reserve-later", &["stock.reserve"]).await;
    world.to_inventory.clear_rules();
    is_confirmed(&world, "reserve-later", &["stock.reserve"]).await.keep("stock_reserve_handed_over");
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
    is_confirmed(&world, "both-later", &["order.create", "stock.reserve"]).await.keep("both_handed_over");
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
    history.keep("handed_over_then_refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_beside_a_refused_one_is_not_handed_over() {
    let world = World::start().await;
    world.to_order.add(refuse("steps/create$"));
    let reply = world.place("refused-beside", &out_of_stock()).await;

    assert_eq!(reply.brief(), (409, "INSUFFICIENT_STOCK"));
    let history = History::of(&world, "refused-beside").await;
    assert!(!history.handed_over().contains("order.create"));
    history.keep("refused_beside_an_unreachable_step");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_whose_answer_is_lost_at_the_gateway_is_found_by_a_later_try() {
    let world = World::builder()
        .env(end_to_end::Service::Payment, "GATEWAY_TIMEOUT_MS", 2000)
        .env(end_to_end::Service::Payment, "PAYMENT_LEASE_MS", 4000)
        .start()
        .await;
    let reply = world.place("lost-answer", &body("CARD_TIMEOUT_THEN_APPROVED")).await;

    assert_eq!(reply.brief(), (200, "CONFIRMED"));
    is_confirmed(&world, "lost-answer", &["payment.pay"]).await.keep("pay_answer_lost_at_the_gateway");
}
