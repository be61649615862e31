//! Folders for the data of one test process, removed when it ends, however it ends.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

/// Waits for the end of its standard input, which is the end of the test process, then removes the folder. It
/// tries again for a while, because the servers die at the same moment and may still be writing.
const KEEPER: &str = r#"read -r _
tries=0
until rm -rf "$1" 2>/dev/null || [ $tries -ge 300 ]; do tries=$((tries + 1)); sleep 0.1; done"#;

/// A folder that is removed on drop, and else with the test process.
pub(crate) struct ScratchDir(PathBuf);

impl ScratchDir {
    /// A new, empty folder; `purpose` only makes its name readable.
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
        // What stays behind is removed by the keeper.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn root() -> &'static Path {
    static ROOT: OnceLock<(PathBuf, Child)> = OnceLock::new();
    let (path, _keeper) = ROOT.get_or_init(|| {
        let path = std::env::temp_dir().join(format!("order-saga-{}", std::process::id()));
        // A test process with our number may have lived before a reboot.
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
