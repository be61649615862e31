//! Requests that come slowly, or never whole: a client that still sends when it is refused sees its answer, not a
//! connection that is reset, and a request that broke off does nothing.

use std::time::Duration;

use end_to_end::{Service, World, body};
use futures::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// More than a program takes, and more than the kernel's buffers could hide.
const BODY: usize = 4 << 20;
/// So much is sent before the client looks whether it is answered already; more than a program takes.
const FIRST: usize = 100 << 10;
/// A program that does not wait for the rest has answered by then.
const LOOK: Duration = Duration::from_millis(500);
/// A program that never answers fails the test.
const LIMIT: Duration = Duration::from_secs(120);

const JSON: &str = "POST /api/temporal/orders HTTP/1.1\r\nContent-Type: application/json";

/// Requests whose body no program takes, each of another kind: head and expected status.
const REFUSED: [(&str, &str); 6] = [
    (JSON, "413"),
    ("POST /api/temporal/orders HTTP/1.1\r\nContent-Type: text/plain", "415"),
    ("POST /api/temporal/orders HTTP/1.1\r\nContent-Type: application/json\r\nIdempotency-Key: short", "400"),
    ("PUT /api/temporal/orders HTTP/1.1", "405"),
    ("POST /nowhere HTTP/1.1", "404"),
    ("GET /actuator/info HTTP/1.1", "200"),
];

/// A connection on which the head of a request, and a first part of its body, are sent.
async fn begin(port: u16, head: &str, first: &[u8]) -> TcpStream {
    let mut connection = TcpStream::connect(("127.0.0.1", port)).await.expect("the program listens");
    connection.write_all(format!("{head}\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes()).await.expect("a head");
    connection.write_all(first).await.expect("the first part is sent");
    connection
}

async fn answer(mut connection: TcpStream) -> String {
    let mut answer = String::new();
    let read = tokio::time::timeout(LIMIT, connection.read_to_string(&mut answer)).await;
    read.expect("an answer comes").expect("the answer is there, whole");
    answer
}

/// Sends a large request piece by piece; fails if the answer comes before the end of the request, or not whole.
async fn send(port: u16, head: &str) -> String {
    let mut connection = begin(port, &format!("{head}\r\nContent-Length: {BODY}"), &[b' '; FIRST]).await;
    let early = tokio::time::timeout(LOOK, connection.readable()).await;
    assert!(early.is_err(), "{head}: answered before the request was there");
    connection.write_all(&vec![b' '; BODY - FIRST]).await.expect("the rest is sent");
    answer(connection).await
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

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_asks_before_it_sends_too_much_is_refused_before_it_does() {
    let world = World::start().await;
    let port = world.process(Service::Orchestrator).port();
    let head = format!("{JSON}\r\nExpect: 100-continue\r\nContent-Length: {BODY}");
    let answer = answer(begin(port, &head, &[]).await).await;
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("BODY_TOO_LARGE"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_never_comes_whole_is_refused_and_does_nothing() {
    let world = World::builder().env(Service::Orchestrator, "SAGA_DEADLINE_MS", 600_000).start().await;
    // Not paid yet when the DELETE could be carried out.
    assert_eq!(world.place_async("half-cancelled", &body("CARD_APPROVED_AFTER_20S")).await.status, 202);
    let saga = world.saga("half-cancelled");
    let port = world.process(Service::Orchestrator).port();
    let delete = format!("DELETE /api/temporal/orders/{saga} HTTP/1.1\r\nContent-Length: 1");
    let chunked = format!("{JSON}\r\nTransfer-Encoding: chunked");
    let mut chunks = b"20000\r\n".to_vec();
    chunks.resize(chunks.len() + 0x20000, b' ');
    let (half, large) = (format!("{JSON}\r\nContent-Length: 90"), format!("{JSON}\r\nContent-Length: {BODY}"));
    let requests: [(&str, &[u8], &str); 4] = [
        (&half, b"{\"customerId\": 1,", "400 Bad Request"),
        (&large, &[b' '; FIRST], "413 Payload Too Large"),
        (&chunked, &chunks, "413 Payload Too Large"),
        (&delete, &[], "400 Bad Request"),
    ];
    let answers = join_all(requests.map(async |(head, part, _)| answer(begin(port, head, part).await).await)).await;
    for ((head, _, status), answer) in requests.iter().zip(answers) {
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{head}: {answer}");
        assert!(answer.contains("\"success\":false") && answer.contains("\"field\":\"body\""), "{head}: {answer}");
    }
    assert_eq!(world.settled().await.confirmed, 1, "the order was not cancelled");
}
