//! A TCP proxy that can hang, refuse, cut and delay: for faults before the database, Redis and Temporal.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

/// What a [`TcpProxy`] does with its connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Forwards everything at once.
    Pass,
    /// Forwards everything so much later, in each direction.
    Delay(Duration),
    /// Resets all connections, also new ones.
    Refuse,
    /// Accepts connections and delivers nothing in either direction, until the mode changes.
    Hang,
}

/// Forwards connections from a port of its own to a target; stops with this value.
pub struct TcpProxy {
    port: u16,
    state: Arc<State>,
    accepting: JoinHandle<()>,
}

struct State {
    target: Mutex<String>,
    mode: watch::Sender<Mode>,
    /// Counts the calls of `cut`.
    cuts: watch::Sender<u32>,
    /// How many connections are open.
    open: watch::Sender<usize>,
}

impl TcpProxy {
    /// Starts a proxy before `target`, such as `127.0.0.1:3306`. It passes until told otherwise.
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

    /// Changes what happens to all connections from now on.
    pub fn set_mode(&self, mode: Mode) {
        self.state.mode.send_replace(mode);
    }

    /// Resets the connections that are open now; new ones are served.
    pub fn cut(&self) {
        self.state.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// How many connections are open now.
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

/// Ends, with all its connections, when the proxy is dropped.
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

/// Serves one connection to its end: an orderly one if both sides close, else a reset of both sides.
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

/// Closes the connection with a reset instead of an orderly end.
fn reset(connection: TcpStream) {
    // An error means that it is closed already.
    let _ = connection.set_zero_linger();
}

/// Waits until the connection must be reset.
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

/// Copies one direction to its end. Reading goes on while earlier bytes are delayed, so that a delay is one for
/// the whole stream and not one per chunk.
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
            // An empty chunk is the end of the stream.
            match bytes.is_empty() {
                true => to.shutdown().await?,
                false => to.write_all(&bytes).await?,
            }
        }
        Ok(())
    };
    tokio::try_join!(read, write).map(|_| ())
}

/// Waits until bytes that were read at that time may be delivered.
async fn until_deliverable(mode: &mut watch::Receiver<Mode>, read_at: Instant) {
    loop {
        let due = match *mode.borrow_and_update() {
            Mode::Pass => return,
            Mode::Delay(delay) => Some(read_at + delay),
            Mode::Refuse | Mode::Hang => None,
        };
        tokio::select! {
            // The sender lives as long as the connection.
            _ = mode.changed() => {}
            () = tokio::time::sleep_until(due.unwrap_or(read_at)), if due.is_some() => return,
        }
    }
}
