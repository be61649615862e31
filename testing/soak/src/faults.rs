//! Random faults in three groups at the same time: faults of processes, of servers and the network, and of calls.

use std::time::Duration;

use end_to_end::{Dependency, Service};
use harness::faults::{Action, HttpProxy, Rule};
use harness::proxy::Mode;
use rand::RngExt;
use rand::rngs::StdRng;

use crate::test_run::TestRun;

/// The time limit from the start of a process until it can shut down gracefully.
const START_LIMIT: Duration = Duration::from_secs(60);

/// Kills, terminates and pauses the four programs.
pub(crate) async fn break_processes(run: &TestRun, mut rng: StdRng) {
    const GROUP: &str = "processes";
    loop {
        run.sleep(millis(&mut rng, 3000, 15_000)).await;
        if run.faults_are_over() {
            break;
        }
        let service = *pick(&mut rng, &Service::ALL);
        let process = run.system.process(service);
        assert!(process.is_running(), "{service:?} ended on its own");
        match rng.random_range(0..3) {
            0 => {
                run.fault_begins(GROUP, "process killed", service.program());
                process.kill().await;
                run.sleep(millis(&mut rng, 0, 6000)).await;
                process.start();
            }
            1 => {
                process.wait_ok("/actuator/health/liveness", START_LIMIT).await;
                run.fault_begins(GROUP, "process terminated", service.program());
                assert_eq!(process.terminate().await, 0, "exit code of {service:?} after SIGTERM");
                run.sleep(millis(&mut rng, 0, 3000)).await;
                process.start();
            }
            _ => {
                run.fault_begins(GROUP, "process paused", service.program());
                process.pause().await;
                run.sleep(millis(&mut rng, 500, 15_000)).await;
                process.resume();
            }
        }
        run.fault_ends(GROUP);
    }
}

/// Stops, kills and pauses MySQL, Redis and Temporal, and breaks the network to them.
pub(crate) async fn break_servers(run: &TestRun, mut rng: StdRng) {
    const GROUP: &str = "servers";
    const KINDS: [&str; 9] =
        ["stopped", "killed", "paused", "cut off", "refused", "reset", "delayed", "flushed", "lost connections"];
    loop {
        run.sleep(millis(&mut rng, 4000, 20_000)).await;
        if run.faults_are_over() {
            break;
        }
        let kind = *pick(&mut rng, &KINDS);
        let dependency = if kind == "flushed" { Dependency::Redis } else { *pick(&mut rng, &Dependency::ALL) };
        let time = millis(&mut rng, 500, 12_000);
        let server = run.servers.server(dependency);
        run.fault_begins(GROUP, &format!("server {kind}"), &format!("{dependency:?}"));
        match kind {
            "stopped" | "killed" => {
                match kind {
                    "stopped" => server.stop().await,
                    _ => server.kill().await,
                }
                run.sleep(time).await;
                server.start_again().await;
            }
            "paused" => {
                server.pause().await;
                run.sleep(time).await;
                server.resume();
            }
            "reset" => run.servers.reset_connections(dependency),
            "flushed" => run.servers.flush_redis().await,
            "lost connections" => run.servers.lose_connections(dependency).await,
            _ => {
                let delay = millis(&mut rng, 20, 400);
                let mode = match kind {
                    "cut off" => Mode::Hang,
                    "refused" => Mode::Refuse,
                    _ => Mode::Delay(delay),
                };
                run.servers.set_network_mode(dependency, mode);
                run.sleep(time).await;
                run.servers.set_network_mode(dependency, Mode::Pass);
            }
        }
        run.fault_ends(GROUP);
    }
}

/// Breaks calls between the orchestrator and a service.
pub(crate) async fn break_calls(run: &TestRun, mut rng: StdRng) {
    const GROUP: &str = "calls";
    loop {
        run.sleep(millis(&mut rng, 1000, 6000)).await;
        if run.faults_are_over() {
            break;
        }
        let (name, proxy) = *pick(&mut rng, &proxies(run));
        let (kind, action) = action(&mut rng);
        let step =
            *pick(&mut rng, &["/steps/", "/steps/", "steps/(cancel|release|void)", "steps/confirm", "steps/pay"]);
        let count = rng.random_range(1..20);
        run.fault_begins(GROUP, &format!("call {kind}"), name);
        proxy.add(Rule::on("POST", step).first(count).then(action));
        run.sleep(millis(&mut rng, 500, 8000)).await;
        proxy.clear_rules();
        run.fault_ends(GROUP);
    }
}

fn proxies(run: &TestRun) -> [(&'static str, &HttpProxy); 3] {
    let system = &run.system;
    [("to order", &system.to_order), ("to inventory", &system.to_inventory), ("to payment", &system.to_payment)]
}

fn action(rng: &mut StdRng) -> (&'static str, Action) {
    let delay = millis(rng, 100, 15_000);
    match rng.random_range(0..11) {
        0 => ("refused", Action::Refuse),
        1 => ("answer lost", Action::LoseReply),
        2 => ("made twice", Action::Twice),
        3 => ("made twice in parallel", Action::TwiceInParallel),
        4 | 5 => ("delayed", Action::DelayRequest(delay)),
        6 => ("answer delayed", Action::DelayReply(delay)),
        7 => ("answered 500", Action::status(500)),
        8 => ("answered by an unknown 4xx", Action::status(418)),
        9 => ("answered with garbage", Action::Garbage),
        _ => ("answer torn", Action::TornReply),
    }
}

fn pick<'a, T>(rng: &mut StdRng, of: &'a [T]) -> &'a T {
    &of[rng.random_range(0..of.len())]
}

fn millis(rng: &mut StdRng, from: u64, to: u64) -> Duration {
    Duration::from_millis(rng.random_range(from..to))
}
