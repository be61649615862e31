//! Starts one child process that ends with the test process, even if SIGKILL ends the test process.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

/// The shell script that runs the child and waits for it. A second process reads standard input, a pipe from the test
/// process. When that process ends for any reason, the pipe closes, and the reader kills the child. A parent-death
/// signal does not work here, because it fires when the *thread* that started the child ends. Finally the script
/// removes the shared memory that libfaketime leaves when its process is killed.
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

/// The environment variables that a child inherits. Any other variable would make tests depend on the machine.
const INHERITED: [&str; 7] =
    ["PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "LLVM_PROFILE_FILE", "RUST_BACKTRACE", "RUST_LOG"];

/// A program with its arguments and environment.
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

/// A child process, running or ended. Dropping it kills the process.
pub(crate) struct Launched {
    supervisor: Child,
    pid: Pid,
    exit_code: Option<i32>,
}

impl Launched {
    /// Starts the child. Its output is appended to the file `log`.
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

    /// Sends the signal to the child (not to its supervisor) if the child is running.
    pub(crate) fn signal(&mut self, signal: Signal) {
        if self.exit_code().is_none() {
            // An error means that the child has just ended.
            let _ = kill_process(self.pid, signal);
        }
    }

    /// The exit code if the child has ended. It is 128 + n if signal n ended the child, as in a shell.
    pub(crate) fn exit_code(&mut self) -> Option<i32> {
        if self.exit_code.is_none() {
            let status = self.supervisor.try_wait().expect("the supervisor is our child");
            self.exit_code = status.map(|status| status.code().unwrap_or(-1));
        }
        self.exit_code
    }

    /// Whether SIGSTOP has stopped every thread of the child.
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
