//! Reserves free ports for the lifetime of the test process, even while the server on a port is down.

use std::fs::{self, File};
use std::net::TcpListener;
use std::sync::Mutex;

use crate::tools::cache_dir;

/// The first port. The range is below the ports that Linux uses for outgoing connections and above the product's ports.
const FIRST: u32 = 22_000;
const COUNT: u32 = 10_000;

/// Reserves a port of 127.0.0.1 on which no program listens. No other test process takes this port while this one runs,
/// so a server can restart on the same port.
#[must_use]
pub fn free_port() -> u16 {
    static CLAIMED: Mutex<Vec<File>> = Mutex::new(Vec::new());
    let mut claimed = CLAIMED.lock().expect("no test panics while it reserves a port");
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
    panic!("all ports from {FIRST} to {} are in use", FIRST + COUNT - 1);
}
