//! A TCP proxy that delays, stalls or resets connections to the database, Redis or Temporal.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

/// How a [`TcpProxy`] treats its connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Forwards all bytes immediately.
    Pass,
    /// Forwards all bytes after this delay, in each direction.
    Delay(Duration),
    /// Resets all connections, including new ones.
    Refuse,
    /// Accepts connections, but delivers no bytes in either direction until the mode changes.
    Hang,
}

/// Forwards connections from its own port to a target. Dropping it stops the proxy.
pub struct TcpProxy {
    port: u16,
    state: Arc<State>,
    accepting: JoinHandle<()>,
}

struct State {
    target: Mutex<String>,
    mode: watch::Sender<Mode>,
    /// The number of calls to `cut`.
    cuts: watch::Sender<u32>,
    /// The number of open connections.
    open: watch::Sender<usize>,
}

impl TcpProxy {
    /// Starts a proxy in front of `target`, such as `127.0.0.1:3306`, in the mode [`Mode::Pass`].
    pub async fn start(target: impl Into<String>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("127.0.0.1 has a free port");
        let port = listener.local_addr().expect("a listener has an address").port();
        let state = Arc::new(State {
            target: Mutex::new(target.into()),
            mode: watch::Sender::new(Mode::Pass),
            cuts: watch::Sender::new(0),
            open: watch::Sender::new(0),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&state)));
        Self { port, state, accepting }
    }

    /// The port on 127.0.0.1 to connect to.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `127.0.0.1:<port>`
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Sends new connections to another target.
    pub fn set_target(&self, target: impl Into<String>) {
        *self.state.target.lock().expect("nothing panics while it holds the target") = target.into();
    }

    /// Changes the mode for all open and new connections.
    pub fn set_mode(&self, mode: Mode) {
        self.state.mode.send_replace(mode);
    }

    /// Resets all open connections. New connections work.
    pub fn cut(&self) {
        self.state.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// The number of connections that are open now.
    #[must_use]
    pub fn open_connections(&self) -> usize {
        *self.state.open.borrow()
    }
}

impl Drop for TcpProxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Accepts connections until the proxy is dropped, which also ends the connections.
async fn accept(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((client, _)) = accepted {
                connections.spawn(serve(client, Arc::clone(&state)));
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Serves one connection until both sides have closed it. After an error or a reset, both sides are reset.
async fn serve(mut client: TcpStream, state: Arc<State>) {
    state.open.send_modify(|open| *open += 1);
    let mode = state.mode.subscribe();
    let broken = broken(state.mode.subscribe(), state.cuts.subscribe());
    tokio::pin!(broken);

    let target = tokio::select! {
        target = connect(&client, &state, mode.clone()) => target.ok(),
        () = &mut broken => None,
    };
    let Some(mut target) = target else {
        reset(client);
        state.open.send_modify(|open| *open -= 1);
        return;
    };
    let carried = {
        let (from_client, to_client) = client.split();
        let (from_target, to_target) = target.split();
        let both = async {
            tokio::try_join!(carry(from_client, to_target, mode.clone()), carry(from_target, to_client, mode))
        };
        tokio::select! {
            carried = both => carried.is_ok(),
            () = &mut broken => false,
        }
    };
    if !carried {
        reset(client);
        reset(target);
    }
    state.open.send_modify(|open| *open -= 1);
}

/// Closes the connection with a reset.
fn reset(connection: TcpStream) {
    // An error means that the connection is already closed.
    let _ = connection.set_zero_linger();
}

/// Waits until a test asks for a reset.
async fn broken(mut mode: watch::Receiver<Mode>, mut cuts: watch::Receiver<u32>) {
    tokio::select! {
        _ = mode.wait_for(|mode| *mode == Mode::Refuse) => {}
        _ = cuts.changed() => {}
    }
}

async fn connect(client: &TcpStream, state: &State, mut mode: watch::Receiver<Mode>) -> io::Result<TcpStream> {
    let began = Instant::now();
    until_deliverable(&mut mode, began).await;
    let address = state.target.lock().expect("nothing panics while it holds the target").clone();
    let connection = TcpStream::connect(address).await?;
    client.set_nodelay(true)?;
    connection.set_nodelay(true)?;
    Ok(connection)
}

/// Copies one direction until its end. It continues to read while earlier bytes wait, so a delay applies once to the
/// whole stream and not to each chunk.
async fn carry(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, mut mode: watch::Receiver<Mode>) -> io::Result<()> {
    let (queue, mut queued) = mpsc::channel(64);
    let read = async move {
        let mut buffer = vec![0; 16 * 1024];
        loop {
            let count = from.read(&mut buffer).await?;
            let chunk = (Instant::now(), buffer[..count].to_vec());
            if queue.send(chunk).await.is_err() || count == 0 {
                return io::Result::Ok(());
            }
        }
    };
    let write = async move {
        while let Some((read_at, bytes)) = queued.recv().await {
            until_deliverable(&mut mode, read_at).await;
            // An empty chunk means the end of the stream.
            match bytes.is_empty() {
                true => to.shutdown().await?,
                false => to.write_all(&bytes).await?,
            }
        }
        Ok(())
    };
    tokio::try_join!(read, write).map(|_| ())
}

/// Waits until bytes that were read at `read_at` may be delivered.
async fn until_deliverable(mode: &mut watch::Receiver<Mode>, read_at: Instant) {
    loop {
        let due = match *mode.borrow_and_update() {
            Mode::Pass => return,
            Mode::Delay(delay) => Some(read_at + delay),
            Mode::Refuse | Mode::Hang => None,
        };
        tokio::select! {
            // This cannot fail: the sender lives longer than the connection.
            _ = mode.changed() => {}
            () = tokio::time::sleep_until(due.unwrap_or(read_at)), if due.is_some() => return,
        }
    }
}
