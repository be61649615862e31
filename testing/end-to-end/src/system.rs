//! The four programs on real servers.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use checker::{Addresses, Answer, Ledgers, Promise, Report, check};
use harness::faults::HttpProxy;
use harness::process::ServiceProcess;
use harness::servers::shared;
use harness::{ensure_built, unique, wait};

/// The time limit for all sagas to finish after the last fault has ended.
const FINISH_LIMIT: Duration = Duration::from_secs(90);

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
    /// All four programs.
    pub const ALL: [Self; 4] = [Self::Order, Self::Inventory, Self::Payment, Self::Orchestrator];

    /// The name of the program.
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

/// The addresses of the servers that the programs use. By default, these are the shared servers. A test can use its own
/// servers, or proxies in front of them.
#[derive(Debug, Clone)]
pub struct ServerAddresses {
    /// The address of MySQL for the services, as `host:port`.
    pub mysql: String,
    /// The port of Redis on 127.0.0.1.
    pub redis_port: u16,
    /// The address of Temporal, as `host:port`.
    pub temporal: String,
    /// The address of MySQL for the checker, as `mysql://…`.
    pub ledgers_url: String,
}

/// The settings of a [`TestSystem`].
#[derive(Debug, Default)]
pub struct TestSystemBuilder {
    env: BTreeMap<(Service, String), String>,
    servers: Option<ServerAddresses>,
    clock_shifts: BTreeMap<Service, i64>,
}

impl TestSystemBuilder {
    /// Sets an environment variable of one program.
    #[must_use]
    pub fn env(mut self, service: Service, name: &str, value: impl ToString) -> Self {
        self.env.insert((service, name.to_owned()), value.to_string());
        self
    }

    /// Uses these servers instead of the shared ones.
    #[must_use]
    pub fn servers(mut self, servers: ServerAddresses) -> Self {
        self.servers = Some(servers);
        self
    }

    /// Shifts the wall clock of one program by this number of seconds.
    #[must_use]
    pub fn clock_shift(mut self, service: Service, seconds: i64) -> Self {
        self.clock_shifts.insert(service, seconds);
        self
    }

    /// Starts the four programs and waits until they are UP.
    pub async fn start(self) -> TestSystem {
        let system = self.build().await;
        for service in Service::ALL {
            system.process(service).start();
        }
        for service in Service::ALL {
            system.process(service).wait_up().await;
        }
        system
    }

    /// Creates the test system without starting the four programs.
    pub async fn build(self) -> TestSystem {
        ensure_built(&Service::ALL.map(Service::program)).await;
        let servers = match self.servers.clone() {
            Some(servers) => servers,
            None => shared_servers().await,
        };
        let databases = Addresses {
            server: servers.ledgers_url.clone(),
            orders: unique("orders"),
            inventory: unique("inventory"),
            payments: unique("payments"),
            gateway: unique("gateway"),
        };
        let order = self.service(Service::Order, &servers, &databases.orders);
        let inventory = self.service(Service::Inventory, &servers, &databases.inventory);
        let payment = self
            .service(Service::Payment, &servers, &databases.payments)
            .with_env("GATEWAY_DATASOURCE_URL", datasource(&servers, &databases.gateway))
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
        // The settings of the test come last, because they replace the defaults.
        for ((service, name), value) in &self.env {
            processes[service].set_env(name, value);
        }
        TestSystem {
            processes,
            to_order,
            to_inventory,
            to_payment,
            task_queue,
            databases,
            servers,
            answers: Mutex::default(),
        }
    }

    fn process(&self, service: Service) -> ServiceProcess {
        let process = ServiceProcess::new(service.program());
        match self.clock_shifts.get(&service) {
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

/// The four programs, connected to each other, and their databases.
pub struct TestSystem {
    processes: BTreeMap<Service, ServiceProcess>,
    /// The fault proxy between the orchestrator and service-order.
    pub to_order: HttpProxy,
    /// The fault proxy between the orchestrator and service-inventory.
    pub to_inventory: HttpProxy,
    /// The fault proxy between the orchestrator and service-payment.
    pub to_payment: HttpProxy,
    /// The Temporal task queue of this system. All its idempotency keys end with this name.
    pub task_queue: String,
    /// The databases of this system.
    pub databases: Addresses,
    /// The servers of this system.
    pub servers: ServerAddresses,
    answers: Mutex<Vec<Answer>>,
}

impl TestSystem {
    /// Starts a system with the default settings and waits until it is UP.
    pub async fn start() -> Self {
        Self::builder().start().await
    }

    /// A builder for a system with different settings.
    #[must_use]
    pub fn builder() -> TestSystemBuilder {
        TestSystemBuilder::default()
    }

    /// One of the four programs.
    #[must_use]
    pub fn process(&self, service: Service) -> &ServiceProcess {
        &self.processes[&service]
    }

    /// The base URL of the orders API.
    #[must_use]
    pub fn api(&self) -> String {
        self.process(Service::Orchestrator).url()
    }

    /// A second orchestrator on the same task queue. It is not started.
    #[must_use]
    pub fn another_orchestrator(&self) -> ServiceProcess {
        ServiceProcess::new(Service::Orchestrator.program())
            .with_env("TEMPORAL_SERVICE_URL", &self.servers.temporal)
            .with_env("TEMPORAL_TASK_QUEUE", &self.task_queue)
            .with_env("SERVICES_ORDER_URL", self.to_order.url())
            .with_env("SERVICES_INVENTORY_URL", self.to_inventory.url())
            .with_env("SERVICES_PAYMENT_URL", self.to_payment.url())
    }

    /// The idempotency key that a test calls `name`. Test systems share Temporal, so it also contains the task queue.
    #[must_use]
    pub fn key(&self, name: &str) -> String {
        format!("{name}-{}", self.task_queue)
    }

    /// The saga id of the key that a test calls `name`.
    #[must_use]
    pub fn saga(&self, name: &str) -> String {
        format!("order-{}", self.key(name))
    }

    /// Keeps an answer for the checker if it contains a promise.
    pub(crate) fn record_answer(&self, key: &str, promise: Option<Promise>) {
        let answer = promise.map(|promise| Answer { saga: self.saga(key), promise });
        self.answers.lock().expect("nothing panics while it holds the answers").extend(answer);
    }

    /// The value of the orchestrator's metric `orders_stuck`. It is empty if the metric is missing.
    pub async fn stuck_metric(&self) -> String {
        let page = self.process(Service::Orchestrator).get("/actuator/prometheus").await;
        let page = page.map(|(_, body)| body).unwrap_or_default();
        let line = page.lines().find(|line| line.starts_with("orders_stuck ")).unwrap_or_default();
        line.trim_start_matches("orders_stuck ").to_owned()
    }

    /// The checker's report about the current ledgers.
    pub async fn report(&self) -> Report {
        let ledgers = Ledgers::read(&self.databases).await.expect("the ledgers can be read");
        let answers = self.answers.lock().expect("nothing panics while it holds the answers").clone();
        check(&ledgers, &answers)
    }

    /// Waits until every saga has finished.
    ///
    /// # Panics
    /// Panics if the ledgers disagree with each other or with an answer that a client received.
    pub async fn wait_until_finished(&self) -> Report {
        wait::until("every saga to finish", FINISH_LIMIT, async || self.report().await.unfinished.is_empty()).await;
        let report = self.report().await;
        assert!(report.is_finished(), "{report}");
        report
    }

    /// The quantity and the reserved quantity of a product, as service-inventory shows them.
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
        ledgers_url: database.url(),
    }
}
