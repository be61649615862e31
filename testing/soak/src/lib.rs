//! Random orders and random faults for a while; then the faults are lifted, and the checker judges.
//!
//! Everything is drawn from one seed: the same seed makes the same faults and the same orders in the same sequence (how
//! they fall together is up to the machine).

mod faults;
mod scene;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use checker::{Books, Report, check};
use end_to_end::{Habits, Service, order};
use harness::wait;
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::task::JoinSet;

use self::scene::Scene;

/// How many customers there are.
const CUSTOMERS: u64 = 12;
/// Between two lines of progress.
const TICK: Duration = Duration::from_secs(5);
/// For all orders to come to their end once the faults are lifted.
const SETTLE_LIMIT: Duration = Duration::from_secs(240);

fn habits(length: Duration) -> Habits {
    Habits {
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
        wrong: 10,
        cancelled: 15,
        hasty: 25,
        pause: Duration::from_millis(800),
        patience: length + SETTLE_LIMIT,
    }
}

/// How long, and from which seed: `--minutes N [--seed S]`; `None` if it says something else.
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

/// What came of it.
#[derive(Debug)]
pub struct Figures {
    /// The seed of all chance.
    pub seed: u64,
    /// How long faults were made.
    pub length: Duration,
    /// Orders by how they ended, as their customers saw it.
    pub orders: BTreeMap<String, u32>,
    /// Answers by request, status and code.
    pub answers: BTreeMap<String, u32>,
    /// Faults by kind.
    pub faults: BTreeMap<String, u32>,
    /// From the last fault until every order had come to its end.
    pub settled_in: Duration,
    /// What the checker found: nothing wrong.
    pub report: Report,
}

/// Makes orders and faults for so long, and judges.
///
/// # Panics
/// Anything is wrong: an order does not come to its end, books or answers disagree, or a process ended by itself. The
/// processes' logs are kept then.
pub async fn run(seed: u64, length: Duration) -> Figures {
    let scene = Arc::new(Scene::set().await);
    let mut customers = JoinSet::new();
    for number in 0..CUSTOMERS {
        let scene = Arc::clone(&scene);
        let (name, seed) = (format!("customer{number}"), seed.wrapping_add(1000 + number));
        let habits = habits(length);
        customers.spawn(async move { scene.load.customer(&scene.world, &name, seed, habits).await });
    }
    let rng = |lane: u64| StdRng::seed_from_u64(seed.wrapping_add(lane));
    let begun = Instant::now();
    let faults = async {
        tokio::join!(
            faults::of_processes(&scene, rng(1)),
            faults::of_servers(&scene, rng(2)),
            faults::of_calls(&scene, rng(3)),
            end_after(&scene, length),
        );
    };
    shown(faults, length + SETTLE_LIMIT, &scene, begun).await;
    let lifted = Instant::now();
    scene.load.stop();
    let orders = async {
        while let Some(gone) = customers.join_next().await {
            gone.expect("every order comes to its end");
        }
    };
    shown(orders, SETTLE_LIMIT, &scene, begun).await;
    let report = settled(&scene).await;
    let settled_in = lifted.elapsed();
    assert!(report.is_settled(), "{report}");
    // Processes are killed here, and say that they start again.
    assert_eq!(scene.load.unlisted(Some("STARTING")), Vec::<String>::new(), "no customer may be answered so");
    for service in Service::ALL {
        scene.world.process(service).wait_up().await;
    }
    wait::until("an order afterwards to be confirmed", SETTLE_LIMIT, async || {
        scene.world.place("after-the-soak", &order()).await.status == 200
    })
    .await;
    let (orders, answers, faults) = (scene.load.ends(), scene.load.answers(), scene.faults());
    Figures { seed, length, orders, answers, faults, settled_in, report }
}

async fn end_after(scene: &Scene, length: Duration) {
    tokio::time::sleep(length).await;
    scene.end_faults();
}

/// Waits for the work, not longer than the limit, and shows the progress meanwhile.
async fn shown(work: impl Future<Output = ()>, limit: Duration, scene: &Scene, begun: Instant) {
    let show = async {
        let mut tick = tokio::time::interval(TICK);
        loop {
            tick.tick().await;
            println!("[{:4.0} s] {}", begun.elapsed().as_secs_f64(), scene.progress().await);
        }
    };
    tokio::select! {
        () = work => {}
        () = show => {}
        () = tokio::time::sleep(limit) => panic!("it does not come to its end: {}", scene.load),
    }
}

/// Waits until every saga has come to its end, or the time for that is over.
async fn settled(scene: &Scene) -> Report {
    let until = Instant::now() + SETTLE_LIMIT;
    loop {
        let books = Books::read(&scene.world.addresses).await.expect("the books can be read");
        if check(&books, &[]).unfinished.is_empty() || Instant::now() > until {
            return scene.world.report().await;
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
        let (length, settled_in) = (self.length.as_secs(), self.settled_in.as_secs_f64());
        writeln!(f, "faults for {length} s; all orders at their end {settled_in:.1} s after the last")?;
        write!(f, "checker: {}; seed {}", self.report, self.seed)
    }
}
