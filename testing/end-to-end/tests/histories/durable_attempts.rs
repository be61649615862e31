//! Steps whose service is unreachable for longer than their quick attempts last: they continue as durable attempts.

use end_to_end::{Service, TestSystem, order, order_paid_by};
use harness::faults::{Action, Rule};
use serde_json::json;
use temporalio_common::protos::temporal::api::enums::v1::EventType;

use crate::recorder::{History, wait_for_durable_attempts, wait_for_two_more_calls};

fn refuse(path: &str) -> Rule {
    Rule::on("POST", path).then(Action::Refuse)
}

fn out_of_stock() -> serde_json::Value {
    json!({"customerId": 1, "productId": 1, "quantity": 101, "amount": 1_010_000})
}

/// Waits until the saga has ended. Panics unless the order is CONFIRMED and these steps had durable attempts.
async fn assert_confirmed(system: &TestSystem, key: &str, steps: &[&str], name: &str) -> History {
    let history = History::of(system, key).await;
    assert_eq!(system.follow(key).await.text("status"), "CONFIRMED");
    assert!(history.durable_steps().is_superset(&steps.iter().copied().collect()));
    history.keep(name, history.has_durable_attempts_of(steps));
    history
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_cannot_be_reached_becomes_durable_and_succeeds_later() {
    let system = TestSystem::start().await;
    system.to_payment.add(refuse("steps/pay$"));
    system.place_async("pay-later", &order()).await;
    wait_for_durable_attempts(&system, "pay-later", &["payment.pay"]).await;
    wait_for_two_more_calls(&system.to_payment, "steps/pay").await;
    system.to_payment.clear_rules();

    assert!(assert_confirmed(&system, "pay-later", &["payment.pay"], "pay_durable").await.attempts() >= 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_unreachable_step_of_a_stage_becomes_durable_alone() {
    let system = TestSystem::start().await;
    system.to_order.add(refuse("steps/create$"));
    system.place_async("create-later", &order()).await;
    wait_for_durable_attempts(&system, "create-later", &["order.create"]).await;
    system.to_order.clear_rules();
    assert_confirmed(&system, "create-later", &["order.create"], "order_create_durable").await;

    system.to_inventory.add(refuse("steps/reserve$"));
    system.place_async("reserve-later", &order()).await;
    wait_for_durable_attempts(&system, "reserve-later", &["stock.reserve"]).await;
    system.to_inventory.clear_rules();
    assert_confirmed(&system, "reserve-later", &["stock.reserve"], "stock_reserve_durable").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_unreachable_steps_of_a_stage_both_become_durable() {
    let system = TestSystem::start().await;
    system.to_order.add(refuse("steps/create$"));
    system.to_inventory.add(refuse("steps/reserve$"));
    system.place_async("both-later", &order()).await;
    wait_for_durable_attempts(&system, "both-later", &["order.create", "stock.reserve"]).await;
    system.to_inventory.clear_rules();
    wait_for_durable_attempts(&system, "both-later", &["order.create"]).await;
    system.to_order.clear_rules();
    assert_confirmed(&system, "both-later", &["order.create", "stock.reserve"], "both_first_steps_durable").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_of_one_durable_step_ends_the_other() {
    let system = TestSystem::start().await;
    system.to_order.add(refuse("steps/create$"));
    system.to_inventory.add(refuse("steps/reserve$"));
    system.place_async("refused-later", &out_of_stock()).await;
    wait_for_durable_attempts(&system, "refused-later", &["order.create", "stock.reserve"]).await;
    system.to_inventory.clear_rules();

    // `order.create` never succeeds.
    let history = History::of(&system, "refused-later").await;
    assert_eq!(system.follow("refused-later").await.code(), "INSUFFICIENT_STOCK");
    assert_eq!(history.count(EventType::ActivityTaskCancelRequested), 1);
    history.keep("durable_then_refused", history.has_durable_attempts_of(&["order.create", "stock.reserve"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_order_does_not_wait_for_a_step_that_cannot_be_reached() {
    let system = TestSystem::start().await;
    system.to_order.add(refuse("steps/create$"));
    let reply = system.place("refused-early", &out_of_stock()).await;

    assert_eq!(reply.status_and_code(), (409, "INSUFFICIENT_STOCK"));
    let history = History::of(&system, "refused-early").await;
    history.keep("refused_while_the_other_step_is_durable", history.has_durable_attempts_of(&[]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_whose_answer_is_lost_at_the_gateway_is_found_by_a_later_attempt() {
    let system = TestSystem::builder()
        .env(Service::Payment, "GATEWAY_TIMEOUT_MS", 2000)
        .env(Service::Payment, "PAYMENT_LEASE_MS", 4000)
        .start()
        .await;
    let reply = system.place("lost-answer", &order_paid_by("CARD_TIMEOUT_THEN_APPROVED")).await;

    assert_eq!(reply.status_and_code(), (200, "CONFIRMED"));
    let history = History::of(&system, "lost-answer").await;
    history.keep("pay_answer_lost_at_the_gateway", history.has_durable_attempts_of(&["payment.pay"]));
}
