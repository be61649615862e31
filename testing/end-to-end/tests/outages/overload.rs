//! Far more customers than there is room for.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use end_to_end::{PLENTY, Reply, Service, World, stock_up};
use futures::future::join_all;
use serde_json::json;

const CLIENTS: usize = 500;
/// No process of ours may ever need more, in kB.
const MEMORY_LIMIT: u64 = 400_000;

/// How long the clients go on, the first time and the second.
const BURSTS: [Duration; 2] = [Duration::from_secs(30), Duration::from_secs(8)];
/// Orders one after the other, to see how quick the product is.
const ALONE: usize = 21;
/// How often that is looked at afterwards, and how long, at the most: whichever is over later.
const LOOKS: (usize, Duration) = (10, Duration::from_secs(90));

/// Each client places one order after the other, and comes again when it is told to.
async fn rush(world: &World, name: &str, burst: Duration) -> BTreeMap<String, u32> {
    let end = Instant::now() + burst;
    let answers = Mutex::new(BTreeMap::new());
    let clients = (0..CLIENTS).map(|client| {
        let answers = &answers;
        async move {
            let mut number = 0;
            while Instant::now() < end {
                number += 1;
                let product = if client % 5 == 0 { 999 } else { PLENTY };
                let body = json!({"customerId": 1, "productId": product, "quantity": 1, "amount": 100});
                let reply = world.try_place(&format!("{name}-{client}-{number}"), &body).await;
                let reply = reply.expect("no connection breaks");
                *answers.lock().expect("no panic").entry(answer(&reply)).or_insert(0) += 1;
                if reply.status == 503 {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
    });
    join_all(clients).await;
    answers.into_inner().expect("no panic")
}

/// What was answered; fails if it may not be.
fn answer(reply: &Reply) -> String {
    match reply.brief() {
        (503, "OVERLOADED") => assert_eq!(reply.retry_after.as_deref(), Some("1"), "{reply:?}"),
        (200, "CONFIRMED") | (202, _) | (422, "UNKNOWN_PRODUCT") => {}
        _ => panic!("{reply:?}"),
    }
    format!("{:?}", reply.brief())
}

/// The median time of an order that comes alone.
async fn alone(world: &World, name: &str) -> Duration {
    let mut took = Vec::new();
    for number in 0..ALONE {
        let begun = Instant::now();
        let body = json!({"customerId": 1, "productId": PLENTY, "quantity": 1, "amount": 100});
        let reply = world.place(&format!("{name}-{number}"), &body).await;
        assert_eq!(reply.brief(), (200, "CONFIRMED"));
        took.push(begun.elapsed());
    }
    took.sort();
    took[ALONE / 2]
}

/// The median time of an order that comes alone, once it is about what it was; fails if that does not come back.
async fn as_quick_as(world: &World, before: Duration) -> Duration {
    let (mut seen, begun) = (Vec::new(), Instant::now());
    // On a busy machine one look may be a bad one.
    while seen.len() < LOOKS.0 || begun.elapsed() < LOOKS.1 {
        let after = alone(world, &format!("after-{}", seen.len())).await;
        seen.push(after);
        if after < before * 2 {
            return after;
        }
    }
    panic!("an order alone took {before:?}, and afterwards, again and again, {seen:?}")
}

/// The most resident memory that each process ever had, in kB.
fn memory(world: &World) -> BTreeMap<Service, u64> {
    let of = |service| {
        let path = format!("/proc/{}/status", world.process(service).pid());
        let status = std::fs::read_to_string(path).expect("the process runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("its memory is known");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    };
    Service::ALL.into_iter().map(|service| (service, of(service))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_clients_at_once_are_served_or_told_to_come_again_and_memory_stays_bounded() {
    let world = World::start().await;
    stock_up(&world).await;
    let idle = memory(&world);
    let before = alone(&world, "before").await;
    let first = rush(&world, "rush1", BURSTS[0]).await;
    let after_first = memory(&world);
    let second = rush(&world, "rush2", BURSTS[1]).await;
    let after_second = memory(&world);
    world.settled().await;
    let after = as_quick_as(&world, before).await;

    println!("{CLIENTS} clients for {BURSTS:?}: {first:?}, {second:?}");
    println!("an order alone: {before:?} before, {after:?} after: {:.2} times", after.div_duration_f64(before));
    println!("kB resident at the most: idle {idle:?}, then {after_first:?}, then {after_second:?}");
    assert!(first.keys().any(|answer| answer.contains("OVERLOADED")), "there was room for all: {first:?}");
    for service in Service::ALL {
        assert!(after_second[&service] < MEMORY_LIMIT, "{service:?}: {after_second:?}");
        assert!(
            after_second[&service] * 2 < after_first[&service] * 3,
            "{service:?}: {after_first:?} {after_second:?}"
        );
    }
    world.settled().await;
}
