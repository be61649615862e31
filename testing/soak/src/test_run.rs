//! A running soak test: the system under test, its customers, and the faults.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use checker::{Ledgers, check};
use end_to_end::{Load, PrivateServers, TestSystem, add_products};
use tokio::sync::watch;

/// A running soak test.
pub(crate) struct TestRun {
    pub(crate) system: TestSystem,
    pub(crate) servers: PrivateServers,
    pub(crate) load: Load,
    faults_over: watch::Sender<bool>,
    fault_counts: Mutex<BTreeMap<String, u32>>,
    /// The current fault of each group of targets.
    current_faults: Mutex<BTreeMap<&'static str, String>>,
}

impl TestRun {
    pub(crate) async fn start() -> Self {
        let servers = PrivateServers::start().await;
        let system = TestSystem::builder().servers(servers.addresses()).start().await;
        add_products(&system).await;
        Self {
            system,
            servers,
            load: Load::new(),
            faults_over: watch::Sender::new(false),
            fault_counts: Mutex::default(),
            current_faults: Mutex::default(),
        }
    }

    /// Ends all faults. No new fault begins.
    pub(crate) fn end_faults(&self) {
        self.faults_over.send_replace(true);
    }

    pub(crate) fn faults_are_over(&self) -> bool {
        *self.faults_over.borrow()
    }

    /// Sleeps for this time, or until all faults end.
    pub(crate) async fn sleep(&self, time: Duration) {
        let mut over = self.faults_over.subscribe();
        // Either result ends the sleep.
        let _ = tokio::time::timeout(time, over.wait_for(|over| *over)).await;
    }

    /// Counts a new fault of this kind, and shows its target in the progress.
    pub(crate) fn fault_begins(&self, group: &'static str, kind: &str, target: &str) {
        *self.fault_counts.lock().expect("no panic").entry(kind.to_owned()).or_default() += 1;
        self.current_faults.lock().expect("no panic").insert(group, format!("{target}: {kind}"));
    }

    pub(crate) fn fault_ends(&self, group: &'static str) {
        self.current_faults.lock().expect("no panic").remove(group);
    }

    /// The number of faults of each kind.
    pub(crate) fn fault_counts(&self) -> BTreeMap<String, u32> {
        self.fault_counts.lock().expect("no panic").clone()
    }

    /// One line about the progress.
    pub(crate) async fn progress(&self) -> String {
        for proxy in [&self.system.to_order, &self.system.to_inventory, &self.system.to_payment] {
            proxy.forget_calls();
        }
        let outcomes = self.load.outcomes();
        let outcomes: Vec<_> = outcomes.iter().map(|(outcome, count)| format!("{count} {outcome}")).collect();
        let unfinished = self.unfinished().await.map_or("?".to_owned(), |count| count.to_string());
        let faults: u32 = self.fault_counts().values().sum();
        let current: Vec<_> = self.current_faults.lock().expect("no panic").values().cloned().collect();
        format!(
            "{} orders ended ({}), {} pending, {unfinished} sagas unfinished; {faults} faults, current: {}",
            self.load.finished(),
            outcomes.join(", "),
            self.load.open(),
            if current.is_empty() { "none".to_owned() } else { current.join(", ") },
        )
    }

    /// The number of unfinished sagas, or `None` if the ledgers cannot be read now.
    async fn unfinished(&self) -> Option<usize> {
        let ledgers = tokio::time::timeout(Duration::from_secs(2), Ledgers::read(&self.system.databases)).await;
        Some(check(&ledgers.ok()?.ok()?, &[]).unfinished.len())
    }
}
