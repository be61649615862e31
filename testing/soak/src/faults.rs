//! Random faults, in three lanes side by side: of processes, of servers and the way to them, of single calls.

use std::time::Duration;

use end_to_end::{Dependency, Service};
use harness::faults::{Action, HttpProxy, Rule};
use harness::proxy::Mode;
use rand::RngExt;
use rand::rngs::StdRng;

use crate::scene::Scene;

/// Until a process that was started can be told to end in order.
const START_LIMIT: Duration = Duration::from_secs(60);

/// Kills, stops and pauses the four programs.
pub(crate) async fn of_processes(scene: &Scene, mut rng: StdRng) {
    const LANE: &str = "processes";
    loop {
        scene.pass(millis(&mut rng, 3000, 15_000)).await;
        if scene.is_over() {
            break;
        }
        let service = *pick(&mut rng, &Service::ALL);
        let process = scene.world.process(service);
        assert!(process.is_running(), "{service:?} ended by itself");
        match rng.random_range(0..3) {
            0 => {
                scene.begin(LANE, "process killed", service.program());
                process.kill().await;
                scene.pass(millis(&mut rng, 0, 6000)).await;
                process.start();
            }
            1 => {
                process.wait_ok("/actuator/health/liveness", START_LIMIT).await;
                scene.begin(LANE, "process terminated", service.program());
                assert_eq!(process.terminate().await, 0, "{service:?} ends in order");
                scene.pass(millis(&mut rng, 0, 3000)).await;
                process.start();
            }
            _ => {
                scene.begin(LANE, "process paused", service.program());
                process.pause().await;
                scene.pass(millis(&mut rng, 500, 15_000)).await;
                process.resume();
            }
        }
        scene.lifted(LANE);
    }
}

/// Stops, kills and pauses MySQL, Redis and Temporal, and breaks the network before them.
pub(crate) async fn of_servers(scene: &Scene, mut rng: StdRng) {
    const LANE: &str = "servers";
    const KINDS: [&str; 9] =
        ["stopped", "killed", "paused", "cut off", "refused", "reset", "delayed", "flushed", "lost connections"];
    loop {
        scene.pass(millis(&mut rng, 4000, 20_000)).await;
        if scene.is_over() {
            break;
        }
        let kind = *pick(&mut rng, &KINDS);
        let dependency = if kind == "flushed" { Dependency::Redis } else { *pick(&mut rng, &Dependency::ALL) };
        let time = millis(&mut rng, 500, 12_000);
        let server = scene.site.server(dependency);
        scene.begin(LANE, &format!("server {kind}"), &format!("{dependency:?}"));
        match kind {
            "stopped" | "killed" => {
                match kind {
                    "stopped" => server.stop().await,
                    _ => server.kill().await,
                }
                scene.pass(time).await;
                server.start_again().await;
            }
            "paused" => {
                server.pause().await;
                scene.pass(time).await;
                server.resume();
            }
            "reset" => scene.site.cut(dependency),
            "flushed" => scene.site.flush_redis().await,
            "lost connections" => scene.site.lose_connections(dependency).await,
            _ => {
                let delay = millis(&mut rng, 20, 400);
                let mode = match kind {
                    "cut off" => Mode::Hang,
                    "refused" => Mode::Refuse,
                    _ => Mode::Delay(delay),
                };
                scene.site.set_network(dependency, mode);
                scene.pass(time).await;
                scene.site.set_network(dependency, Mode::Pass);
            }
        }
        scene.lifted(LANE);
    }
}

/// Breaks calls between the orchestrator and a service.
pub(crate) async fn of_calls(scene: &Scene, mut rng: StdRng) {
    const LANE: &str = "calls";
    loop {
        scene.pass(millis(&mut rng, 1000, 6000)).await;
        if scene.is_over() {
            break;
        }
        let (name, proxy) = *pick(&mut rng, &proxies(scene));
        let (kind, action) = action(&mut rng);
        let step =
            *pick(&mut rng, &["/steps/", "/steps/", "steps/(cancel|release|settle)", "steps/confirm", "steps/pay"]);
        let count = rng.random_range(1..20);
        scene.begin(LANE, &format!("call {kind}"), name);
        proxy.add(Rule::on("POST", step).first(count).then(action));
        scene.pass(millis(&mut rng, 500, 8000)).await;
        proxy.clear_rules();
        scene.lifted(LANE);
    }
}

fn proxies(scene: &Scene) -> [(&'static str, &HttpProxy); 3] {
    let world = &scene.world;
    [("to order", &world.to_order), ("to inventory", &world.to_inventory), ("to payment", &world.to_payment)]
}

fn action(rng: &mut StdRng) -> (&'static str, Action) {
    let delay = millis(rng, 100, 15_000);
    match rng.random_range(0..11) {
        0 => ("refused", Action::Refuse),
        1 => ("answer lost", Action::LoseReply),
        2 => ("made twice", Action::Twice),
        3 => ("made twice at once", Action::TwiceAtOnce),
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
