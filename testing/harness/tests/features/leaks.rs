//! Nothing is left behind, whatever happens to the test process.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use harness::servers::Redis;
use harness::wait;

const LIMIT: Duration = Duration::from_secs(20);

/// A zombie has ended; it only waits for its parent to notice.
fn is_alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}

fn scratch_of(process: u32) -> PathBuf {
    std::env::temp_dir().join(format!("order-saga-{process}"))
}

#[tokio::test]
async fn servers_and_files_are_gone_when_the_test_process_was_killed() {
    let mut user = Command::new(crate::client::echo_binary())
        .arg("servers")
        .stdout(Stdio::piped())
        .spawn()
        .expect("the stand-in can be run");
    let mut line = String::new();
    let output = user.stdout.take().expect("its output is piped");
    BufReader::new(output).read_line(&mut line).expect("it prints the servers' process ids");
    let pids: Vec<u32> = serde_json::from_str(&line).expect("it prints a list of numbers");
    assert!(pids.len() == 3 && pids.iter().all(|&pid| is_alive(pid)), "{line}");
    let scratch = scratch_of(user.id());
    assert!(scratch.is_dir());

    user.kill().expect("SIGKILL can be sent");

    wait::until("the servers to be gone", LIMIT, async || !pids.iter().any(|&pid| is_alive(pid))).await;
    wait::until("their files to be gone", LIMIT, async || !scratch.exists()).await;
    user.wait().expect("it is our child");
}

#[tokio::test]
async fn a_dropped_server_is_gone_at_once_with_its_files_also_when_it_is_paused() {
    let redis = Redis::start().await;
    let pid = redis.pid();
    let folder = std::fs::read_link(format!("/proc/{pid}/cwd")).expect("Redis runs in its folder");
    assert!(folder.starts_with(scratch_of(std::process::id())));
    redis.pause().await;
    drop(redis);
    assert!(!is_alive(pid));
    assert!(!Path::new(&folder).exists());
}
