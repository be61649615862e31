//! Starting one child process in such a way that it dies with the test process, even by SIGKILL.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

/// A shell runs the child and waits for it. Beside it, a reader of standard input sees the pipe close when the
/// test process is gone (by whatever death), and kills the child. Parent-death signals would not do: they fire
/// when the *thread* ends that started the child. At the end it removes what libfaketime leaves of a process
/// that was killed.
const SUPERVISOR: &str = r#"exec 3<&0 </dev/null
"$@" 3<&- >&2 &
child=$!
(read -r _ <&3; kill -KILL $child) &
watcher=$!
echo $child
wait $child
status=$?
kill $watcher
[ -e /dev/shm/faketime_shm_$child ] && rm -f /dev/shm/faketime_shm_$child /dev/shm/sem.faketime_sem_$child
exit $status"#;

/// Variables of the test process that a child may see; all others would make tests depend on the machine.
const INHERITED: [&str; 7] =
    ["PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "LLVM_PROFILE_FILE", "RUST_BACKTRACE", "RUST_LOG"];

/// What to run, and how.
#[derive(Clone, Default)]
pub(crate) struct Launch {
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<OsString>,
    pub(crate) env: BTreeMap<String, String>,
}

impl Launch {
    pub(crate) fn new(program: PathBuf) -> Self {
        Self { program, ..Self::default() }
    }

    pub(crate) fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    pub(crate) fn args<'a>(self, arguments: impl IntoIterator<Item = &'a str>) -> Self {
        arguments.into_iter().fold(self, Self::arg)
    }
}

/// A running (or ended) child process, killed on drop.
pub(crate) struct Launched {
    supervisor: Child,
    pid: Pid,
    exit_code: Option<i32>,
}

impl Launched {
    /// Starts the child; what it prints is appended to the file `log`.
    pub(crate) fn start(launch: &Launch, log: &Path) -> Self {
        let log = File::options().append(true).create(true).open(log).expect("the log file can be written");
        let inherited = INHERITED.iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
        let mut supervisor = Command::new("/bin/sh")
            .args(["-c", SUPERVISOR, "harness-supervisor"])
            .arg(&launch.program)
            .args(&launch.arguments)
            .env_clear()
            .envs(inherited)
            .envs(&launch.env)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .process_group(0)
            .spawn()
            .expect("/bin/sh can be run");
        let mut line = String::new();
        let output = supervisor.stdout.take().expect("the supervisor's output is piped");
        BufReader::new(output).read_line(&mut line).expect("the supervisor prints the child's pid");
        let pid = line.trim().parse().ok().and_then(Pid::from_raw).expect("the supervisor prints the child's pid");
        Self { supervisor, pid, exit_code: None }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// Sends the signal to the child itself (not to its supervisor), unless it has ended.
    pub(crate) fn signal(&mut self, signal: Signal) {
        if self.exit_code().is_none() {
            // It may have ended just now: then there is nothing to signal.
            let _ = kill_process(self.pid, signal);
        }
    }

    /// The exit code once the child has ended; 128 + n when signal n ended it, as shells count.
    pub(crate) fn exit_code(&mut self) -> Option<i32> {
        if self.exit_code.is_none() {
            let status = self.supervisor.try_wait().expect("the supervisor is our child");
            self.exit_code = status.map(|status| status.code().unwrap_or(-1));
        }
        self.exit_code
    }

    /// True while SIGSTOP holds every thread of the child.
    pub(crate) fn is_stopped(&self) -> bool {
        let state = std::fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap_or_default();
        state.rsplit(") ").next().is_some_and(|rest| rest.starts_with('T'))
    }
}

impl Drop for Launched {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        drop(self.supervisor.stdin.take());
        let _ = self.supervisor.wait();
    }
}
