//! After the money has moved an order only goes forward, however long a service is away.

use std::time::Duration;

use end_to_end::steps::{ORDER_LIMIT, begin, cancel, last_answer, named, one_piece, payment_is, shows_as_stuck};
use end_to_end::{Service, World};
use futures::{StreamExt, stream};
use harness::faults::{Action, Gate};
use harness::wait;
use serde_json::json;
use tokio::time::Instant;

/// More than the worker has slots of any kind for: `ORCHESTRATOR_MAX_ORDERS` and 20 to spare.
const WAITING: usize = 30;
/// Orders that come meanwhile.
const OTHERS: usize = 4;

/// How a service is away.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Away {
    /// Its process is gone: connections are refused.
    Killed,
    /// Its process stands still: connections hang.
    Paused,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paid_order_waits_for_an_order_service_that_is_gone() {
    paid_order_waits_for(&[Service::Order], Away::Killed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paid_order_waits_for_an_inventory_service_that_is_gone() {
    paid_order_waits_for(&[Service::Inventory], Away::Killed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paid_order_waits_for_an_order_service_that_hangs() {
    paid_order_waits_for(&[Service::Order], Away::Paused).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paid_order_waits_for_an_inventory_service_that_hangs() {
    paid_order_waits_for(&[Service::Inventory], Away::Paused).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paid_order_waits_for_both_services() {
    paid_order_waits_for(&[Service::Order, Service::Inventory], Away::Killed).await;
}

async fn paid_order_waits_for(services: &[Service], away: Away) {
    let (key, body) = ("waiting", one_piece("CARD"));
    let world = World::builder().env(Service::Orchestrator, "ORCHESTRATOR_WAIT_MS", 1000).start().await;
    paid_without(&world, key, services, away).await;

    let confirms = ["order.confirm", "stock.confirm"].map(named);
    let missing: Vec<_> = confirms.into_iter().filter(|step| services.contains(&step.service)).collect();
    let names: Vec<_> = missing.iter().map(|step| step.name).collect();
    wait::until("the order to show its steps", ORDER_LIMIT, async || shows(&world, key, &names).await).await;
    // Two quick tries, and regular ones.
    wait::until("more tries", ORDER_LIMIT, async || missing.iter().all(|step| step.calls(&world, key).len() >= 4))
        .await;
    taken(&world, key).await;
    assert_eq!(cancel(&world, key).await.brief(), (409, "ORDER_ALREADY_PAID"));
    let report = world.report().await;
    assert!(report.is_sound() && report.unfinished.len() == 1, "{report}");

    return_of(&world, services, away);
    assert_eq!(last_answer(&world, key, &body).await.brief(), (200, "CONFIRMED"));
    assert_eq!(world.settled().await.confirmed, 1);
    assert_eq!(world.stock(1).await, (99, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paid_order_whose_order_service_is_away_for_two_minutes_shows_as_stuck_and_ends_confirmed() {
    paid_order_shows_as_stuck_without(Service::Order, "order.confirm").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paid_order_whose_inventory_service_is_away_for_two_minutes_shows_as_stuck_and_ends_confirmed() {
    paid_order_shows_as_stuck_without(Service::Inventory, "stock.confirm").await;
}

async fn paid_order_shows_as_stuck_without(service: Service, step: &str) {
    let (key, world) = ("waiting", World::start().await);
    paid_without(&world, key, &[service], Away::Killed).await;
    let back = Instant::now() + Duration::from_secs(120);

    shows_as_stuck(&world, key, step).await;
    tokio::time::sleep_until(back).await;
    assert!(shows(&world, key, &[step]).await, "{:?}", world.follow(key).await);

    return_of(&world, &[service], Away::Killed);
    assert_eq!(last_answer(&world, key, &one_piece("CARD")).await.brief(), (200, "CONFIRMED"));
    assert_eq!(world.settled().await.confirmed, 1);
    wait::until("nothing to be stuck", ORDER_LIMIT, async || world.counted_as_stuck().await == "0").await;
}

/// Begins an order whose money has moved, and takes these services away before they hear of it.
async fn paid_without(world: &World, key: &str, services: &[Service], away: Away) {
    let gate = Gate::new();
    world.to_payment.add(named("payment.pay").rule(world, key).then(Action::HoldReply(gate.clone())));
    begin(world, key, &one_piece("CARD")).await;
    payment_is(world, key, "APPROVED").await;
    for service in services {
        match away {
            Away::Killed => world.process(*service).kill().await,
            Away::Paused => world.process(*service).pause().await,
        }
    }
    gate.release();
}

fn return_of(world: &World, services: &[Service], away: Away) {
    for service in services {
        match away {
            Away::Killed => world.process(*service).start(),
            Away::Paused => world.process(*service).resume(),
        }
    }
}

/// Is the order PENDING, and waits for these steps?
async fn shows(world: &World, key: &str, steps: &[&str]) -> bool {
    let order = world.follow(key).await;
    let mut shown: Vec<_> = order.json["steps"].as_array().cloned().unwrap_or_default();
    shown.sort_by_key(ToString::to_string);
    order.text("status") == "PENDING" && json!(shown) == json!(steps)
}

#[tokio::test(flavor = "multi_thread")]
async fn paid_orders_that_wait_for_a_service_that_is_gone_leave_room_for_others() {
    waiting_orders_leave_room(&Action::Refuse).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn paid_orders_that_wait_for_a_service_that_hangs_leave_room_for_others() {
    waiting_orders_leave_room(&Action::HoldRequest(Gate::new())).await;
}

async fn waiting_orders_leave_room(fault: &Action) {
    let world = World::builder()
        .env(Service::Orchestrator, "ORCHESTRATOR_MAX_ORDERS", 2)
        .env(Service::Orchestrator, "ORCHESTRATOR_WAIT_MS", 1000)
        .start()
        .await;
    let confirm = named("order.confirm");
    let waiting: Vec<_> = (0..WAITING).map(|number| format!("waiting-{number}")).collect();
    for key in &waiting {
        world.to_order.add(confirm.rule(&world, key).then(fault.clone()));
    }
    stream::iter(&waiting).for_each_concurrent(2, async |key| taken(&world, key).await).await;
    for key in &waiting {
        wait::until("the order to wait", ORDER_LIMIT, async || shows(&world, key, &["order.confirm"]).await).await;
    }

    // A slow card: these orders need slots, too.
    let (others, slow) = (stream::iter(0..OTHERS).map(|number| format!("another-{number}")), one_piece("CARD_SLOW"));
    others
        .for_each_concurrent(2, async |key| {
            assert_eq!(last_answer(&world, &key, &slow).await.brief(), (200, "CONFIRMED"), "{key}");
        })
        .await;
    for key in &waiting {
        wait::until("it still waits", ORDER_LIMIT, async || shows(&world, key, &["order.confirm"]).await).await;
    }
    world.to_order.clear_rules();
    for key in &waiting {
        wait::until("the order's end", ORDER_LIMIT, async || world.follow(key).await.text("status") == "CONFIRMED")
            .await;
    }
    assert_eq!(world.settled().await.confirmed, WAITING + OTHERS);
}

/// Places an order that will wait, or asks for one that waits.
async fn taken(world: &World, key: &str) {
    wait::until("room for the order, and 202", ORDER_LIMIT, async || {
        world.place(key, &one_piece("CARD")).await.status == 202
    })
    .await;
}
