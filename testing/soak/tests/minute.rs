//! The short soak test of CI.

use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_minute_of_random_orders_and_faults_loses_nothing() {
    let seed = rand::random();
    println!("seed {seed}");
    let figures = soak::run(seed, Duration::from_secs(60)).await;
    println!("{figures}");
}
