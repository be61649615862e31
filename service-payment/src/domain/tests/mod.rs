//! The payment row under random sequences of calls, on a real database: leases that run out, messages that are lost,
//! late or never answered, and crashes wherever a call waits.

mod concurrent;
mod model;
mod network;
mod run;
mod sequence;

use std::time::Duration;

use crate::MIGRATOR;

/// A lease that no sequence outlives, unless it is ended.
const LONG: Duration = Duration::from_secs(3600);

#[test]
fn every_sequence_of_calls_does_to_a_payment_what_the_table_says() {
    property::check(2000, sequence::sequences, property::database("payments", &MIGRATOR), async |pool, steps| {
        run::Run::new(pool.clone()).judge(steps).await
    });
}

#[test]
fn of_calls_at_the_same_time_the_first_decision_wins_for_ever() {
    property::check(400, concurrent::batches, property::database("payments", &MIGRATOR), concurrent::judge);
}
