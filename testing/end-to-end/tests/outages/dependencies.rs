//! MySQL, Redis and Temporal go away for 20 s under load: all orders end, and money and stock agree.

use end_to_end::Dependency::{self, Database, Redis, Temporal};

use crate::outage::{How, Stage, outage};

/// Each in a world of its own, all at the same time.
async fn each_alone(how: How) {
    let outages = Dependency::ALL.map(|missing| async move { outage(&[missing], how).await });
    futures::future::join_all(outages).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mysql_redis_or_temporal_stopped_for_20_s_loses_nothing() {
    each_alone(How::Stopped).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mysql_redis_or_temporal_killed_and_started_again_after_20_s_loses_nothing() {
    each_alone(How::Killed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mysql_redis_or_temporal_cut_off_by_the_network_for_20_s_loses_nothing() {
    each_alone(How::CutOff).await;
}

/// Each pair in a world of its own, all at the same time.
async fn each_pair(how: [How; 3]) {
    let pairs = [[Database, Redis], [Database, Temporal], [Redis, Temporal]];
    let outages = pairs.into_iter().zip(how).map(|(missing, how)| async move { outage(&missing, how).await });
    futures::future::join_all(outages).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_of_them_stopped_at_once_for_20_s_lose_nothing() {
    each_pair([How::Stopped; 3]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_of_them_killed_at_once_and_started_again_after_20_s_lose_nothing() {
    each_pair([How::Killed; 3]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_of_them_cut_off_at_once_for_20_s_lose_nothing() {
    each_pair([How::CutOff, How::CutOff, How::CutOffAndReset]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_flushed_again_and_again_under_load_loses_nothing() {
    let stage = Stage::set().await;
    for _ in 0..5 {
        stage.site.flush_redis().await;
        stage.orders_end(5).await;
    }
    stage.settled("Redis flushed 5 times").await;
}
