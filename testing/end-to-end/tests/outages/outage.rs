//! One outage under load, from its begin until every order has come to its end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use end_to_end::{Dependency, Habits, Load, Service, Site, World, order, stock_up};
use harness::process::ServiceProcess;
use harness::proxy::Mode;
use harness::wait;
use serde_json::Value;
use tokio::task::JoinSet;

/// From the return of what was missing until the last of the four says that it is UP.
const RETURN_LIMIT: Duration = Duration::from_secs(10);
/// For what happens at once on a machine that is not busy.
const LIMIT: Duration = Duration::from_secs(60);
/// Longer than every time-out of the product between a request and its answer, and than most leases.
const OUTAGE: Duration = Duration::from_secs(20);
const CUSTOMERS: u64 = 4;

const HABITS: Habits = Habits {
    methods: &[("CARD", 60), ("CARD_DECLINED", 15), ("CARD_SLOW", 25)],
    wrong: 10,
    cancelled: 10,
    hasty: 20,
    pause: Duration::from_millis(400),
    patience: Duration::from_secs(240),
};

/// How a server goes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// SIGTERM, and started again.
    Stopped,
    /// SIGKILL, and started again.
    Killed,
    /// Connections stay open, and new ones are made, but nothing comes through.
    CutOff,
    /// As `CutOff`, and at the end all connections are reset.
    CutOffAndReset,
}

/// A world on servers of its own, under load.
pub(crate) struct Stage {
    pub(crate) site: Site,
    pub(crate) world: Arc<World>,
    pub(crate) load: Arc<Load>,
    customers: JoinSet<()>,
    pids: Vec<u32>,
}

impl Stage {
    pub(crate) async fn set() -> Self {
        let site = Site::start().await;
        let world = World::builder()
            .servers(site.addresses())
            .env(Service::Orchestrator, "ORCHESTRATOR_WAIT_MS", 6000)
            .start()
            .await;
        stock_up(&world).await;
        let (world, load, mut customers) = (Arc::new(world), Arc::new(Load::new()), JoinSet::new());
        for number in 0..CUSTOMERS {
            let (world, load) = (Arc::clone(&world), Arc::clone(&load));
            customers.spawn(async move { load.customer(&world, &format!("customer{number}"), number, HABITS).await });
        }
        let pids = pids_of(&world);
        let stage = Self { site, world, load, customers, pids };
        stage.orders_end(10).await;
        stage
    }

    /// Waits until so many more orders have come to their end.
    pub(crate) async fn orders_end(&self, more: usize) {
        let until = self.load.ended() + more;
        wait::until("orders to come to their end", LIMIT * 3, async || self.load.ended() >= until).await;
    }

    async fn begin(&self, missing: &[Dependency], how: How) {
        for dependency in missing {
            match how {
                How::Stopped => self.site.server(*dependency).stop().await,
                How::Killed => self.site.server(*dependency).kill().await,
                How::CutOff | How::CutOffAndReset => self.site.set_network(*dependency, Mode::Hang),
            }
        }
    }

    async fn end(&self, missing: &[Dependency], how: How) {
        for dependency in missing {
            match how {
                How::Stopped | How::Killed => self.site.server(*dependency).start_again().await,
                How::CutOff => self.site.set_network(*dependency, Mode::Pass),
                How::CutOffAndReset => {
                    self.site.set_network(*dependency, Mode::Pass);
                    self.site.cut(*dependency);
                }
            }
        }
    }

    /// Waits until all four say that just these are DOWN.
    pub(crate) async fn told(&self, missing: &[Dependency], limit: Duration) {
        let all = Service::ALL.map(|service| {
            let (expected, process) = (expected(service, missing), self.world.process(service));
            let what = format!("{service:?} to say that these are DOWN: {expected:?}, without {missing:?}");
            async move { wait::until(&what, limit, async || down(process).await.as_ref() == Some(&expected)).await }
        });
        futures::future::join_all(all).await;
    }

    /// Until that time every process goes on saying that these are DOWN, and stays ready. (What is there may look DOWN for
    /// a moment too, on a machine that is busy.)
    async fn told_until(&self, end: Instant, missing: &[Dependency]) {
        let mut unanswered = BTreeMap::new();
        while Instant::now() < end {
            for service in Service::ALL {
                let process = self.world.process(service);
                let (down, ready) = tokio::join!(down(process), process.get("/actuator/health/readiness"));
                let in_a_row = unanswered.entry(service).or_insert(0);
                let (Some(down), Some((ready, _))) = (down, ready) else {
                    *in_a_row += 1;
                    assert!(*in_a_row < 3, "{service:?} does not answer for its health without {missing:?}");
                    continue;
                };
                *in_a_row = 0;
                let named = |name| down.contains(name);
                assert!(expected(service, missing).iter().all(named), "{service:?} says {down:?} without {missing:?}");
                assert_eq!(ready, 200, "{service:?} is ready without {missing:?}");
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        self.told(missing, LIMIT).await;
    }

    /// Customers finish and go; every order has come to its end, no process was started anew, and all works.
    pub(crate) async fn settled(mut self, name: &str) {
        self.load.stop();
        while let Some(gone) = self.customers.join_next().await {
            gone.expect("every order comes to its end");
        }
        let report = self.world.settled().await;
        assert_eq!(pids_of(&self.world), self.pids, "{name}");
        assert!(Service::ALL.iter().all(|service| self.world.process(*service).is_running()), "{name}");
        assert_eq!(self.load.unlisted(None), Vec::<String>::new(), "{name}");
        wait::until("an order afterwards to be confirmed", LIMIT, async || {
            self.world.place("after-the-outage", &order()).await.status == 200
        })
        .await;
        println!("{name}: {report}; {}", self.load);
    }
}

/// These go away under load, and come back.
pub(crate) async fn outage(missing: &[Dependency], how: How) {
    let stage = Stage::set().await;
    stage.told(&[], LIMIT).await;
    let begin = Instant::now();
    stage.begin(missing, how).await;
    stage.told(missing, LIMIT).await;
    stage.told_until(begin + OUTAGE, missing).await;
    stage.end(missing, how).await;
    stage.told(&[], RETURN_LIMIT).await;
    stage.orders_end(5).await;
    stage.settled(&format!("{missing:?} {how:?} for {OUTAGE:?}")).await;
}

fn pids_of(world: &World) -> Vec<u32> {
    Service::ALL.iter().map(|service| world.process(*service).pid()).collect()
}

fn expected(service: Service, missing: &[Dependency]) -> Vec<String> {
    let mut down: Vec<_> = missing.iter().filter_map(|dependency| dependency.component(service)).collect();
    down.sort_unstable();
    down.into_iter().map(str::to_owned).collect()
}

/// The components that the health page says are DOWN; `None` if there is no page.
async fn down(process: &ServiceProcess) -> Option<Vec<String>> {
    let (status, body) = process.get("/actuator/health").await?;
    let page: Value = serde_json::from_str(&body).expect("JSON");
    let components = page["components"].as_object().expect("components");
    let down = components.iter().filter(|(_, component)| component["status"] == "DOWN");
    let down: Vec<_> = down.map(|(name, _)| name.clone()).collect();
    assert_eq!(status, if down.is_empty() { 200 } else { 503 }, "{body}");
    Some(down)
}
