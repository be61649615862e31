//! Requests whose body is large, slow or incomplete. A client that still sends its body must receive the error, not a
//! reset connection. An incomplete request must do nothing.

use std::time::Duration;

use end_to_end::{Service, TestSystem, order_paid_by};
use futures::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The size of a large body. It exceeds the limit of the programs and the buffers of the kernel.
const BODY: usize = 4 << 20;
/// The size of the first part of a body. It exceeds the limit of the programs too.
const FIRST_PART: usize = 100 << 10;
/// After the first part, the client waits this long for an early answer.
const EARLY_ANSWER: Duration = Duration::from_millis(500);
/// The time limit for an answer.
const LIMIT: Duration = Duration::from_secs(120);

const JSON: &str = "POST /api/temporal/orders HTTP/1.1\r\nContent-Type: application/json";

/// Different requests whose body is not accepted: the head of the request and the expected status.
const REFUSED: [(&str, &str); 6] = [
    (JSON, "413"),
    ("POST /api/temporal/orders HTTP/1.1\r\nContent-Type: text/plain", "415"),
    ("POST /api/temporal/orders HTTP/1.1\r\nContent-Type: application/json\r\nIdempotency-Key: short", "400"),
    ("PUT /api/temporal/orders HTTP/1.1", "405"),
    ("POST /nowhere HTTP/1.1", "404"),
    ("GET /actuator/info HTTP/1.1", "200"),
];

/// Opens a connection and sends the head of a request and the first part of its body.
async fn send_first_part(port: u16, head: &str, first: &[u8]) -> TcpStream {
    let mut connection = TcpStream::connect(("127.0.0.1", port)).await.expect("the program listens");
    connection
        .write_all(format!("{head}\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes())
        .await
        .expect("the head is sent");
    connection.write_all(first).await.expect("the first part is sent");
    connection
}

async fn read_answer(mut connection: TcpStream) -> String {
    let mut answer = String::new();
    let read = tokio::time::timeout(LIMIT, connection.read_to_string(&mut answer)).await;
    read.expect("the answer arrives in time").expect("the answer is complete");
    answer
}

/// Sends a large request in two parts. Panics if the answer arrives before the end of the request, or is incomplete.
async fn send_in_parts(port: u16, head: &str) -> String {
    let mut connection = send_first_part(port, &format!("{head}\r\nContent-Length: {BODY}"), &[b' '; FIRST_PART]).await;
    let early = tokio::time::timeout(EARLY_ANSWER, connection.readable()).await;
    assert!(early.is_err(), "{head}: answered before the request was complete");
    connection.write_all(&vec![b' '; BODY - FIRST_PART]).await.expect("the rest is sent");
    read_answer(connection).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_still_sends_its_body_receives_the_error() {
    let system = TestSystem::start().await;
    let port = system.process(Service::Orchestrator).port();
    let answers = join_all(REFUSED.map(|(head, _)| send_in_parts(port, head))).await;
    for ((head, status), answer) in REFUSED.iter().zip(answers) {
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{head}: {answer}");
    }
    for service in [Service::Order, Service::Inventory, Service::Payment] {
        let answer = send_in_parts(system.process(service).port(), "POST /nowhere HTTP/1.1").await;
        assert!(answer.starts_with("HTTP/1.1 404 "), "{service:?}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_expects_continue_receives_the_error_before_it_sends_the_body() {
    let system = TestSystem::start().await;
    let port = system.process(Service::Orchestrator).port();
    let head = format!("{JSON}\r\nExpect: 100-continue\r\nContent-Length: {BODY}");
    let answer = read_answer(send_first_part(port, &head, &[]).await).await;
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("BODY_TOO_LARGE"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incomplete_request_is_refused_and_does_nothing() {
    let system = TestSystem::builder().env(Service::Orchestrator, "SAGA_DEADLINE_MS", 600_000).start().await;
    // The order is not paid yet when the DELETE arrives, so a complete DELETE would cancel it.
    assert_eq!(system.place_async("half-cancelled", &order_paid_by("CARD_APPROVED_AFTER_20S")).await.status, 202);
    let saga = system.saga("half-cancelled");
    let port = system.process(Service::Orchestrator).port();
    let delete = format!("DELETE /api/temporal/orders/{saga} HTTP/1.1\r\nContent-Length: 1");
    let chunked = format!("{JSON}\r\nTransfer-Encoding: chunked");
    let mut chunks = b"20000\r\n".to_vec();
    chunks.resize(chunks.len() + 0x20000, b' ');
    let (half, large) = (format!("{JSON}\r\nContent-Length: 90"), format!("{JSON}\r\nContent-Length: {BODY}"));
    let requests: [(&str, &[u8], &str); 4] = [
        (&half, b"{\"customerId\": 1,", "400 Bad Request"),
        (&large, &[b' '; FIRST_PART], "413 Payload Too Large"),
        (&chunked, &chunks, "413 Payload Too Large"),
        (&delete, &[], "400 Bad Request"),
    ];
    let answers =
        join_all(requests.map(async |(head, part, _)| read_answer(send_first_part(port, head, part).await).await))
            .await;
    for ((head, _, status), answer) in requests.iter().zip(answers) {
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{head}: {answer}");
        assert!(answer.contains("\"success\":false") && answer.contains("\"field\":\"body\""), "{head}: {answer}");
    }
    assert_eq!(system.wait_until_finished().await.confirmed, 1, "the order was cancelled");
}
