//! Free ports that stay ours for the life of the test process, also while a server on them is down.

use std::fs::{self, File};
use std::net::TcpListener;
use std::sync::Mutex;

use crate::tools::cache_dir;

/// Below the range from which Linux takes ports for outgoing connections, above the product's own.
const FIRST: u32 = 22_000;
const COUNT: u32 = 10_000;

/// A port of 127.0.0.1 on which nothing listens, and which no other test process will choose while this one
/// lives: so a server can be stopped and started again on the same port.
#[must_use]
pub fn free_port() -> u16 {
    static CLAIMED: Mutex<Vec<File>> = Mutex::new(Vec::new());
    let mut claimed = CLAIMED.lock().expect("no test panics while it claims a port");
    let claims = cache_dir().join("ports");
    fs::create_dir_all(&claims).expect("the cache folder can be written");

    let start = std::process::id().wrapping_mul(7919);
    for step in 0..COUNT {
        let port = (FIRST + start.wrapping_add(step) % COUNT) as u16;
        let Ok(claim) = File::create(claims.join(port.to_string())) else { continue };
        if claim.try_lock().is_ok() && TcpListener::bind(("127.0.0.1", port)).is_ok() {
            claimed.push(claim);
            return port;
        }
    }
    panic!("all ports from {FIRST} to {} are taken", FIRST + COUNT - 1);
}
