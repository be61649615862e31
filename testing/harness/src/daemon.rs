//! A child process that tests start, kill and restart. Servers and services both use it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use rustix::process::Signal;

use crate::launch::{Launch, Launched};
use crate::scratch::ScratchDir;
use crate::{build, wait};

/// A process and its log. Restarts append to the same log.
pub(crate) struct Daemon {
    name: String,
    process: Mutex<Option<Launched>>,
    /// The folder of the log and of other files. Fields are dropped in order, so the process dies before its folder is
    /// removed.
    dir: ScratchDir,
}

impl Daemon {
    pub(crate) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), process: Mutex::new(None), dir: ScratchDir::new(name) }
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Starts the process. It must not be running.
    pub(crate) fn start(&self, launch: &Launch) {
        let mut process = self.lock();
        let running = process.as_mut().is_some_and(|process| process.exit_code().is_none());
        assert!(!running, "{} is already running", self.name);
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

    /// Sends SIGSTOP and waits until every thread has stopped.
    pub(crate) async fn pause(&self) {
        self.signal(Signal::STOP);
        let what = format!("{} to be stopped by SIGSTOP", self.name);
        wait::until(&what, Duration::from_secs(5), async || self.lock().as_ref().is_some_and(Launched::is_stopped))
            .await;
    }

    /// Waits until the process ends, and returns its exit code.
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

    /// Waits until `check` returns true. Panics with the last lines of the log after `limit`, or if the process ends.
    pub(crate) async fn ready_when(&self, limit: Duration, what: &str, check: impl AsyncFn() -> bool) {
        let ready = async {
            while !check().await {
                assert!(self.is_running(), "{} ended while the test waited for {what}\n{}", self.name, self.log_tail());
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        if tokio::time::timeout(limit, ready).await.is_err() {
            panic!("{}: waited {limit:?} for {what}\n{}", self.name, self.log_tail());
        }
    }

    pub(crate) fn log_path(&self) -> PathBuf {
        self.dir().join("log.txt")
    }

    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.log_path()).unwrap_or_default()).into_owned()
    }

    /// The last lines of the log, for a panic message. They include a whole backtrace and the lines before it.
    fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        let tail = &lines[lines.len().saturating_sub(100)..];
        format!("the last lines of its log:\n{}", tail.join("\n"))
    }

    /// Ignores a poisoned lock, because a panic in another test does not affect the process.
    fn lock(&self) -> MutexGuard<'_, Option<Launched>> {
        self.process.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Drop for Daemon {
    /// Copies the log if the test failed, and prints the path of the copy.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let kept = build::profile_dir().join("test-logs");
        let file = kept.join(self.dir().with_extension("log").file_name().unwrap_or_default());
        let copied = fs::create_dir_all(&kept).and_then(|()| fs::copy(self.log_path(), &file));
        if copied.is_ok() {
            eprintln!("the log of {} is in {}", self.name, file.display());
        }
    }
}
