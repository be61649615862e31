//! Finds the programs that tests run, and the cache folder of the project.

use std::env;
use std::path::{Path, PathBuf};

/// `${XDG_CACHE_HOME:-~/.cache}/order-saga`, which all checkouts of the user share.
pub(crate) fn cache_dir() -> PathBuf {
    let caches = env::var_os("XDG_CACHE_HOME")
        .filter(|path| !path.is_empty())
        .map(PathBuf::from)
        .or_else(|| Some(env::home_dir()?.join(".cache")))
        .expect("neither XDG_CACHE_HOME nor HOME is set");
    caches.join("order-saga")
}

/// Finds the program `name` on PATH, in /usr/sbin, or in the folder of `./dev tools`, in this order.
pub(crate) fn find_program(name: &str) -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin"), cache_dir().join("tools/bin")])
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
        .unwrap_or_else(|| panic!("{name} is not installed: run ./dev tools"))
}

/// Finds libfaketime, which shifts the clock of a process. It comes from Debian's package or from `./dev tools`.
pub(crate) fn faketime_library() -> PathBuf {
    let debian = format!("/usr/lib/{}-linux-gnu/faketime", env::consts::ARCH);
    [Path::new(&debian), &cache_dir().join("tools/lib")]
        .map(|folder| folder.join("libfaketimeMT.so.1"))
        .into_iter()
        .find(|library| library.is_file())
        .expect("libfaketime is not installed: run ./dev tools")
}
