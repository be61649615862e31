//! The listener, which closes in such a way that no client sees its connection reset.

use std::future::pending;
use std::net::SocketAddr;
use std::time::Duration;

use axum::serve::Listener;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use crate::lifecycle::Lifecycle;

/// Handshakes that have begun are over within this.
const LAST_HANDSHAKES: Duration = Duration::from_millis(50);

/// Takes connections until the process stops accepting. Connections that the kernel has queued by then are taken, too:
/// closing the socket would reset them.
pub(super) struct Door {
    /// With what tells [`Door::new`]'s caller, when it is dropped, that the door is closed.
    open: Option<(TcpListener, oneshot::Sender<()>)>,
    lifecycle: Lifecycle,
    closing: bool,
}

impl Door {
    /// The door, and what resolves once it is closed.
    pub(super) fn new(listener: TcpListener, lifecycle: Lifecycle) -> (Self, impl Future<Output = ()>) {
        let (open, closed) = oneshot::channel();
        let door = Self { open: Some((listener, open)), lifecycle, closing: false };
        (door, async move { drop(closed.await) })
    }
}

impl Listener for Door {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            let Some((listener, _)) = &mut self.open else { return pending().await };
            tokio::select! {
                biased;
                connection = Listener::accept(listener) => {
                    // Answers are small: waiting to fill a packet would only delay them.
                    let _ = connection.0.set_nodelay(true);
                    return connection;
                }
                () = self.lifecycle.stopped_accepting(), if !self.closing => {
                    self.closing = true;
                    turn_away(listener);
                }
                () = tokio::time::sleep(LAST_HANDSHAKES), if self.closing => self.open = None,
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        match &self.open {
            Some((listener, _)) => listener.local_addr(),
            None => Err(std::io::ErrorKind::NotConnected.into()),
        }
    }
}

/// Lets the kernel drop the first packet of new connections (clients send it again after a second, and are refused),
/// so that the queue runs dry. Where that cannot be had, a connection may be reset in the moment of closing.
#[cfg(target_os = "linux")]
fn turn_away(listener: &TcpListener) {
    const LOAD_FLAGS: socket2::SockFilter = socket2::SockFilter::new(0x30, 0, 0, 13);
    const SKIP_ONE_UNLESS_SYN: socket2::SockFilter = socket2::SockFilter::new(0x45, 0, 1, 0x02);
    const DROP: socket2::SockFilter = socket2::SockFilter::new(0x06, 0, 0, 0);
    const KEEP: socket2::SockFilter = socket2::SockFilter::new(0x06, 0, 0, u32::MAX);
    let filter = [LOAD_FLAGS, SKIP_ONE_UNLESS_SYN, DROP, KEEP];
    if let Err(error) = socket2::SockRef::from(listener).attach_filter(&filter) {
        tracing::debug!(%error, "new connections cannot be turned away before the listener closes");
    }
}

#[cfg(not(target_os = "linux"))]
fn turn_away(_: &TcpListener) {}
