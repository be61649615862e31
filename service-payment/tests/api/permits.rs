//! Permits for calls to the gateway, leased in a Redis of the test's own.

use std::sync::Arc;
use std::time::Duration;

use common::contract::SagaOrder;
use common::contract::payment::PAY;
use harness::servers::Redis;
use harness::wait;
use serde_json::json;
use tokio::task::JoinSet;

use crate::app::{App, LONG, NEVER, Settings, code, order, paid};
use crate::books::{Books, Charge};

const KEY: &str = "payment-gateway:permits";
const LIMIT: Duration = Duration::from_secs(60);
/// Rounds at the most of a test that holds only while Redis answers in time, which a busy machine may keep it from.
const ROUNDS: usize = 5;

/// Did this replica find Redis too slow, and keep to its share for a while?
fn missed_redis(app: &App) -> bool {
    app.process.log().contains("Redis is away")
}

/// A replica that shares this many permits with the others.
async fn replica(books: &Books, redis: &Redis, permits: u32, replicas: u32, settings: Settings) -> Arc<App> {
    let app = App::new(books.clone(), settings).await;
    let app = app
        .with("SPRING_DATA_REDIS_HOST", "127.0.0.1")
        .with("SPRING_DATA_REDIS_PORT", redis.port())
        .with("GATEWAY_PERMITS", permits)
        .with("GATEWAY_REPLICAS", replicas);
    Arc::new(app.started().await)
}

/// Pays so many new orders at once, over these replicas, until all are paid.
async fn pay_all(apps: &[Arc<App>], method: &str, count: usize) -> Vec<SagaOrder> {
    let mut calls = JoinSet::new();
    for app in apps.iter().cycle().take(count) {
        let (app, order) = (app.clone(), order(method));
        calls.spawn(async move {
            assert_eq!(app.pay_at_last(&order).await, paid(&order));
            order
        });
    }
    calls.join_all().await
}

async fn assert_charged_once(books: &Books, orders: &[SagaOrder]) {
    for order in orders {
        assert_eq!(books.both(&order.saga_id).await, ("APPROVED".to_owned(), Charge::of("APPROVED", 1, 0)));
    }
}

async fn redis_command<T: redis::FromRedisValue>(redis: &Redis, words: &[&str]) -> T {
    let client = redis::Client::open(redis.url()).expect("an address");
    let mut connection = client.get_multiplexed_async_connection().await.expect("Redis serves");
    let mut command = redis::cmd(words[0]);
    command.arg(&words[1..]);
    command.query_async(&mut connection).await.expect("Redis answers")
}

#[tokio::test]
async fn over_two_replicas_no_more_calls_run_than_there_are_permits() {
    for _ in 0..ROUNDS {
        let (books, redis) = (Books::fresh().await, Redis::start().await);
        // With one replica as the divisor a replica's own share would be both permits.
        let apps = [replica(&books, &redis, 2, 1, LONG).await, replica(&books, &redis, 2, 1, LONG).await];
        let orders = pay_all(&apps, "CARD_SLOW", 6).await;
        assert_charged_once(&books, &orders).await;
        if apps.iter().any(|app| missed_redis(app)) {
            continue;
        }
        assert!(books.most_at_once().await <= 2);
        assert_eq!(redis_command::<u32>(&redis, &["ZCARD", KEY]).await, 0, "all permits came back");
        return;
    }
    panic!("Redis was too slow in every round");
}

#[tokio::test]
async fn the_permit_of_a_killed_holder_comes_back_when_its_lease_is_over() {
    for _ in 0..ROUNDS {
        if the_killed_holders_permit_comes_back().await {
            return;
        }
    }
    panic!("Redis was too slow in every round");
}

/// False if a replica found Redis too slow, and kept to its share.
async fn the_killed_holders_permit_comes_back() -> bool {
    let (books, redis) = (Books::fresh().await, Redis::start().await);
    // A permit's lease is 2 s longer than the gateway's time limit.
    let limits = [("GATEWAY_TIMEOUT_MS", "3000"), ("PAYMENT_LEASE_MS", "5000")];
    let killed = replica(&books, &redis, 1, 1, limits).await;
    let other = replica(&books, &redis, 1, 1, limits).await;
    let held = order(NEVER);
    killed.begin_pay(&held);
    books.until_charged(&held.saga_id).await;
    killed.process.kill().await;
    if missed_redis(&killed) {
        return false;
    }
    let permits: Vec<(String, f64)> = redis_command(&redis, &["ZRANGE", KEY, "0", "-1", "WITHSCORES"]).await;
    let [(_, lease_end)] = permits.as_slice() else { panic!("one permit is taken: {permits:?}") };

    let order = order("CARD");
    assert_eq!(other.pay_at_last(&order).await, paid(&order));
    assert_charged_once(&books, std::slice::from_ref(&order)).await;
    if missed_redis(&other) {
        return false;
    }
    #[expect(clippy::cast_possible_truncation, reason = "microseconds since 1970 are whole and fit")]
    let lease_end = *lease_end as i64;
    assert!(books.charged_at(&order.saga_id).await >= lease_end);
    true
}

#[tokio::test]
async fn without_redis_a_process_keeps_to_its_share() {
    let (books, redis) = (Books::fresh().await, Redis::start().await);
    let apps = [replica(&books, &redis, 2, 2, LONG).await];
    redis.stop().await;
    let orders = pay_all(&apps, "CARD_APPROVED_AFTER_1S", 6).await;
    assert_charged_once(&books, &orders).await;
    assert_eq!(books.most_at_once().await, 1);

    redis.start_again().await;
    let orders = pay_all(&apps, "CARD", 4).await;
    assert_charged_once(&books, &orders).await;
}

#[tokio::test]
async fn a_redis_that_loses_everything_in_mid_call_does_no_harm() {
    let (books, redis) = (Books::fresh().await, Redis::start().await);
    let apps = [replica(&books, &redis, 2, 1, LONG).await, replica(&books, &redis, 2, 1, LONG).await];
    let held = order("CARD_SLOW");
    let call = apps[0].begin_pay(&held);
    books.until_charged(&held.saga_id).await;
    let flush = async {
        let mut often = tokio::time::interval(Duration::from_millis(50));
        loop {
            often.tick().await;
            redis_command::<String>(&redis, &["FLUSHALL"]).await;
        }
    };
    let orders = tokio::select! {
        orders = pay_all(&apps, "CARD_APPROVED_AFTER_1S", 6) => orders,
        never = flush => never,
    };
    assert_eq!(call.await.expect("no panic"), Some(paid(&held)));
    assert_charged_once(&books, &orders).await;
    assert_charged_once(&books, &[held]).await;
    wait::until("all permits to come back", LIMIT, async || redis_command::<u32>(&redis, &["ZCARD", KEY]).await == 0)
        .await;
}

#[tokio::test]
async fn a_call_without_a_permit_is_told_to_come_back_and_makes_room_for_the_next_one() {
    let app = App::new(Books::fresh().await, LONG).await.with("GATEWAY_PERMITS", 1).with("GATEWAY_REPLICAS", 1);
    let app = app.started().await;
    let (holder, order) = (order(NEVER), order("CARD"));
    app.begin_pay(&holder);
    app.books.until_charged(&holder.saga_id).await;
    let busy = app.send(PAY, &json!(order)).await.expect("an answer");
    assert_eq!((busy.status().as_u16(), &busy.headers()["retry-after"]), (503, &"1".parse().expect("a header")));
    assert_eq!(busy.json::<serde_json::Value>().await.expect("a problem")["code"], "GATEWAY_BUSY");
    assert_eq!(app.books.both(&order.saga_id).await, ("APPROVING".to_owned(), None));
    assert!(app.books.lease_is_over(&order.saga_id).await);

    // To decide takes no permit; to settle takes one.
    assert_eq!(code(&app.cancel(&holder, "DEADLINE_EXCEEDED").await).0, 200);
    assert_eq!(code(&app.settle(&holder).await), (503, "GATEWAY_BUSY"));
    let other = app.replica(LONG).await;
    assert_eq!(other.pay(&order).await, paid(&order));
    assert_charged_once(&app.books, &[order]).await;
}
