//! Many more customers than the in-flight limit allows.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use end_to_end::{PLENTY, Reply, Service, TestSystem, add_products};
use futures::future::join_all;
use serde_json::json;

const CLIENTS: usize = 500;
/// The resident memory that each process may use at most, in kB.
const MEMORY_LIMIT: u64 = 400_000;

/// The lengths of the two bursts of requests.
const BURSTS: [Duration; 2] = [Duration::from_secs(30), Duration::from_secs(8)];
/// The number of single orders in one time measurement.
const SINGLE_ORDERS: usize = 21;
/// The recovery after the bursts may take this many measurements or this much time, whichever is longer.
const MEASUREMENTS: (usize, Duration) = (10, Duration::from_secs(90));

/// Each client places one order after another. After a 503 it pauses as `Retry-After` asks.
async fn burst(system: &TestSystem, name: &str, length: Duration) -> BTreeMap<String, u32> {
    let end = Instant::now() + length;
    let answers = Mutex::new(BTreeMap::new());
    let clients = (0..CLIENTS).map(|client| {
        let answers = &answers;
        async move {
            let mut number = 0;
            while Instant::now() < end {
                number += 1;
                let product = if client % 5 == 0 { 999 } else { PLENTY };
                let body = json!({"customerId": 1, "productId": product, "quantity": 1, "amount": 100});
                let reply = system.try_place(&format!("{name}-{client}-{number}"), &body).await;
                let reply = reply.expect("no connection breaks");
                *answers
                    .lock()
                    .expect("nothing panics while it holds the answers")
                    .entry(checked_answer(&reply))
                    .or_insert(0) += 1;
                if reply.status == 503 {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
    });
    join_all(clients).await;
    answers.into_inner().expect("nothing panics while it holds the answers")
}

/// The answer as text. Panics if the answer is not allowed.
fn checked_answer(reply: &Reply) -> String {
    match reply.status_and_code() {
        (503, "OVERLOADED") => assert_eq!(reply.retry_after.as_deref(), Some("1"), "{reply:?}"),
        (200, "CONFIRMED") | (202, _) | (422, "UNKNOWN_PRODUCT") => {}
        _ => panic!("{reply:?}"),
    }
    format!("{:?}", reply.status_and_code())
}

/// The median time of orders that are placed one after another.
async fn order_time(system: &TestSystem, name: &str) -> Duration {
    let mut times = Vec::new();
    for number in 0..SINGLE_ORDERS {
        let start = Instant::now();
        let body = json!({"customerId": 1, "productId": PLENTY, "quantity": 1, "amount": 100});
        let reply = system.place(&format!("{name}-{number}"), &body).await;
        assert_eq!(reply.status_and_code(), (200, "CONFIRMED"));
        times.push(start.elapsed());
    }
    times.sort();
    times[SINGLE_ORDERS / 2]
}

/// Measures the order time until it is less than twice `before`, and returns it. Panics if that takes too long.
async fn recovered_order_time(system: &TestSystem, before: Duration) -> Duration {
    let (mut measured, start) = (Vec::new(), Instant::now());
    // On a busy machine a single measurement can be wrong.
    while measured.len() < MEASUREMENTS.0 || start.elapsed() < MEASUREMENTS.1 {
        let after = order_time(system, &format!("after-{}", measured.len())).await;
        measured.push(after);
        if after < before * 2 {
            return after;
        }
    }
    panic!("an order took {before:?} before the bursts, and {measured:?} after them")
}

/// The peak resident memory of each process, in kB.
fn memory(system: &TestSystem) -> BTreeMap<Service, u64> {
    let peak = |service| {
        let path = format!("/proc/{}/status", system.process(service).pid());
        let status = std::fs::read_to_string(path).expect("the process runs");
        let line =
            status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the kernel reports the peak memory");
        line.trim().trim_end_matches(" kB").parse().expect("the peak memory is a number")
    };
    Service::ALL.into_iter().map(|service| (service, peak(service))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_clients_are_served_or_answered_overloaded_and_memory_stays_bounded() {
    let system = TestSystem::start().await;
    add_products(&system).await;
    let idle = memory(&system);
    let before = order_time(&system, "before").await;
    let first = burst(&system, "burst1", BURSTS[0]).await;
    let after_first = memory(&system);
    let second = burst(&system, "burst2", BURSTS[1]).await;
    let after_second = memory(&system);
    system.wait_until_finished().await;
    let after = recovered_order_time(&system, before).await;

    println!("{CLIENTS} clients for {BURSTS:?}: {first:?}, {second:?}");
    println!(
        "one order takes {before:?} before and {after:?} after the bursts: {:.2} times",
        after.div_duration_f64(before)
    );
    println!("peak memory in kB: idle {idle:?}, then {after_first:?}, then {after_second:?}");
    assert!(first.keys().any(|answer| answer.contains("OVERLOADED")), "the in-flight limit was not reached: {first:?}");
    for service in Service::ALL {
        assert!(after_second[&service] < MEMORY_LIMIT, "{service:?}: {after_second:?}");
        assert!(
            after_second[&service] * 2 < after_first[&service] * 3,
            "{service:?}: {after_first:?} {after_second:?}"
        );
    }
    system.wait_until_finished().await;
}
