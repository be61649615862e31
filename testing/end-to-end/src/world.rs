//! The four programs on real servers.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use checker::{Addresses, Answer, Books, Report, Said, check};
use harness::faults::HttpProxy;
use harness::process::ServiceProcess;
use harness::servers::shared;
use harness::{ensure_built, unique, wait};

/// How long sagas may take to come to their end once nothing stands in their way.
const SETTLE_LIMIT: Duration = Duration::from_secs(90);

/// One of the four programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// service-order
    Order,
    /// service-inventory
    Inventory,
    /// service-payment
    Payment,
    /// orchestrator-temporal
    Orchestrator,
}

impl Service {
    /// All four.
    pub const ALL: [Self; 4] = [Self::Order, Self::Inventory, Self::Payment, Self::Orchestrator];

    /// The program's name.
    #[must_use]
    pub fn program(self) -> &'static str {
        match self {
            Self::Order => "service-order",
            Self::Inventory => "service-inventory",
            Self::Payment => "service-payment",
            Self::Orchestrator => "orchestrator-temporal",
        }
    }
}

/// Where the servers are that the programs use: the shared ones, unless a test puts others, or proxies, in between.
#[derive(Debug, Clone)]
pub struct ServerAddresses {
    /// `host:port` of MySQL as the services see it.
    pub mysql: String,
    /// Port of Redis on 127.0.0.1.
    pub redis_port: u16,
    /// `host:port` of Temporal.
    pub temporal: String,
    /// `mysql://…` as the checker sees it.
    pub books: String,
}

/// What a [`World`] is made of.
#[derive(Debug, Default)]
pub struct WorldBuilder {
    env: BTreeMap<(Service, String), String>,
    servers: Option<ServerAddresses>,
    clocks: BTreeMap<Service, i64>,
}

impl WorldBuilder {
    /// Sets an environment variable of one program.
    #[must_use]
    pub fn env(mut self, service: Service, name: &str, value: impl ToString) -> Self {
        self.env.insert((service, name.to_owned()), value.to_string());
        self
    }

    /// Uses these servers in place of the shared ones.
    #[must_use]
    pub fn servers(mut self, servers: ServerAddresses) -> Self {
        self.servers = Some(servers);
        self
    }

    /// Shifts one program's wall clock by so many seconds.
    #[must_use]
    pub fn clock(mut self, service: Service, seconds: i64) -> Self {
        self.clocks.insert(service, seconds);
        self
    }

    /// Starts everything and waits until it is UP.
    pub async fn start(self) -> World {
        let world = self.wire().await;
        for service in Service::ALL {
            world.process(service).start();
        }
        for service in Service::ALL {
            world.process(service).wait_up().await;
        }
        world
    }

    /// Wires everything; no program is started.
    pub async fn wire(self) -> World {
        ensure_built(&Service::ALL.map(Service::program)).await;
        let servers = match self.servers.clone() {
            Some(servers) => servers,
            None => shared_servers().await,
        };
        let addresses = Addresses {
            server: servers.books.clone(),
            orders: unique("orders"),
            inventory: unique("inventory"),
            payments: unique("payments"),
            gateway: unique("gateway"),
        };
        let order = self.service(Service::Order, &servers, &addresses.orders);
        let inventory = self.service(Service::Inventory, &servers, &addresses.inventory);
        let payment = self
            .service(Service::Payment, &servers, &addresses.payments)
            .with_env("GATEWAY_DATASOURCE_URL", datasource(&servers, &addresses.gateway))
            .with_env("GATEWAY_DATASOURCE_USERNAME", "root")
            .with_env("GATEWAY_DATASOURCE_PASSWORD", "root1234");
        let to_order = HttpProxy::start(&order.url()).await;
        let to_inventory = HttpProxy::start(&inventory.url()).await;
        let to_payment = HttpProxy::start(&payment.url()).await;
        let task_queue = unique("saga");
        let orchestrator = self
            .process(Service::Orchestrator)
            .with_env("TEMPORAL_SERVICE_URL", &servers.temporal)
            .with_env("TEMPORAL_TASK_QUEUE", &task_queue)
            .with_env("SERVICES_ORDER_URL", to_order.url())
            .with_env("SERVICES_INVENTORY_URL", to_inventory.url())
            .with_env("SERVICES_PAYMENT_URL", to_payment.url());
        let processes = BTreeMap::from([
            (Service::Order, order),
            (Service::Inventory, inventory),
            (Service::Payment, payment),
            (Service::Orchestrator, orchestrator),
        ]);
        // The test's own settings win.
        for ((service, name), value) in &self.env {
            processes[service].set_env(name, value);
        }
        World {
            processes,
            to_order,
            to_inventory,
            to_payment,
            task_queue,
            addresses,
            servers,
            answers: Mutex::default(),
        }
    }

    fn process(&self, service: Service) -> ServiceProcess {
        let process = ServiceProcess::new(service.program());
        match self.clocks.get(&service) {
            Some(seconds) => process.with_clock_shift(*seconds),
            None => process,
        }
    }

    fn service(&self, service: Service, servers: &ServerAddresses, database: &str) -> ServiceProcess {
        self.process(service)
            .with_env("SPRING_DATASOURCE_URL", datasource(servers, database))
            .with_env("SPRING_DATASOURCE_USERNAME", "root")
            .with_env("SPRING_DATASOURCE_PASSWORD", "root1234")
            .with_env("SPRING_DATA_REDIS_HOST", "127.0.0.1")
            .with_env("SPRING_DATA_REDIS_PORT", servers.redis_port)
    }
}

/// The four programs, wired to each other, and the books that they keep.
pub struct World {
    processes: BTreeMap<Service, ServiceProcess>,
    /// The fault proxy between the orchestrator and service-order.
    pub to_order: HttpProxy,
    /// The fault proxy between the orchestrator and service-inventory.
    pub to_inventory: HttpProxy,
    /// The fault proxy between the orchestrator and service-payment.
    pub to_payment: HttpProxy,
    /// Temporal's task queue of this world, and the end of all its idempotency keys.
    pub task_queue: String,
    /// The databases of this world.
    pub addresses: Addresses,
    /// The servers of this world.
    pub servers: ServerAddresses,
    answers: Mutex<Vec<Answer>>,
}

impl World {
    /// Everything up, with the default settings.
    pub async fn start() -> Self {
        Self::builder().start().await
    }

    /// For other settings.
    #[must_use]
    pub fn builder() -> WorldBuilder {
        WorldBuilder::default()
    }

    /// One of the four programs.
    #[must_use]
    pub fn process(&self, service: Service) -> &ServiceProcess {
        &self.processes[&service]
    }

    /// The orders API's address.
    #[must_use]
    pub fn api(&self) -> String {
        self.process(Service::Orchestrator).url()
    }

    /// Another orchestrator of the same task queue, not started.
    #[must_use]
    pub fn another_orchestrator(&self) -> ServiceProcess {
        ServiceProcess::new(Service::Orchestrator.program())
            .with_env("TEMPORAL_SERVICE_URL", &self.servers.temporal)
            .with_env("TEMPORAL_TASK_QUEUE", &self.task_queue)
            .with_env("SERVICES_ORDER_URL", self.to_order.url())
            .with_env("SERVICES_INVENTORY_URL", self.to_inventory.url())
            .with_env("SERVICES_PAYMENT_URL", self.to_payment.url())
    }

    /// The idempotency key that a test calls `name`: worlds share Temporal, so each has keys of its own.
    #[must_use]
    pub fn key(&self, name: &str) -> String {
        format!("{name}-{}", self.task_queue)
    }

    /// The saga, and workflow, of that key.
    #[must_use]
    pub fn saga(&self, name: &str) -> String {
        format!("order-{}", self.key(name))
    }

    /// Keeps what a client was told, if it promises something.
    pub(crate) fn remember(&self, key: &str, said: Option<Said>) {
        let answer = said.map(|said| Answer { saga: self.saga(key), said });
        self.answers.lock().expect("no test thread has panicked with it").extend(answer);
    }

    /// The orchestrator's metric `orders_stuck`; empty if it tells none.
    pub async fn counted_as_stuck(&self) -> String {
        let page = self.process(Service::Orchestrator).get("/actuator/prometheus").await;
        let page = page.map(|(_, body)| body).unwrap_or_default();
        let line = page.lines().find(|line| line.starts_with("orders_stuck ")).unwrap_or_default();
        line.trim_start_matches("orders_stuck ").to_owned()
    }

    /// What the checker says of the books as they are now.
    pub async fn report(&self) -> Report {
        let books = Books::read(&self.addresses).await.expect("the books can be read");
        let answers = self.answers.lock().expect("no test thread has panicked with it").clone();
        check(&books, &answers)
    }

    /// Waits until every saga has come to its end, and fails unless all books agree with each other and with every
    /// answer that a client got.
    pub async fn settled(&self) -> Report {
        wait::until("every saga to come to its end", SETTLE_LIMIT, async || self.report().await.unfinished.is_empty())
            .await;
        let report = self.report().await;
        assert!(report.is_settled(), "{report}");
        report
    }

    /// A product as service-inventory shows it: pieces here, and pieces reserved.
    pub async fn stock(&self, product: i64) -> (i64, i64) {
        let url = format!("{}/api/inventory/products/{product}", self.process(Service::Inventory).url());
        let reply = self.get(&url).await;
        let number = |field: &str| reply.json[field].as_i64().unwrap_or(-1);
        (number("quantity"), number("reserved"))
    }
}

fn datasource(servers: &ServerAddresses, database: &str) -> String {
    format!("jdbc:mysql://{}/{database}?useSSL=false&allowPublicKeyRetrieval=true", servers.mysql)
}

async fn shared_servers() -> ServerAddresses {
    let (database, redis, temporal) = (shared::database().await, shared::redis().await, shared::temporal().await);
    ServerAddresses {
        mysql: database.address(),
        redis_port: redis.port(),
        temporal: temporal.address(),
        books: database.url(),
    }
}
