//! A card network that does not take a cancel: the other undos are not held up, and it is told until it has heard.

use std::time::Duration;

use end_to_end::steps::{ORDER_LIMIT, begin, cancel, last_answer, named, one_piece, shows_as_stuck};
use end_to_end::{Service, World};
use harness::faults::Action;
use harness::wait;
use serde_json::json;

use crate::late_gateway::{in_ledger, ledger, patience, pay_again, since_payment};

/// Waits until nothing is left of this undone order but to tell the card network, and the order shows it.
async fn only_settle_is_left(world: &World, key: &str) {
    wait::until("all other undos to be done", ORDER_LIMIT, async || {
        let report = world.report().await;
        report.is_sound()
            && !report.unfinished.is_empty()
            && report.unfinished.iter().all(|row| row.what == "payment CANCELLING")
    })
    .await;
    assert_eq!(world.stock(1).await, (100, 0));
    wait::until("the order to show its step", ORDER_LIMIT, async || {
        let order = world.follow(key).await;
        order.text("status") == "PENDING" && order.json["steps"] == json!(["payment.settle"])
    })
    .await;
}

/// An order whose money has moved although its payment is undecided, and whose settle calls are recorded.
async fn taken_but_undecided(world: &World, key: &str, card: &str) {
    let pay = named("payment.pay");
    world.to_payment.add(pay.rule(world, key).nth(1).then(Action::DelayReply(Duration::ZERO)));
    world.to_payment.add(pay.rule(world, key).then(Action::Refuse));
    world.to_payment.add(named("payment.settle").rule(world, key).then(Action::DelayReply(Duration::ZERO)));
    begin(world, key, &one_piece(card)).await;
    in_ledger(world, key).await;
    since_payment(world, key, 3).await;
}

/// How many of the saga's settle calls were told that the refund failed.
fn failed_settles(world: &World, key: &str) -> usize {
    let calls = named("payment.settle").calls(world, key).into_iter();
    calls.flat_map(|call| call.effects).filter(|reply| reply.status == 503).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_network_down_for_the_whole_deadline_holds_up_no_other_undo() {
    let (key, card) = ("network-down", "CARD_UNAVAILABLE_90S");
    let world = patience(2500)
        .env(Service::Orchestrator, "SAGA_DEADLINE_MS", 10_000)
        .env(Service::Orchestrator, "STUCK_AFTER_MS", 20_000)
        .start()
        .await;
    world.to_payment.add(named("payment.settle").rule(&world, key).then(Action::DelayReply(Duration::ZERO)));
    begin(&world, key, &one_piece(card)).await;
    only_settle_is_left(&world, key).await;
    shows_as_stuck(&world, key, "payment.settle").await;
    wait::until("more tries", ORDER_LIMIT, async || failed_settles(&world, key) >= 4).await;

    assert_eq!(last_answer(&world, key, &one_piece(card)).await.brief(), (409, "DEADLINE_EXCEEDED"));
    assert_eq!(world.settled().await.cancelled, 1);
    assert_eq!(pay_again(&world, key).await, (409, "SAGA_CANCELLED".to_owned()));
    assert!(!ledger(&world).await.contains("\"APPROVED\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_that_fails_four_times_is_tried_until_it_works() {
    let (key, card) = ("refund-fails-4", "CARD_REFUND_FAILS_4");
    let world = patience(2500).start().await;
    taken_but_undecided(&world, key, card).await;
    assert_eq!(cancel(&world, key).await.status, 202);

    assert_eq!(last_answer(&world, key, &one_piece(card)).await.brief(), (409, "CANCELLED_BY_CUSTOMER"));
    assert_eq!(world.settled().await.cancelled, 1);
    assert_eq!(failed_settles(&world, key), 4);
    assert!(ledger(&world).await.contains("\"REFUNDED\""), "the money was given back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_that_fails_twenty_times_holds_up_no_other_undo() {
    let (key, card) = ("refund-fails-20", "CARD_REFUND_FAILS_20");
    let world = patience(2500).env(Service::Orchestrator, "STUCK_AFTER_MS", 5000).start().await;
    taken_but_undecided(&world, key, card).await;
    assert_eq!(cancel(&world, key).await.status, 202);
    only_settle_is_left(&world, key).await;
    assert_eq!(cancel(&world, key).await.status, 202, "asked again, the promise stands");
    shows_as_stuck(&world, key, "payment.settle").await;

    // The saga would try for minutes: most of the tries are made for it.
    let settle = named("payment.settle");
    let url = format!("{}{}", world.process(Service::Payment).url(), settle.path);
    let call = settle.calls(&world, key)[0].json();
    let mut failed = 0;
    while world.post(&url, &call).await.status == 503 {
        failed += 1;
    }
    assert_eq!(last_answer(&world, key, &one_piece(card)).await.brief(), (409, "CANCELLED_BY_CUSTOMER"));
    assert_eq!(world.settled().await.cancelled, 1);
    assert_eq!(failed + failed_settles(&world, key), 20);
    assert!(ledger(&world).await.contains("\"REFUNDED\""), "the money was given back");
}
