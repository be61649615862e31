//! The product on servers of its own, its customers, and the record of what was done to them.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use checker::{Books, check};
use end_to_end::{Load, Site, World, stock_up};
use tokio::sync::watch;

/// All that faults are made in.
pub(crate) struct Scene {
    pub(crate) world: World,
    pub(crate) site: Site,
    pub(crate) load: Load,
    over: watch::Sender<bool>,
    made: Mutex<BTreeMap<String, u32>>,
    /// By lane, what is broken just now.
    now: Mutex<BTreeMap<&'static str, String>>,
}

impl Scene {
    pub(crate) async fn set() -> Self {
        let site = Site::start().await;
        let world = World::builder().servers(site.addresses()).start().await;
        stock_up(&world).await;
        Self {
            world,
            site,
            load: Load::new(),
            over: watch::Sender::new(false),
            made: Mutex::default(),
            now: Mutex::default(),
        }
    }

    /// No fault is made any more; those that are there are lifted.
    pub(crate) fn end_faults(&self) {
        self.over.send_replace(true);
    }

    pub(crate) fn is_over(&self) -> bool {
        *self.over.borrow()
    }

    /// Lets time pass, until the faults are over at the latest.
    pub(crate) async fn pass(&self, time: Duration) {
        let mut over = self.over.subscribe();
        // Either way the time is over.
        let _ = tokio::time::timeout(time, over.wait_for(|over| *over)).await;
    }

    /// A fault begins: `kind` is counted, `what` shown.
    pub(crate) fn begin(&self, lane: &'static str, kind: &str, what: &str) {
        *self.made.lock().expect("no panic").entry(kind.to_owned()).or_default() += 1;
        self.now.lock().expect("no panic").insert(lane, format!("{what}: {kind}"));
    }

    /// The lane's fault is lifted.
    pub(crate) fn lifted(&self, lane: &'static str) {
        self.now.lock().expect("no panic").remove(lane);
    }

    pub(crate) fn faults(&self) -> BTreeMap<String, u32> {
        self.made.lock().expect("no panic").clone()
    }

    /// One line.
    pub(crate) async fn progress(&self) -> String {
        for proxy in [&self.world.to_order, &self.world.to_inventory, &self.world.to_payment] {
            proxy.forget_calls();
        }
        let ends = self.load.ends();
        let ends: Vec<_> = ends.iter().map(|(end, count)| format!("{count} {end}")).collect();
        let unfinished = self.unfinished().await.map_or("?".to_owned(), |count| count.to_string());
        let faults: u32 = self.faults().values().sum();
        let now: Vec<_> = self.now.lock().expect("no panic").values().cloned().collect();
        format!(
            "{} orders ended ({}), {} waited for, {unfinished} sagas open; {faults} faults, now: {}",
            self.load.ended(),
            ends.join(", "),
            self.load.open(),
            if now.is_empty() { "none".to_owned() } else { now.join(", ") },
        )
    }

    /// Sagas that have not come to their end; `None` if the books cannot be read just now.
    async fn unfinished(&self) -> Option<usize> {
        let books = tokio::time::timeout(Duration::from_secs(2), Books::read(&self.world.addresses)).await;
        Some(check(&books.ok()?.ok()?, &[]).unfinished.len())
    }
}
