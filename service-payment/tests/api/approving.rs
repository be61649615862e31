//! The decision table: rows that another call is at, and what becomes of such a call.

use std::time::Duration;

use common::contract::payment::PAY;
use harness::wait;
use serde_json::json;

use crate::app::{App, LONG, NEVER, SHORT, assert_cancelled, code, decided, order, paid, settled};
use crate::books::Charge;

#[tokio::test]
async fn while_one_call_pays_another_one_is_told_to_come_back() {
    let app = App::ready(LONG).await;
    let order = order(NEVER);
    app.begin_pay(&order);
    app.books.until_charged(&order.saga_id).await;
    let second = app.send(PAY, &json!(order)).await.expect("an answer");
    assert_eq!((second.status().as_u16(), &second.headers()["retry-after"]), (409, &"1".parse().expect("a header")));
    assert_eq!(second.json::<serde_json::Value>().await.expect("a problem")["code"], "IN_PROGRESS");
    assert_eq!(code(&app.settle(&order).await), (409, "IN_PROGRESS"));
    assert_eq!(app.books.both(&order.saga_id).await, ("APPROVING".to_owned(), Charge::of("APPROVED", 1, 0)));
}

#[tokio::test]
async fn a_cancel_while_a_call_pays_is_decided_at_once_and_then_settled_once() {
    let app = App::ready(LONG).await;
    let order = order(NEVER);
    app.begin_pay(&order);
    app.books.until_charged(&order.saga_id).await;
    for reason in ["CANCELLED_BY_CUSTOMER", "DEADLINE_EXCEEDED"] {
        assert_eq!(app.cancel(&order, reason).await, decided("CANCELLING", "CANCELLED_BY_CUSTOMER"));
        assert_cancelled(&app.pay(&order).await, "CANCELLED_BY_CUSTOMER");
    }
    // Decided, and the gateway does not know yet.
    assert_eq!(app.books.both(&order.saga_id).await, ("CANCELLING".to_owned(), Charge::of("APPROVED", 1, 0)));
    for _ in 0..2 {
        assert_eq!(app.settle(&order).await, settled("CANCELLED"));
        assert_eq!(app.cancel(&order, "DEADLINE_EXCEEDED").await, decided("CANCELLED", "CANCELLED_BY_CUSTOMER"));
        assert_cancelled(&app.pay(&order).await, "CANCELLED_BY_CUSTOMER");
    }
    assert_eq!(app.books.both(&order.saga_id).await, ("CANCELLED".to_owned(), Charge::of("CANCELLED", 1, 1)));
}

#[tokio::test]
async fn a_refund_that_fails_leaves_the_payment_to_be_settled_again() {
    let app = App::ready(LONG).await;
    let order = order("CARD_REFUND_FAILS_2");
    app.begin_pay(&order);
    app.books.until(&order.saga_id, "APPROVING").await;
    assert_eq!(app.cancel(&order, "DEADLINE_EXCEEDED").await, decided("CANCELLING", "DEADLINE_EXCEEDED"));
    app.books.until_charged(&order.saga_id).await;
    for calls in 1..=2 {
        assert_eq!(code(&app.settle(&order).await), (503, "GATEWAY_UNAVAILABLE"));
        assert_eq!(app.books.both(&order.saga_id).await, ("CANCELLING".to_owned(), Charge::of("APPROVED", 1, calls)));
    }
    assert_eq!(app.settle(&order).await, settled("CANCELLED"));
    let (row, charge) = app.books.both(&order.saga_id).await;
    let charge = charge.expect("a charge");
    assert_eq!((row.as_str(), charge.cancel_calls), ("CANCELLED", 3));
    assert!(["CANCELLED", "REFUNDED"].contains(&charge.status.as_str()), "{charge:?}");
}

#[tokio::test]
async fn a_call_whose_gateway_gave_no_answer_makes_room_for_the_next_one_at_once() {
    let limits = [("GATEWAY_TIMEOUT_MS", "3000"), ("PAYMENT_LEASE_MS", "600000")];
    let app = App::ready(limits).await;
    for (method, last, status) in [
        ("CARD_TIMEOUT_THEN_APPROVED", (200, ""), "APPROVED"),
        ("CARD_TIMEOUT_THEN_DECLINED", (402, "PAYMENT_DECLINED"), "DECLINED"),
    ] {
        let order = order(method);
        assert_eq!(code(&app.pay(&order).await), (503, "GATEWAY_UNAVAILABLE"));
        assert_eq!(app.books.both(&order.saga_id).await, ("APPROVING".to_owned(), Charge::of(status, 1, 0)));
        assert!(app.books.lease_is_over(&order.saga_id).await);
        // Status was asked, and not approve a second time.
        assert_eq!(code(&app.pay(&order).await), last);
        assert_eq!(app.books.both(&order.saga_id).await, (status.to_owned(), Charge::of(status, 1, 0)));
    }
}

#[tokio::test]
async fn while_the_card_network_is_down_nothing_is_decided_but_a_cancel() {
    let app = App::ready(SHORT).await;
    let order = order("CARD_UNAVAILABLE_3600S");
    for _ in 0..3 {
        assert_eq!(code(&app.pay(&order).await), (503, "GATEWAY_UNAVAILABLE"));
        assert_eq!(app.books.status(&order.saga_id).await.as_deref(), Some("APPROVING"));
    }
    // The takeovers asked for the status, in vain, and did not go on to approve.
    assert_eq!(app.books.charge(&order.saga_id).await, Charge::of("APPROVED", 1, 0));
    assert_eq!(app.cancel(&order, "DEADLINE_EXCEEDED").await, decided("CANCELLING", "DEADLINE_EXCEEDED"));
    assert_cancelled(&app.pay(&order).await, "DEADLINE_EXCEEDED");
    assert_eq!(code(&app.settle(&order).await), (503, "GATEWAY_UNAVAILABLE"));
    assert_eq!(app.books.both(&order.saga_id).await, ("CANCELLING".to_owned(), Charge::of("APPROVED", 1, 0)));

    app.books.end_of_outage(&order.saga_id).await;
    assert_eq!(app.settle(&order).await, settled("CANCELLED"));
    assert_eq!(app.books.both(&order.saga_id).await, ("CANCELLED".to_owned(), Charge::of("CANCELLED", 1, 1)));
}

#[tokio::test]
async fn an_approval_is_recorded_even_if_the_client_has_gone() {
    let app = App::ready(LONG).await;
    let order = order("CARD_APPROVED_AFTER_2S");
    let call = app.begin_pay(&order);
    app.books.until_charged(&order.saga_id).await;
    call.abort();
    app.books.until(&order.saga_id, "APPROVED").await;
    assert_eq!(app.books.charge(&order.saga_id).await, Charge::of("APPROVED", 1, 0));
    assert_eq!(app.pay(&order).await, paid(&order));
}

#[tokio::test]
async fn a_process_that_is_told_to_stop_first_records_what_the_gateway_says() {
    let app = App::ready(LONG).await;
    let order = order("CARD_APPROVED_AFTER_5S");
    let call = app.begin_pay(&order);
    app.books.until_charged(&order.saga_id).await;
    call.abort();
    assert_eq!(app.process.terminate().await, 0);
    assert_eq!(app.books.both(&order.saga_id).await, ("APPROVED".to_owned(), Charge::of("APPROVED", 1, 0)));
}

#[tokio::test]
async fn a_payment_can_be_cancelled_while_the_gateways_ledger_cannot_be_reached() {
    let server = harness::servers::shared::database().await;
    let proxy = harness::proxy::TcpProxy::start(server.address()).await;
    let books = crate::books::Books::fresh().await;
    let url = server.url_of(&books.gateway).replace(&server.address(), &proxy.address());
    let app = App::new(books, SHORT).await.with("GATEWAY_DATASOURCE_URL", format!("jdbc:{url}")).started().await;
    proxy.set_mode(harness::proxy::Mode::Refuse);
    let order = order("CARD");
    assert_eq!(code(&app.pay(&order).await), (503, "GATEWAY_UNAVAILABLE"));
    assert_eq!(app.cancel(&order, "DEADLINE_EXCEEDED").await, decided("CANCELLING", "DEADLINE_EXCEEDED"));
    assert_eq!(code(&app.settle(&order).await), (503, "GATEWAY_UNAVAILABLE"));
    proxy.set_mode(harness::proxy::Mode::Pass);
    wait::until("the settle", Duration::from_secs(20), async || app.settle(&order).await == settled("CANCELLED")).await;
    assert_eq!(app.books.both(&order.saga_id).await, ("CANCELLED".to_owned(), Charge::of("CANCELLED", 0, 1)));
}
