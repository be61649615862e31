//! The product's services as real processes that tests kill, pause and restart.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use rustix::process::Signal;

use crate::daemon::Daemon;
use crate::launch::Launch;
use crate::{build, free_port, http, tools};

/// The maximum time from the start of a process until it answers.
const START_LIMIT: Duration = Duration::from_secs(120);
/// The maximum time from SIGTERM to the end of a process. The product allows itself 40 s.
const STOP_LIMIT: Duration = Duration::from_secs(45);

/// A process of one of the product's services, on its own port. Dropping this value kills the process.
///
/// ```no_run
/// # async fn example() {
/// use harness::process::ServiceProcess;
///
/// harness::ensure_built(&["service-order"]).await;
/// let orders = ServiceProcess::new("service-order").with_env("SPRING_DATASOURCE_URL", "mysql://…");
/// orders.start();
/// orders.wait_ready().await;
/// orders.kill().await;
/// orders.restart().await;
/// assert_eq!(orders.terminate().await, 0);
/// # }
/// ```
pub struct ServiceProcess {
    daemon: Daemon,
    program: PathBuf,
    port: u16,
    env: Mutex<BTreeMap<String, String>>,
    clock_shift: Option<i64>,
}

impl ServiceProcess {
    /// Prepares a process of the binary `name` without starting it. See [`ensure_built`](crate::ensure_built).
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self::of_program(&build::binary(name))
    }

    /// Like [`new`](Self::new), but takes the path of the binary.
    #[must_use]
    pub fn of_program(program: &Path) -> Self {
        let name = program.file_name().and_then(|name| name.to_str()).expect("a program has a name");
        let port = free_port();
        let env = BTreeMap::from([("SERVER_PORT".to_owned(), port.to_string())]);
        Self {
            daemon: Daemon::new(name),
            program: program.to_path_buf(),
            port,
            env: Mutex::new(env),
            clock_shift: None,
        }
    }

    /// Sets an environment variable. From the test's environment the process inherits only PATH, HOME and a few others,
    /// so the machine's settings cannot affect a test.
    #[must_use]
    pub fn with_env(self, name: &str, value: impl ToString) -> Self {
        self.set_env(name, value);
        self
    }

    /// Sets an environment variable for the next start.
    pub fn set_env(&self, name: &str, value: impl ToString) {
        self.env().insert(name.to_owned(), value.to_string());
    }

    /// Shifts the wall clock of the process by this many seconds. Its monotonic clock stays correct.
    #[must_use]
    pub fn with_clock_shift(mut self, seconds: i64) -> Self {
        self.clock_shift = Some(seconds);
        self
    }

    /// Starts the process without waiting.
    pub fn start(&self) {
        let launch = match self.clock_shift {
            None => Launch::new(self.program.clone()),
            // `env` sets the variables for the program only, so the clock of its supervisor stays correct.
            Some(seconds) => Launch::new(tools::find_program("env"))
                .arg(format!("LD_PRELOAD={}", tools::faketime_library().display()))
                .arg(format!("FAKETIME={seconds:+}s"))
                .arg("FAKETIME_DONT_FAKE_MONOTONIC=1")
                .arg(&self.program),
        };
        self.daemon.start(&Launch { env: self.env().clone(), ..launch });
    }

    /// Ends the process with SIGTERM if it is running, then starts it on the same port with the same environment.
    pub async fn restart(&self) {
        if self.is_running() {
            self.terminate().await;
        }
        self.start();
    }

    /// `http://127.0.0.1:<port>`
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The port that the process serves.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The process id since the last start.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.daemon.pid()
    }

    /// Whether the process was started and has not ended.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.daemon.is_running()
    }

    /// Waits until `GET /actuator/health/readiness` returns 200. Panics with the last lines of the log if the process
    /// ends.
    pub async fn wait_ready(&self) {
        self.wait_ok("/actuator/health/readiness", START_LIMIT).await;
    }

    /// Waits until `GET /actuator/health` returns 200, so every component is UP. Panics like `wait_ready`.
    pub async fn wait_up(&self) {
        self.wait_ok("/actuator/health", START_LIMIT).await;
    }

    /// Waits until a GET of `path` returns 200. Panics like `wait_ready`.
    pub async fn wait_ok(&self, path: &str, limit: Duration) {
        let what = format!("200 from {}{path}", self.url());
        self.daemon
            .ready_when(limit, &what, async || self.get(path).await.is_some_and(|(status, _)| status == 200))
            .await;
    }

    /// Sends a GET on a new connection. Returns the status and the body, or `None` if 5 s pass without an answer.
    pub async fn get(&self, path: &str) -> Option<(u16, String)> {
        http::get(&format!("{}{path}", self.url()), Duration::from_secs(5)).await
    }

    /// Sends SIGTERM, waits for the end and returns the exit code. It is 0 after a graceful shutdown.
    pub async fn terminate(&self) -> i32 {
        self.daemon.signal(Signal::TERM);
        self.wait_exit(STOP_LIMIT).await
    }

    /// Sends SIGTERM without waiting. See [`wait_exit`](Self::wait_exit).
    pub fn begin_terminate(&self) {
        self.daemon.signal(Signal::TERM);
    }

    /// Sends SIGKILL and waits until the process has ended.
    pub async fn kill(&self) {
        self.daemon.signal(Signal::KILL);
        self.wait_exit(Duration::from_secs(5)).await;
    }

    /// Waits until the process ends and returns its exit code, which is 128 + n if signal n ended it.
    pub async fn wait_exit(&self, limit: Duration) -> i32 {
        self.daemon.exit_code(limit).await
    }

    /// Sends SIGSTOP and waits until the process has stopped: its connections stay open, but it does not answer.
    pub async fn pause(&self) {
        self.daemon.pause().await;
    }

    /// Sends SIGCONT, so the process continues.
    pub fn resume(&self) {
        self.daemon.signal(Signal::CONT);
    }

    /// The whole output of the process, including earlier starts.
    #[must_use]
    pub fn log(&self) -> String {
        self.daemon.log()
    }

    /// The file of [`log`](Self::log). If the test fails, a copy stays in `target/…/test-logs`.
    #[must_use]
    pub fn log_path(&self) -> PathBuf {
        self.daemon.log_path()
    }

    fn env(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, String>> {
        self.env.lock().expect("nothing panics while it holds the environment")
    }
}
