//! Tests that no process or file outlives the test process.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use harness::servers::Redis;
use harness::wait;

const LIMIT: Duration = Duration::from_secs(20);

/// Whether the process is running. A zombie has already ended.
fn is_alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}

fn scratch_of(process: u32) -> PathBuf {
    std::env::temp_dir().join(format!("order-saga-{process}"))
}

#[tokio::test]
async fn servers_and_files_are_removed_after_the_test_process_is_killed() {
    let mut user = Command::new(crate::client::echo_binary())
        .arg("servers")
        .stdout(Stdio::piped())
        .spawn()
        .expect("the test service can be run");
    let mut line = String::new();
    let output = user.stdout.take().expect("its output is piped");
    BufReader::new(output).read_line(&mut line).expect("it prints the servers' process ids");
    let pids: Vec<u32> = serde_json::from_str(&line).expect("it prints a list of numbers");
    assert!(pids.len() == 3 && pids.iter().all(|&pid| is_alive(pid)), "{line}");
    let scratch = scratch_of(user.id());
    assert!(scratch.is_dir());

    user.kill().expect("SIGKILL can be sent");

    wait::until("the servers to end", LIMIT, async || !pids.iter().any(|&pid| is_alive(pid))).await;
    wait::until("their files to be removed", LIMIT, async || !scratch.exists()).await;
    user.wait().expect("it is our child");
}

#[tokio::test]
async fn dropping_a_server_ends_it_and_removes_its_files_even_while_it_is_paused() {
    let redis = Redis::start().await;
    let pid = redis.pid();
    let folder = std::fs::read_link(format!("/proc/{pid}/cwd")).expect("Redis runs in its folder");
    assert!(folder.starts_with(scratch_of(std::process::id())));
    redis.pause().await;
    drop(redis);
    assert!(!is_alive(pid));
    assert!(!Path::new(&folder).exists());
}
