//! One outage under load, from its beginning until every order has finished.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use end_to_end::{Dependency, Load, LoadProfile, PrivateServers, Service, TestSystem, add_products, order};
use harness::process::ServiceProcess;
use harness::proxy::Mode;
use harness::wait;
use serde_json::Value;
use tokio::task::JoinSet;

/// The time limit for all four programs to be UP after the outage has ended.
const RECOVERY_LIMIT: Duration = Duration::from_secs(10);
/// The time limit for other events. On an idle machine they happen immediately.
const LIMIT: Duration = Duration::from_secs(60);
/// The length of an outage. It is longer than all time-outs between a request and its answer, and than most leases.
const OUTAGE: Duration = Duration::from_secs(20);
const CUSTOMERS: u64 = 4;

const PROFILE: LoadProfile = LoadProfile {
    methods: &[("CARD", 60), ("CARD_DECLINED", 15), ("CARD_SLOW", 25)],
    refused_percent: 10,
    cancelled_percent: 10,
    async_percent: 20,
    max_pause: Duration::from_millis(400),
    order_limit: Duration::from_secs(240),
};

/// How a server becomes unavailable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The server gets SIGTERM and is restarted later.
    Stopped,
    /// The server gets SIGKILL and is restarted later.
    Killed,
    /// Old and new connections are open, but deliver nothing.
    CutOff,
    /// Like `CutOff`, but at the end of the outage all connections are reset.
    CutOffAndReset,
}

/// A system under load on its own servers.
pub(crate) struct Scenario {
    pub(crate) servers: PrivateServers,
    pub(crate) system: Arc<TestSystem>,
    pub(crate) load: Arc<Load>,
    customers: JoinSet<()>,
    pids: Vec<u32>,
}

impl Scenario {
    pub(crate) async fn start() -> Self {
        let servers = PrivateServers::start().await;
        let system = TestSystem::builder()
            .servers(servers.addresses())
            .env(Service::Orchestrator, "ORCHESTRATOR_WAIT_MS", 6000)
            .start()
            .await;
        add_products(&system).await;
        let (system, load, mut customers) = (Arc::new(system), Arc::new(Load::new()), JoinSet::new());
        for number in 0..CUSTOMERS {
            let (system, load) = (Arc::clone(&system), Arc::clone(&load));
            customers.spawn(async move { load.customer(&system, &format!("customer{number}"), number, PROFILE).await });
        }
        let pids = pids_of(&system);
        let scenario = Self { servers, system, load, customers, pids };
        scenario.wait_for_orders(10).await;
        scenario
    }

    /// Waits until this many more orders have finished.
    pub(crate) async fn wait_for_orders(&self, count: usize) {
        let goal = self.load.finished() + count;
        wait::until("orders to finish", LIMIT * 3, async || self.load.finished() >= goal).await;
    }

    async fn begin(&self, unavailable: &[Dependency], failure: Failure) {
        for dependency in unavailable {
            match failure {
                Failure::Stopped => self.servers.server(*dependency).stop().await,
                Failure::Killed => self.servers.server(*dependency).kill().await,
                Failure::CutOff | Failure::CutOffAndReset => self.servers.set_network_mode(*dependency, Mode::Hang),
            }
        }
    }

    async fn end(&self, unavailable: &[Dependency], failure: Failure) {
        for dependency in unavailable {
            match failure {
                Failure::Stopped | Failure::Killed => self.servers.server(*dependency).start_again().await,
                Failure::CutOff => self.servers.set_network_mode(*dependency, Mode::Pass),
                Failure::CutOffAndReset => {
                    self.servers.set_network_mode(*dependency, Mode::Pass);
                    self.servers.reset_connections(*dependency);
                }
            }
        }
    }

    /// Waits until the health pages of all four programs report exactly these dependencies as DOWN.
    pub(crate) async fn wait_for_health(&self, unavailable: &[Dependency], limit: Duration) {
        let all = Service::ALL.map(|service| {
            let (expected, process) = (expected(service, unavailable), self.system.process(service));
            let what = format!("{service:?} to report DOWN for {expected:?} while {unavailable:?} is unavailable");
            async move { wait::until(&what, limit, async || down(process).await.as_ref() == Some(&expected)).await }
        });
        futures::future::join_all(all).await;
    }

    /// Panics if a program stops reporting these dependencies as DOWN before `end`, or is not ready. On a busy machine,
    /// other dependencies may also be DOWN for a moment.
    async fn assert_down_until(&self, end: Instant, unavailable: &[Dependency]) {
        let mut unanswered = BTreeMap::new();
        while Instant::now() < end {
            for service in Service::ALL {
                let process = self.system.process(service);
                let (down, ready) = tokio::join!(down(process), process.get("/actuator/health/readiness"));
                let in_a_row = unanswered.entry(service).or_insert(0);
                let (Some(down), Some((ready, _))) = (down, ready) else {
                    *in_a_row += 1;
                    assert!(*in_a_row < 3, "{service:?} serves no health page while {unavailable:?} is unavailable");
                    continue;
                };
                *in_a_row = 0;
                let reported = |name| down.contains(name);
                let all = expected(service, unavailable).iter().all(reported);
                assert!(all, "{service:?} reports {down:?} while {unavailable:?} is unavailable");
                assert_eq!(ready, 200, "{service:?} is not ready while {unavailable:?} is unavailable");
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        self.wait_for_health(unavailable, LIMIT).await;
    }

    /// Stops the customers and waits until every order has finished. Panics unless the ledgers agree, all processes
    /// still run, and a new order is confirmed.
    pub(crate) async fn finish(mut self, name: &str) {
        self.load.stop();
        while let Some(customer) = self.customers.join_next().await {
            customer.expect("all orders of the customer finish");
        }
        let report = self.system.wait_until_finished().await;
        assert_eq!(pids_of(&self.system), self.pids, "{name}");
        assert!(Service::ALL.iter().all(|service| self.system.process(*service).is_running()), "{name}");
        assert_eq!(self.load.unexpected_answers(None), Vec::<String>::new(), "{name}");
        wait::until("an order after the outage to be confirmed", LIMIT, async || {
            self.system.place("after-the-outage", &order()).await.status == 200
        })
        .await;
        println!("{name}: {report}; {}", self.load);
    }
}

/// Makes these dependencies unavailable for a while under load.
pub(crate) async fn run_outage(unavailable: &[Dependency], failure: Failure) {
    let scenario = Scenario::start().await;
    scenario.wait_for_health(&[], LIMIT).await;
    let begin = Instant::now();
    scenario.begin(unavailable, failure).await;
    scenario.wait_for_health(unavailable, LIMIT).await;
    scenario.assert_down_until(begin + OUTAGE, unavailable).await;
    scenario.end(unavailable, failure).await;
    scenario.wait_for_health(&[], RECOVERY_LIMIT).await;
    scenario.wait_for_orders(5).await;
    scenario.finish(&format!("{unavailable:?} {failure:?} for {OUTAGE:?}")).await;
}

fn pids_of(system: &TestSystem) -> Vec<u32> {
    Service::ALL.iter().map(|service| system.process(*service).pid()).collect()
}

fn expected(service: Service, unavailable: &[Dependency]) -> Vec<String> {
    let mut down: Vec<_> = unavailable.iter().filter_map(|dependency| dependency.component(service)).collect();
    down.sort_unstable();
    down.into_iter().map(str::to_owned).collect()
}

/// The components that are DOWN on the health page. `None` if the page is not served.
async fn down(process: &ServiceProcess) -> Option<Vec<String>> {
    let (status, body) = process.get("/actuator/health").await?;
    let page: Value = serde_json::from_str(&body).expect("the health page is JSON");
    let components = page["components"].as_object().expect("the health page has components");
    let down = components.iter().filter(|(_, component)| component["status"] == "DOWN");
    let down: Vec<_> = down.map(|(name, _)| name.clone()).collect();
    assert_eq!(status, if down.is_empty() { 200 } else { 503 }, "{body}");
    Some(down)
}
