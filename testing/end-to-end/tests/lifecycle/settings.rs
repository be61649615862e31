//! Wrong settings: the process ends immediately and prints one line that names the variable and the error. The command
//! `health` of each program is tested here, too.

use std::path::PathBuf;
use std::process::{Command, Output};

use end_to_end::{Service, TestSystem};
use harness::process::ServiceProcess;
use harness::{ensure_built, free_port};

/// A password that no message may show.
const SECRET: &str = "hunter2";
/// The programs, the variables to set, the variable whose name begins the message, and a part of the message.
type Case = (&'static [Service], &'static [(&'static str, &'static str)], &'static str, &'static str);

const WITH_DATABASE: &[Service] = &[Service::Order, Service::Inventory, Service::Payment];
const PAYMENT: &[Service] = &[Service::Payment];
const ORCHESTRATOR: &[Service] = &[Service::Orchestrator];

const CASES: &[Case] = &[
    (&Service::ALL, &[("SERVER_PORT", "80a")], "SERVER_PORT", "80a"),
    (&Service::ALL, &[("SERVER_PORT", "70000")], "SERVER_PORT", "70000"),
    (&Service::ALL, &[("SERVER_PORT", "-1")], "SERVER_PORT", "-1"),
    (&Service::ALL, &[("SPRING_DATA_REDIS_HOST", "r"), ("SPRING_DATA_REDIS_PORT", "x")], "SPRING_DATA_REDIS_PORT", "x"),
    (&Service::ALL, &[("SPRING_DATA_REDIS_HOST", "r"), ("SPRING_DATA_REDIS_PORT", "0")], "SPRING_DATA_REDIS_PORT", "0"),
    (
        &Service::ALL,
        &[("SPRING_DATA_REDIS_PASSWORD", SECRET), ("SPRING_DATA_REDIS_PASSWORD_FILE", "/nowhere")],
        "SPRING_DATA_REDIS_PASSWORD",
        "SPRING_DATA_REDIS_PASSWORD_FILE",
    ),
    (
        &Service::ALL,
        &[("SPRING_DATA_REDIS_PASSWORD_FILE", "/nowhere/secret")],
        "SPRING_DATA_REDIS_PASSWORD_FILE",
        "/nowhere/secret",
    ),
    (WITH_DATABASE, &[("SPRING_DATASOURCE_URL", "orders")], "SPRING_DATASOURCE_URL", "jdbc:mysql://host:3306/database"),
    (
        WITH_DATABASE,
        &[("SPRING_DATASOURCE_URL", "jdbc:postgresql://root:hunter2@db/orders")],
        "SPRING_DATASOURCE_URL",
        "postgresql",
    ),
    (
        WITH_DATABASE,
        &[("SPRING_DATASOURCE_URL", "mysql://root:hunter2@db:99999/orders")],
        "SPRING_DATASOURCE_URL",
        "port",
    ),
    (WITH_DATABASE, &[("SPRING_DATASOURCE_URL", "mysql://root:hunter2@db")], "SPRING_DATASOURCE_URL", "database name"),
    (WITH_DATABASE, &[("SPRING_DATASOURCE_URL", "jdbc:mysql://db/a;b")], "SPRING_DATASOURCE_URL", "A-Za-z0-9_-"),
    (WITH_DATABASE, &[("SPRING_DATASOURCE_URL", "mysql://db/a?sslMode=OFF")], "SPRING_DATASOURCE_URL", "sslMode"),
    (
        WITH_DATABASE,
        &[("SPRING_DATASOURCE_PASSWORD", SECRET), ("SPRING_DATASOURCE_PASSWORD_FILE", "/nowhere")],
        "SPRING_DATASOURCE_PASSWORD",
        "SPRING_DATASOURCE_PASSWORD_FILE",
    ),
    (
        WITH_DATABASE,
        &[("SPRING_DATASOURCE_PASSWORD_FILE", "/nowhere/secret")],
        "SPRING_DATASOURCE_PASSWORD_FILE",
        "/nowhere/secret",
    ),
    (WITH_DATABASE, &[("SPRING_DATASOURCE_PASSWORD_FILE", "/tmp")], "SPRING_DATASOURCE_PASSWORD_FILE", "/tmp"),
    (WITH_DATABASE, &[("DATABASE_CONNECTIONS", "0")], "DATABASE_CONNECTIONS", "from 1 to 1000"),
    (WITH_DATABASE, &[("DATABASE_CONNECTIONS", "1001")], "DATABASE_CONNECTIONS", "from 1 to 1000"),
    (WITH_DATABASE, &[("DATABASE_CONNECTIONS", "many")], "DATABASE_CONNECTIONS", "many"),
    (PAYMENT, &[("GATEWAY_DATASOURCE_URL", "ledger")], "GATEWAY_DATASOURCE_URL", "jdbc:mysql://host:3306/database"),
    (
        PAYMENT,
        &[
            ("GATEWAY_DATASOURCE_URL", "mysql://db/gateway"),
            ("GATEWAY_DATASOURCE_PASSWORD", SECRET),
            ("GATEWAY_DATASOURCE_PASSWORD_FILE", "/nowhere"),
        ],
        "GATEWAY_DATASOURCE_PASSWORD",
        "GATEWAY_DATASOURCE_PASSWORD_FILE",
    ),
    (
        PAYMENT,
        &[("GATEWAY_DATASOURCE_URL", "mysql://db/gateway"), ("GATEWAY_DATASOURCE_PASSWORD_FILE", "/nowhere/secret")],
        "GATEWAY_DATASOURCE_PASSWORD_FILE",
        "/nowhere/secret",
    ),
    (PAYMENT, &[("GATEWAY_DELAY_MS", "-5")], "GATEWAY_DELAY_MS", "-5"),
    (PAYMENT, &[("GATEWAY_TIMEOUT_MS", "0")], "GATEWAY_TIMEOUT_MS", "more than 0"),
    (PAYMENT, &[("GATEWAY_TIMEOUT_MS", "8s")], "GATEWAY_TIMEOUT_MS", "8s"),
    (PAYMENT, &[("GATEWAY_TIMEOUT_MS", "18446744073709551615")], "PAYMENT_LEASE_MS", "or more"),
    (PAYMENT, &[("GATEWAY_PERMITS", "0")], "GATEWAY_PERMITS", "from 1 to"),
    (PAYMENT, &[("GATEWAY_REPLICAS", "0")], "GATEWAY_REPLICAS", "from 1 to"),
    (PAYMENT, &[("PAYMENT_LEASE_MS", "soon")], "PAYMENT_LEASE_MS", "soon"),
    (PAYMENT, &[("PAYMENT_LEASE_MS", "9999")], "PAYMENT_LEASE_MS", "10000"),
    (ORCHESTRATOR, &[("ORCHESTRATOR_ROLE", "boss")], "ORCHESTRATOR_ROLE", "all, api or worker"),
    (ORCHESTRATOR, &[("ORCHESTRATOR_WAIT_MS", "0")], "ORCHESTRATOR_WAIT_MS", "more than 0"),
    (ORCHESTRATOR, &[("ORCHESTRATOR_MAX_ORDERS", "0")], "ORCHESTRATOR_MAX_ORDERS", "from 1 to"),
    (ORCHESTRATOR, &[("SAGA_DEADLINE_MS", "1.5")], "SAGA_DEADLINE_MS", "1.5"),
    (ORCHESTRATOR, &[("TEMPORAL_SERVICE_URL", "temporal")], "TEMPORAL_SERVICE_URL", "host:7233"),
    (ORCHESTRATOR, &[("TEMPORAL_SERVICE_URL", "ftp://u:hunter2@temporal:1")], "TEMPORAL_SERVICE_URL", "host:7233"),
    (ORCHESTRATOR, &[("SERVICES_ORDER_URL", "service-order:21082")], "SERVICES_ORDER_URL", "http://host:port"),
    (ORCHESTRATOR, &[("SERVICES_INVENTORY_URL", "http://")], "SERVICES_INVENTORY_URL", "http://host:port"),
    (ORCHESTRATOR, &[("SERVICES_PAYMENT_URL", "http://u:hunter2@h/api")], "SERVICES_PAYMENT_URL", "http://host:port"),
];

fn binary(service: Service) -> PathBuf {
    let default = || {
        let test = std::env::current_exe().expect("the test program has a path");
        test.ancestors().nth(2).expect("the test program is in target/debug/deps").to_path_buf()
    };
    std::env::var_os("HARNESS_BIN_DIR").map_or_else(default, PathBuf::from).join(service.program())
}

/// Runs the program to its end. After 20 s, it is terminated, and the exit code is 124.
async fn run(service: Service, arguments: &[&str], env: &[(&str, &str)]) -> Output {
    let mut command = Command::new("timeout");
    command.args(["--kill-after=5", "20"]).arg(binary(service)).args(arguments);
    command.env_clear().env("SERVER_PORT", free_port().to_string()).envs(env.iter().copied());
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.env("PATH", path);
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("the task does not panic");
    output.expect("the program can be run")
}

fn assert_one_line(output: &Output, what: &str) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(2), "{what}: {out}{err}");
    assert_eq!((out.as_str(), err.lines().count()), ("", 1), "{what}: {err}");
    assert!(!err.contains(SECRET), "{what}: {err}");
    err
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_setting_ends_the_program_with_one_line_that_names_the_variable_and_the_error() {
    ensure_built(&Service::ALL.map(Service::program)).await;
    let mut ran = 0;
    for (services, env, variable, error) in CASES {
        for service in *services {
            let what = format!("{service:?} {env:?}");
            let line = assert_one_line(&run(*service, &[], env).await, &what);
            assert!(line.starts_with(&format!("{variable}: ")) && line.contains(error), "{what}: {line}");
            ran += 1;
        }
    }
    assert!(ran > 60, "only {ran} cases ran");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_argument_ends_the_program_with_one_line_that_names_it() {
    ensure_built(&Service::ALL.map(Service::program)).await;
    for service in Service::ALL {
        for (arguments, named) in [(&["serve"][..], "serve"), (&["--help"], "--help"), (&["health", "now"], "now")] {
            let line = assert_one_line(&run(service, arguments, &[]).await, &format!("{service:?} {arguments:?}"));
            assert!(line.contains(&format!("{named:?}")), "{line}");
        }
    }
}

/// The exit code of `<program> health` for this process.
async fn health(service: Service, process: &ServiceProcess) -> Option<i32> {
    run(service, &["health"], &[("SERVER_PORT", &process.port().to_string())]).await.status.code()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_health_command_reports_whether_the_process_is_ready() {
    // Temporal and the database of service-payment do not exist.
    let system = TestSystem::builder()
        .env(Service::Orchestrator, "TEMPORAL_SERVICE_URL", format!("127.0.0.1:{}", free_port()))
        .env(Service::Payment, "SPRING_DATASOURCE_URL", format!("mysql://127.0.0.1:{}/x", free_port()))
        .build()
        .await;
    for service in Service::ALL {
        let process = system.process(service);
        assert_eq!(health(service, process).await, Some(1), "the health command of {service:?} before its start");
        process.start();
        process.wait_ok("/actuator/health/liveness", std::time::Duration::from_secs(30)).await;
    }
    for service in [Service::Order, Service::Inventory] {
        system.process(service).wait_ready().await;
        assert_eq!(
            health(service, system.process(service)).await,
            Some(0),
            "the health command of a ready {service:?}"
        );
    }
    for service in [Service::Orchestrator, Service::Payment] {
        assert_eq!(
            health(service, system.process(service)).await,
            Some(1),
            "the health command of {service:?} during its start"
        );
    }
    for service in Service::ALL {
        let wrong = run(service, &["health"], &[("SERVER_PORT", "x")]).await;
        assert!(assert_one_line(&wrong, "health").starts_with("SERVER_PORT: "));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_in_use_ends_the_program_with_one_line_that_names_it() {
    ensure_built(&Service::ALL.map(Service::program)).await;
    let listener = std::net::TcpListener::bind("0.0.0.0:0").expect("the machine has a free port");
    let port = listener.local_addr().expect("a listener has an address").port().to_string();
    for service in Service::ALL {
        let output = run(service, &[], &[("SERVER_PORT", &port)]).await;
        let err = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), err.lines().count()), (Some(1), 1), "{service:?}: {err}");
        assert!(err.contains(&port), "{service:?}: {err}");
    }
}
