//! A child process that is started, killed and started again: what servers and services have in common.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use rustix::process::Signal;

use crate::launch::{Launch, Launched};
use crate::scratch::ScratchDir;
use crate::{build, wait};

/// A process and its log, which goes on over restarts.
pub(crate) struct Daemon {
    name: String,
    process: Mutex<Option<Launched>>,
    /// Holds the log and what else the process needs; after `process`, so that it is removed when that is dead.
    dir: ScratchDir,
}

impl Daemon {
    pub(crate) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), process: Mutex::new(None), dir: ScratchDir::new(name) }
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Starts the process; it must not be running.
    pub(crate) fn start(&self, launch: &Launch) {
        let mut process = self.lock();
        let running = process.as_mut().is_some_and(|process| process.exit_code().is_none());
        assert!(!running, "{} is running already", self.name);
        *process = Some(Launched::start(launch, &self.log_path()));
    }

    pub(crate) fn is_running(&self) -> bool {
        self.lock().as_mut().is_some_and(|process| process.exit_code().is_none())
    }

    pub(crate) fn pid(&self) -> u32 {
        self.lock().as_ref().map(Launched::pid).expect("the process was started")
    }

    pub(crate) fn signal(&self, signal: Signal) {
        self.lock().as_mut().expect("the process was started").signal(signal);
    }

    /// Sends SIGSTOP, and waits until it holds.
    pub(crate) async fn pause(&self) {
        self.signal(Signal::STOP);
        let what = format!("{} to stand still", self.name);
        wait::until(&what, Duration::from_secs(5), async || self.lock().as_ref().is_some_and(Launched::is_stopped))
            .await;
    }

    /// Waits for the end of the process, and returns its exit code.
    pub(crate) async fn exit_code(&self, limit: Duration) -> i32 {
        let ended = async {
            loop {
                let code = self.lock().as_mut().expect("the process was started").exit_code();
                match code {
                    Some(code) => return code,
                    None => tokio::time::sleep(Duration::from_millis(5)).await,
                }
            }
        };
        match tokio::time::timeout(limit, ended).await {
            Ok(code) => code,
            Err(_) => panic!("{} did not end within {limit:?}\n{}", self.name, self.log_tail()),
        }
    }

    /// Waits until `check` answers true; panics with the end of the log when that takes longer than `limit`, or
    /// when the process ends meanwhile.
    pub(crate) async fn ready_when(&self, limit: Duration, what: &str, check: impl AsyncFn() -> bool) {
        let ready = async {
            while !check().await {
                assert!(self.is_running(), "{} ended while awaited: {what}\n{}", self.name, self.log_tail());
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        if tokio::time::timeout(limit, ready).await.is_err() {
            panic!("{}: not within {limit:?}: {what}\n{}", self.name, self.log_tail());
        }
    }

    pub(crate) fn log_path(&self) -> PathBuf {
        self.dir().join("log.txt")
    }

    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.log_path()).unwrap_or_default()).into_owned()
    }

    /// The last lines of the log, for a panic message; enough for a backtrace and what stands before it.
    fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        let tail = &lines[lines.len().saturating_sub(100)..];
        format!("the end of its log:\n{}", tail.join("\n"))
    }

    /// Poison means that another test panicked in here; the process itself is still what it was.
    fn lock(&self) -> MutexGuard<'_, Option<Launched>> {
        self.process.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Drop for Daemon {
    /// Keeps the log of a failed test where it can be read afterwards, and says where.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let kept = build::profile_dir().join("test-logs");
        let file = kept.join(self.dir().with_extension("log").file_name().unwrap_or_default());
        let copied = fs::create_dir_all(&kept).and_then(|()| fs::copy(self.log_path(), &file));
        if copied.is_ok() {
            eprintln!("log of {}: {}", self.name, file.display());
        }
    }
}
