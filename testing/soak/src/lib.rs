//! The soak test: random orders and random faults for some time. Then the faults end, and all ledgers are compared.
//!
//! One seed determines the orders, the faults and their sequence. The exact timing depends on the machine.

mod faults;
mod test_run;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use checker::{Ledgers, Report, check};
use end_to_end::{LoadProfile, Service, order};
use harness::wait;
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::task::JoinSet;

use self::test_run::TestRun;

/// The number of customers.
const CUSTOMERS: u64 = 12;
/// The time between two lines of progress.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(5);
/// The time limit for all orders to finish after the faults end.
const FINISH_LIMIT: Duration = Duration::from_secs(240);

fn load_profile(length: Duration) -> LoadProfile {
    LoadProfile {
        methods: &[
            ("CARD", 50),
            ("CARD_DECLINED", 10),
            ("CARD_SLOW", 15),
            ("CARD_TIMEOUT_THEN_APPROVED", 5),
            ("CARD_TIMEOUT_THEN_DECLINED", 3),
            ("CARD_UNAVAILABLE_5S", 4),
            ("CARD_REFUND_FAILS_3", 5),
            ("CARD_APPROVED_AFTER_20S", 4),
            ("CARD_DECLINED_AFTER_10S", 4),
        ],
        refused_percent: 10,
        cancelled_percent: 15,
        async_percent: 25,
        max_pause: Duration::from_millis(800),
        order_limit: length + FINISH_LIMIT,
    }
}

/// The duration and the seed from the arguments `--minutes N [--seed S]`. `None` if the arguments are wrong.
#[must_use]
pub fn arguments(mut words: impl Iterator<Item = String>) -> Option<(Duration, u64)> {
    let (mut minutes, mut seed) = (None, None);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--minutes" => minutes = Some(words.next()?.parse::<f64>().ok()?),
            "--seed" => seed = Some(words.next()?.parse().ok()?),
            _ => return None,
        }
    }
    let length = Duration::try_from_secs_f64(minutes? * 60.0).ok()?;
    Some((length, seed.unwrap_or_else(rand::random)))
}

/// The result of a soak test.
#[derive(Debug)]
pub struct Figures {
    /// The seed of all random numbers.
    pub seed: u64,
    /// The time during which faults happened.
    pub length: Duration,
    /// The number of orders by outcome, as the customers received it.
    pub orders: BTreeMap<String, u32>,
    /// The number of answers by request, status and code.
    pub answers: BTreeMap<String, u32>,
    /// The number of faults by kind.
    pub faults: BTreeMap<String, u32>,
    /// The time from the end of the last fault until every order had ended.
    pub recovery: Duration,
    /// The report of the checker, which contains no error.
    pub report: Report,
}

/// Runs orders and faults for this time, and compares all ledgers and answers.
///
/// # Panics
/// Panics if an order does not end, if ledgers or answers do not agree, or if a process ends on its own. The logs of
/// the processes are then kept.
pub async fn run(seed: u64, length: Duration) -> Figures {
    let test_run = Arc::new(TestRun::start().await);
    let mut customers = JoinSet::new();
    for number in 0..CUSTOMERS {
        let test_run = Arc::clone(&test_run);
        let (name, seed) = (format!("customer{number}"), seed.wrapping_add(1000 + number));
        let profile = load_profile(length);
        customers.spawn(async move { test_run.load.customer(&test_run.system, &name, seed, profile).await });
    }
    let rng = |group: u64| StdRng::seed_from_u64(seed.wrapping_add(group));
    let begun = Instant::now();
    let faults = async {
        tokio::join!(
            faults::break_processes(&test_run, rng(1)),
            faults::break_servers(&test_run, rng(2)),
            faults::break_calls(&test_run, rng(3)),
            end_after(&test_run, length),
        );
    };
    with_progress(faults, length + FINISH_LIMIT, &test_run, begun).await;
    let faults_ended = Instant::now();
    test_run.load.stop();
    let orders = async {
        while let Some(customer) = customers.join_next().await {
            customer.expect("every order ends");
        }
    };
    with_progress(orders, FINISH_LIMIT, &test_run, begun).await;
    let report = final_report(&test_run).await;
    let recovery = faults_ended.elapsed();
    assert!(report.is_finished(), "{report}");
    // A killed process answers STARTING while it restarts.
    assert_eq!(
        test_run.load.unexpected_answers(Some("STARTING")),
        Vec::<String>::new(),
        "answers that no customer may receive"
    );
    for service in Service::ALL {
        test_run.system.process(service).wait_up().await;
    }
    wait::until("an order after the faults to be CONFIRMED", FINISH_LIMIT, async || {
        test_run.system.place("after-the-soak", &order()).await.status == 200
    })
    .await;
    let (orders, answers, faults) = (test_run.load.outcomes(), test_run.load.answers(), test_run.fault_counts());
    Figures { seed, length, orders, answers, faults, recovery, report }
}

async fn end_after(test_run: &TestRun, length: Duration) {
    tokio::time::sleep(length).await;
    test_run.end_faults();
}

/// Waits for the work and prints the progress meanwhile. Panics after the limit.
async fn with_progress(work: impl Future<Output = ()>, limit: Duration, test_run: &TestRun, begun: Instant) {
    let show = async {
        let mut tick = tokio::time::interval(PROGRESS_INTERVAL);
        loop {
            tick.tick().await;
            println!("[{:4.0} s] {}", begun.elapsed().as_secs_f64(), test_run.progress().await);
        }
    };
    tokio::select! {
        () = work => {}
        () = show => {}
        () = tokio::time::sleep(limit) => panic!("not finished after {limit:?}: {}", test_run.load),
    }
}

/// Waits until every saga has ended or the time limit has passed.
async fn final_report(test_run: &TestRun) -> Report {
    let limit = Instant::now() + FINISH_LIMIT;
    loop {
        let ledgers = Ledgers::read(&test_run.system.databases).await.expect("the ledgers can be read");
        if check(&ledgers, &[]).unfinished.is_empty() || Instant::now() > limit {
            return test_run.system.report().await;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sum = |counts: &BTreeMap<String, u32>| counts.values().sum::<u32>();
        let mut list = |what: &str, counts: &BTreeMap<String, u32>| {
            writeln!(f, "{} {what}", sum(counts))?;
            counts.iter().try_for_each(|(name, count)| writeln!(f, "  {count:6}  {name}"))
        };
        list("orders", &self.orders)?;
        list("answers", &self.answers)?;
        list("faults", &self.faults)?;
        let (length, recovery) = (self.length.as_secs(), self.recovery.as_secs_f64());
        writeln!(f, "faults for {length} s; all orders ended {recovery:.1} s after the last fault")?;
        write!(f, "checker: {}; seed {}", self.report, self.seed)
    }
}
