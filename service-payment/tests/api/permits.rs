//! Permits for gateway calls. Each test has its own Redis.

use std::sync::Arc;
use std::time::Duration;

use api_client::code;
use common::contract::SagaOrder;
use common::contract::payment::PAY;
use harness::servers::Redis;
use harness::wait;
use serde_json::json;
use tokio::task::JoinSet;

use crate::app::{App, LONG_LIMITS, PENDING_CARD, Settings, order, paid};
use crate::ledgers::{Charge, Ledgers};

const KEY: &str = "payment-gateway:permits";
const LIMIT: Duration = Duration::from_secs(60);
/// Some tests are valid only while Redis answers in time. On a busy machine, they are repeated at most this many times.
const ROUNDS: usize = 5;

/// Whether this replica could not reach Redis in time and so used its own share of the permits.
fn missed_redis(app: &App) -> bool {
    app.process.log().contains("Redis is unavailable")
}

/// A replica. All replicas together have this many permits.
async fn replica(ledgers: &Ledgers, redis: &Redis, permits: u32, replicas: u32, settings: Settings) -> Arc<App> {
    let app = App::new(ledgers.clone(), settings).await;
    let app = app
        .with("SPRING_DATA_REDIS_HOST", "127.0.0.1")
        .with("SPRING_DATA_REDIS_PORT", redis.port())
        .with("GATEWAY_PERMITS", permits)
        .with("GATEWAY_REPLICAS", replicas);
    Arc::new(app.started().await)
}

/// Pays `count` new orders concurrently through these replicas. Each call is repeated until its order is paid.
async fn pay_all(apps: &[Arc<App>], method: &str, count: usize) -> Vec<SagaOrder> {
    let mut calls = JoinSet::new();
    for app in apps.iter().cycle().take(count) {
        let (app, order) = (app.clone(), order(method));
        calls.spawn(async move {
            assert_eq!(app.pay_with_retries(&order).await, paid(&order));
            order
        });
    }
    calls.join_all().await
}

async fn assert_charged_once(ledgers: &Ledgers, orders: &[SagaOrder]) {
    for order in orders {
        assert_eq!(ledgers.both(&order.saga_id).await, ("APPROVED".to_owned(), Charge::of("APPROVED", 1, 0)));
    }
}

async fn redis_command<T: redis::FromRedisValue>(redis: &Redis, words: &[&str]) -> T {
    let client = redis::Client::open(redis.url()).expect("an address");
    let mut connection = client.get_multiplexed_async_connection().await.expect("Redis accepts connections");
    let mut command = redis::cmd(words[0]);
    command.arg(&words[1..]);
    command.query_async(&mut connection).await.expect("Redis answers")
}

#[tokio::test]
async fn two_replicas_together_run_at_most_as_many_calls_as_there_are_permits() {
    for _ in 0..ROUNDS {
        let (ledgers, redis) = (Ledgers::fresh().await, Redis::start().await);
        // Without Redis, each replica's share would be both permits, because GATEWAY_REPLICAS is 1.
        let apps =
            [replica(&ledgers, &redis, 2, 1, LONG_LIMITS).await, replica(&ledgers, &redis, 2, 1, LONG_LIMITS).await];
        let orders = pay_all(&apps, "CARD_SLOW", 6).await;
        assert_charged_once(&ledgers, &orders).await;
        if apps.iter().any(|app| missed_redis(app)) {
            continue;
        }
        assert!(ledgers.max_concurrent_charges().await <= 2);
        assert_eq!(redis_command::<u32>(&redis, &["ZCARD", KEY]).await, 0, "all permits are free");
        return;
    }
    panic!("Redis was too slow in every round");
}

#[tokio::test]
async fn the_permit_of_a_killed_holder_becomes_free_when_its_lease_ends() {
    for _ in 0..ROUNDS {
        if permit_of_killed_holder_becomes_free().await {
            return;
        }
    }
    panic!("Redis was too slow in every round");
}

/// Returns false if a replica could not reach Redis in time. In that case the test is not valid.
async fn permit_of_killed_holder_becomes_free() -> bool {
    let (ledgers, redis) = (Ledgers::fresh().await, Redis::start().await);
    // A permit's lease is 2 s longer than the gateway's time limit.
    let limits = [("GATEWAY_TIMEOUT_MS", "3000"), ("PAYMENT_LEASE_MS", "5000")];
    let killed = replica(&ledgers, &redis, 1, 1, limits).await;
    let other = replica(&ledgers, &redis, 1, 1, limits).await;
    let held = order(PENDING_CARD);
    killed.begin_pay(&held);
    ledgers.wait_for_charge(&held.saga_id).await;
    killed.process.kill().await;
    if missed_redis(&killed) {
        return false;
    }
    let permits: Vec<(String, f64)> = redis_command(&redis, &["ZRANGE", KEY, "0", "-1", "WITHSCORES"]).await;
    let [(_, lease_end)] = permits.as_slice() else { panic!("one permit is taken: {permits:?}") };

    let order = order("CARD");
    assert_eq!(other.pay_with_retries(&order).await, paid(&order));
    assert_charged_once(&ledgers, std::slice::from_ref(&order)).await;
    if missed_redis(&other) {
        return false;
    }
    #[expect(clippy::cast_possible_truncation, reason = "microseconds since 1970 are whole and fit")]
    let lease_end = *lease_end as i64;
    assert!(ledgers.charged_at(&order.saga_id).await >= lease_end);
    true
}

#[tokio::test]
async fn without_redis_a_process_uses_only_its_share() {
    let (ledgers, redis) = (Ledgers::fresh().await, Redis::start().await);
    let apps = [replica(&ledgers, &redis, 2, 2, LONG_LIMITS).await];
    redis.stop().await;
    let orders = pay_all(&apps, "CARD_APPROVED_AFTER_1S", 6).await;
    assert_charged_once(&ledgers, &orders).await;
    assert_eq!(ledgers.max_concurrent_charges().await, 1);

    redis.start_again().await;
    let orders = pay_all(&apps, "CARD", 4).await;
    assert_charged_once(&ledgers, &orders).await;
}

#[tokio::test]
async fn losing_all_data_in_redis_during_a_call_does_no_harm() {
    let (ledgers, redis) = (Ledgers::fresh().await, Redis::start().await);
    let apps = [replica(&ledgers, &redis, 2, 1, LONG_LIMITS).await, replica(&ledgers, &redis, 2, 1, LONG_LIMITS).await];
    let held = order("CARD_SLOW");
    let call = apps[0].begin_pay(&held);
    ledgers.wait_for_charge(&held.saga_id).await;
    let flush = async {
        let mut interval = tokio::time::interval(Duration::from_millis(50));
        loop {
            interval.tick().await;
            redis_command::<String>(&redis, &["FLUSHALL"]).await;
        }
    };
    let orders = tokio::select! {
        orders = pay_all(&apps, "CARD_APPROVED_AFTER_1S", 6) => orders,
        never = flush => never,
    };
    assert_eq!(call.await.expect("no panic"), Some(paid(&held)));
    assert_charged_once(&ledgers, &orders).await;
    assert_charged_once(&ledgers, &[held]).await;
    wait::until("all permits to be free", LIMIT, async || redis_command::<u32>(&redis, &["ZCARD", KEY]).await == 0)
        .await;
}

#[tokio::test]
async fn a_call_without_a_permit_is_told_to_retry_and_ends_its_lease() {
    let app =
        App::new(Ledgers::fresh().await, LONG_LIMITS).await.with("GATEWAY_PERMITS", 1).with("GATEWAY_REPLICAS", 1);
    let app = app.started().await;
    let (holder, order) = (order(PENDING_CARD), order("CARD"));
    app.begin_pay(&holder);
    app.ledgers.wait_for_charge(&holder.saga_id).await;
    let busy = app.send(PAY, &json!(order)).await.expect("an answer");
    assert_eq!((busy.status().as_u16(), &busy.headers()["retry-after"]), (503, &"1".parse().expect("a header")));
    assert_eq!(busy.json::<serde_json::Value>().await.expect("a problem")["code"], "GATEWAY_BUSY");
    assert_eq!(app.ledgers.both(&order.saga_id).await, ("APPROVING".to_owned(), None));
    assert!(app.ledgers.lease_has_expired(&order.saga_id).await);

    // A `cancel` needs no permit. A `void` needs one.
    assert_eq!(code(&app.cancel(&holder, "DEADLINE_EXCEEDED").await).0, 200);
    assert_eq!(code(&app.void(&holder).await), (503, "GATEWAY_BUSY"));
    let other = app.replica(LONG_LIMITS).await;
    assert_eq!(other.pay(&order).await, paid(&order));
    assert_charged_once(&app.ledgers, &[order]).await;
}
