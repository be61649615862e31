//! Random sequences of calls on a payment row in a real database. Leases expire, messages are lost or late, and calls
//! crash at every point where they wait.

mod concurrent;
mod gateway;
mod model;
mod run;
mod sequence;

use std::time::Duration;

use crate::MIGRATOR;

/// A lease that does not expire during a sequence, unless a step ends it.
const LONG_LEASE: Duration = Duration::from_secs(3600);

#[test]
fn every_sequence_of_calls_follows_the_decision_table() {
    property::check(2000, sequence::sequences, property::database("payments", &MIGRATOR), async |pool, steps| {
        run::Run::new(pool.clone()).verify(steps).await
    });
}

#[test]
fn of_concurrent_calls_the_first_decision_wins_permanently() {
    property::check(400, concurrent::batches, property::database("payments", &MIGRATOR), concurrent::verify);
}
