//! A listener that closes without resetting a client's connection.

use std::future::pending;
use std::net::SocketAddr;
use std::time::Duration;

use axum::serve::Listener;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use crate::lifecycle::Lifecycle;

/// TCP handshakes that have begun are finished within this time.
const LAST_HANDSHAKES: Duration = Duration::from_millis(50);

/// Accepts connections until the process stops accepting. It also accepts the connections that the kernel has queued by
/// then, because closing the socket would reset them.
pub(super) struct DrainingListener {
    /// Dropping the sender tells the caller of [`DrainingListener::new`] that the listener is closed.
    open: Option<(TcpListener, oneshot::Sender<()>)>,
    lifecycle: Lifecycle,
    closing: bool,
}

impl DrainingListener {
    /// The listener, and a future that resolves when it is closed.
    pub(super) fn new(listener: TcpListener, lifecycle: Lifecycle) -> (Self, impl Future<Output = ()>) {
        let (open, closed) = oneshot::channel();
        let listener = Self { open: Some((listener, open)), lifecycle, closing: false };
        (listener, async move { drop(closed.await) })
    }
}

impl Listener for DrainingListener {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            let Some((listener, _)) = &mut self.open else { return pending().await };
            tokio::select! {
                biased;
                connection = Listener::accept(listener) => {
                    // Answers are small, and Nagle's algorithm would only delay them.
                    let _ = connection.0.set_nodelay(true);
                    return connection;
                }
                () = self.lifecycle.stopped_accepting(), if !self.closing => {
                    self.closing = true;
                    drop_new_connections(listener);
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

/// Makes the kernel drop the first packet of new connections, so that the queue becomes empty. The clients repeat the
/// packet after a second and are then refused. Without this filter, closing the socket may reset a connection.
#[cfg(target_os = "linux")]
fn drop_new_connections(listener: &TcpListener) {
    const LOAD_FLAGS: socket2::SockFilter = socket2::SockFilter::new(0x30, 0, 0, 13);
    const SKIP_ONE_UNLESS_SYN: socket2::SockFilter = socket2::SockFilter::new(0x45, 0, 1, 0x02);
    const DROP: socket2::SockFilter = socket2::SockFilter::new(0x06, 0, 0, 0);
    const KEEP: socket2::SockFilter = socket2::SockFilter::new(0x06, 0, 0, u32::MAX);
    let filter = [LOAD_FLAGS, SKIP_ONE_UNLESS_SYN, DROP, KEEP];
    if let Err(error) = socket2::SockRef::from(listener).attach_filter(&filter) {
        tracing::debug!(%error, "the kernel cannot drop new connections before the listener closes");
    }
}

#[cfg(not(target_os = "linux"))]
fn drop_new_connections(_: &TcpListener) {}
