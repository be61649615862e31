//! A client that is refused while it still sends sees its answer, not a connection that is reset.

use std::time::Duration;

use end_to_end::{Service, World};
use futures::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// More than a program takes, and more than the kernel's buffers could hide.
const BODY: usize = 4 << 20;
/// So much is sent before the client looks whether it is answered already.
const FIRST: usize = 100 << 10;
/// A program that does not wait for the rest has answered by then.
const LOOK: Duration = Duration::from_millis(500);

/// Requests that no program takes, each of another kind: head and expected status.
const REFUSED: [(&str, &str); 6] = [
    ("POST /api/temporal/orders HTTP/1.1\r\nContent-Type: application/json", "413"),
    ("POST /api/temporal/orders HTTP/1.1\r\nContent-Type: text/plain", "415"),
    ("POST /api/temporal/orders HTTP/1.1\r\nContent-Type: application/json\r\nIdempotency-Key: short", "400"),
    ("PUT /api/temporal/orders HTTP/1.1", "405"),
    ("POST /nowhere HTTP/1.1", "404"),
    ("GET /actuator/info HTTP/1.1", "200"),
];

/// Sends the request piece by piece; fails if the answer comes before the end of the request, or not whole.
async fn send(port: u16, head: &str) -> String {
    let mut connection = TcpStream::connect(("127.0.0.1", port)).await.expect("the program listens");
    let head = format!("{head}\r\nHost: x\r\nConnection: close\r\nContent-Length: {BODY}\r\n\r\n");
    connection.write_all(head.as_bytes()).await.expect("the head is sent");
    connection.write_all(&vec![b' '; FIRST]).await.expect("the first part is sent");
    let early = tokio::time::timeout(LOOK, connection.readable()).await;
    assert!(early.is_err(), "{head}: answered before the request was there");
    connection.write_all(&vec![b' '; BODY - FIRST]).await.expect("the rest is sent");
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.expect("the answer is there, whole");
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_still_sends_when_it_is_refused_sees_the_answer() {
    let world = World::start().await;
    let port = world.process(Service::Orchestrator).port();
    let answers = join_all(REFUSED.map(|(head, _)| send(port, head))).await;
    for ((head, status), answer) in REFUSED.iter().zip(answers) {
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{head}: {answer}");
    }
    for service in [Service::Order, Service::Inventory, Service::Payment] {
        let answer = send(world.process(service).port(), "POST /nowhere HTTP/1.1").await;
        assert!(answer.starts_with("HTTP/1.1 404 "), "{service:?}: {answer}");
    }
}
