//! Builds the product's binaries once per test process, and finds them.

use std::collections::BTreeSet;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

/// Builds the binaries of these packages once per test process, with the running test's target folder and profile.
/// Does nothing if `HARNESS_BIN_DIR` names a folder with finished binaries.
pub async fn ensure_built(packages: &[&str]) {
    if env::var_os("HARNESS_BIN_DIR").is_some() {
        return;
    }
    let packages = packages.iter().map(|&package| package.to_owned()).collect();
    tokio::task::spawn_blocking(move || build_missing(packages)).await.expect("the build does not panic");
}

fn build_missing(mut packages: BTreeSet<String>) {
    static BUILT: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let mut built = BUILT.lock().expect("an earlier build failed");
    packages.retain(|package| !built.contains(package));
    if packages.is_empty() {
        return;
    }
    let profile = profile_dir();
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("this crate is in testing/");
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .args(["build", "--quiet", "--bins"])
        .args(packages.iter().flat_map(|package| ["--package", package]))
        .current_dir(workspace)
        .env("CARGO_TARGET_DIR", profile.parent().expect("the profile's folder is in the target folder"))
        .env("SQLX_OFFLINE", "true");
    match profile.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => {}
        Some(name) => {
            cargo.args(["--profile", name]);
        }
    }
    let output = cargo.output().expect("cargo can be run");
    assert!(output.status.success(), "{cargo:?} failed:\n{}", String::from_utf8_lossy(&output.stderr));
    built.append(&mut packages);
}

/// The path of the binary `name` in `HARNESS_BIN_DIR`, or by default in the profile's folder.
pub(crate) fn binary(name: &str) -> PathBuf {
    let folder = env::var_os("HARNESS_BIN_DIR").map_or_else(profile_dir, PathBuf::from);
    let binary = folder.join(name);
    assert!(binary.is_file(), "{} is not built: call ensure_built(&[\"{name}\"]) first", binary.display());
    binary
}

/// The folder that the running test was built into, such as `target/debug`.
pub(crate) fn profile_dir() -> PathBuf {
    let test = env::current_exe().expect("a running program has a path");
    let folder = test.parent().expect("a program is in a folder");
    match folder.file_name().and_then(|name| name.to_str()) {
        Some("deps" | "examples") => folder.parent().expect("deps is in the profile's folder").to_path_buf(),
        _ => folder.to_path_buf(),
    }
}
