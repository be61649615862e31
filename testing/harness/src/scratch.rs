//! Temporary folders of one test process. They are removed when the process ends, for whatever reason.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

/// The shell script that removes the folder. Its standard input closes when the test process ends. It retries for 30 s,
/// because the servers end at the same moment and may still write.
const KEEPER: &str = r#"read -r _
tries=0
until rm -rf "$1" 2>/dev/null || [ $tries -ge 300 ]; do tries=$((tries + 1)); sleep 0.1; done"#;

/// A folder that is removed on drop, or at the latest when the test process ends.
pub(crate) struct ScratchDir(PathBuf);

impl ScratchDir {
    /// Makes a new, empty folder. `purpose` is a part of its name.
    pub(crate) fn new(purpose: &str) -> Self {
        let path = root().join(crate::unique(purpose));
        fs::create_dir_all(&path).expect("the folder for temporary files can be written");
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for ScratchDir {
    fn drop(&mut self) {
        // If this fails, the script `KEEPER` removes the rest.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn root() -> &'static Path {
    static ROOT: OnceLock<(PathBuf, Child)> = OnceLock::new();
    let (path, _keeper) = ROOT.get_or_init(|| {
        let path = std::env::temp_dir().join(format!("order-saga-{}", std::process::id()));
        // A test process that ran before a reboot may have had the same process id.
        let _ = fs::remove_dir_all(&path);
        let keeper = Command::new("sh")
            .args(["-c", KEEPER, "harness-keeper"])
            .arg(&path)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("sh can be run");
        fs::create_dir_all(&path).expect("the folder for temporary files can be written");
        (path, keeper)
    });
    path
}
