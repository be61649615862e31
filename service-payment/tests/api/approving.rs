//! The decision table: APPROVING rows, and what happens to the call that has the lease.

use std::time::Duration;

use api_client::{assert_saga_cancelled, code};
use common::contract::payment::PAY;
use harness::wait;
use serde_json::json;

use crate::app::{App, LONG_LIMITS, PENDING_CARD, SHORT_LIMITS, decided, order, paid, voided};
use crate::ledgers::Charge;

#[tokio::test]
async fn a_second_pay_is_told_to_retry_while_the_first_one_runs() {
    let app = App::ready(LONG_LIMITS).await;
    let order = order(PENDING_CARD);
    app.begin_pay(&order);
    app.ledgers.wait_for_charge(&order.saga_id).await;
    let second = app.send(PAY, &json!(order)).await.expect("an answer");
    assert_eq!((second.status().as_u16(), &second.headers()["retry-after"]), (409, &"1".parse().expect("a header")));
    assert_eq!(second.json::<serde_json::Value>().await.expect("a problem")["code"], "IN_PROGRESS");
    assert_eq!(code(&app.void(&order).await), (409, "IN_PROGRESS"));
    assert_eq!(app.ledgers.both(&order.saga_id).await, ("APPROVING".to_owned(), Charge::of("APPROVED", 1, 0)));
}

#[tokio::test]
async fn a_cancel_during_a_pay_is_decided_immediately_and_voided_once() {
    let app = App::ready(LONG_LIMITS).await;
    let order = order(PENDING_CARD);
    app.begin_pay(&order);
    app.ledgers.wait_for_charge(&order.saga_id).await;
    for reason in ["CANCELLED_BY_CUSTOMER", "DEADLINE_EXCEEDED"] {
        assert_eq!(app.cancel(&order, reason).await, decided("CANCELLING", "CANCELLED_BY_CUSTOMER"));
        assert_saga_cancelled(&app.pay(&order).await, "CANCELLED_BY_CUSTOMER");
    }
    // The cancellation is decided, but the gateway has not received it yet.
    assert_eq!(app.ledgers.both(&order.saga_id).await, ("CANCELLING".to_owned(), Charge::of("APPROVED", 1, 0)));
    for _ in 0..2 {
        assert_eq!(app.void(&order).await, voided("CANCELLED"));
        assert_eq!(app.cancel(&order, "DEADLINE_EXCEEDED").await, decided("CANCELLED", "CANCELLED_BY_CUSTOMER"));
        assert_saga_cancelled(&app.pay(&order).await, "CANCELLED_BY_CUSTOMER");
    }
    assert_eq!(app.ledgers.both(&order.saga_id).await, ("CANCELLED".to_owned(), Charge::of("CANCELLED", 1, 1)));
}

#[tokio::test]
async fn a_void_whose_refund_failed_can_be_retried() {
    let app = App::ready(LONG_LIMITS).await;
    let order = order("CARD_REFUND_FAILS_2");
    app.begin_pay(&order);
    app.ledgers.wait_for_status(&order.saga_id, "APPROVING").await;
    assert_eq!(app.cancel(&order, "DEADLINE_EXCEEDED").await, decided("CANCELLING", "DEADLINE_EXCEEDED"));
    app.ledgers.wait_for_charge(&order.saga_id).await;
    for calls in 1..=2 {
        assert_eq!(code(&app.void(&order).await), (503, "GATEWAY_UNAVAILABLE"));
        assert_eq!(app.ledgers.both(&order.saga_id).await, ("CANCELLING".to_owned(), Charge::of("APPROVED", 1, calls)));
    }
    assert_eq!(app.void(&order).await, voided("CANCELLED"));
    let (row, charge) = app.ledgers.both(&order.saga_id).await;
    let charge = charge.expect("a charge");
    assert_eq!((row.as_str(), charge.cancel_calls), ("CANCELLED", 3));
    assert!(["CANCELLED", "REFUNDED"].contains(&charge.status.as_str()), "{charge:?}");
}

#[tokio::test]
async fn after_a_gateway_timeout_the_next_pay_takes_over_immediately() {
    let limits = [("GATEWAY_TIMEOUT_MS", "3000"), ("PAYMENT_LEASE_MS", "600000")];
    let app = App::ready(limits).await;
    for (method, last, status) in [
        ("CARD_TIMEOUT_THEN_APPROVED", (200, ""), "APPROVED"),
        ("CARD_TIMEOUT_THEN_DECLINED", (402, "PAYMENT_DECLINED"), "DECLINED"),
    ] {
        let order = order(method);
        assert_eq!(code(&app.pay(&order).await), (503, "GATEWAY_UNAVAILABLE"));
        assert_eq!(app.ledgers.both(&order.saga_id).await, ("APPROVING".to_owned(), Charge::of(status, 1, 0)));
        assert!(app.ledgers.lease_has_expired(&order.saga_id).await);
        // The second call asked for the status; it did not ask for approval again.
        assert_eq!(code(&app.pay(&order).await), last);
        assert_eq!(app.ledgers.both(&order.saga_id).await, (status.to_owned(), Charge::of(status, 1, 0)));
    }
}

#[tokio::test]
async fn during_a_gateway_outage_only_a_cancel_decides() {
    let app = App::ready(SHORT_LIMITS).await;
    let order = order("CARD_UNAVAILABLE_3600S");
    for _ in 0..3 {
        assert_eq!(code(&app.pay(&order).await), (503, "GATEWAY_UNAVAILABLE"));
        assert_eq!(app.ledgers.status(&order.saga_id).await.as_deref(), Some("APPROVING"));
    }
    // The calls that took over the lease got no status, so they did not ask for approval.
    assert_eq!(app.ledgers.charge(&order.saga_id).await, Charge::of("APPROVED", 1, 0));
    assert_eq!(app.cancel(&order, "DEADLINE_EXCEEDED").await, decided("CANCELLING", "DEADLINE_EXCEEDED"));
    assert_saga_cancelled(&app.pay(&order).await, "DEADLINE_EXCEEDED");
    assert_eq!(code(&app.void(&order).await), (503, "GATEWAY_UNAVAILABLE"));
    assert_eq!(app.ledgers.both(&order.saga_id).await, ("CANCELLING".to_owned(), Charge::of("APPROVED", 1, 0)));

    app.ledgers.end_outage(&order.saga_id).await;
    assert_eq!(app.void(&order).await, voided("CANCELLED"));
    assert_eq!(app.ledgers.both(&order.saga_id).await, ("CANCELLED".to_owned(), Charge::of("CANCELLED", 1, 1)));
}

#[tokio::test]
async fn an_approval_is_recorded_after_the_client_disconnects() {
    let app = App::ready(LONG_LIMITS).await;
    let order = order("CARD_APPROVED_AFTER_2S");
    let call = app.begin_pay(&order);
    app.ledgers.wait_for_charge(&order.saga_id).await;
    call.abort();
    app.ledgers.wait_for_status(&order.saga_id, "APPROVED").await;
    assert_eq!(app.ledgers.charge(&order.saga_id).await, Charge::of("APPROVED", 1, 0));
    assert_eq!(app.pay(&order).await, paid(&order));
}

#[tokio::test]
async fn a_process_that_stops_records_the_gateways_verdict_first() {
    let app = App::ready(LONG_LIMITS).await;
    let order = order("CARD_APPROVED_AFTER_5S");
    let call = app.begin_pay(&order);
    app.ledgers.wait_for_charge(&order.saga_id).await;
    call.abort();
    assert_eq!(app.process.terminate().await, 0);
    assert_eq!(app.ledgers.both(&order.saga_id).await, ("APPROVED".to_owned(), Charge::of("APPROVED", 1, 0)));
}

#[tokio::test]
async fn a_payment_can_be_cancelled_while_the_gateway_is_unreachable() {
    let server = harness::servers::shared::database().await;
    let proxy = harness::proxy::TcpProxy::start(server.address()).await;
    let ledgers = crate::ledgers::Ledgers::fresh().await;
    let url = server.url_of(&ledgers.gateway).replace(&server.address(), &proxy.address());
    let app =
        App::new(ledgers, SHORT_LIMITS).await.with("GATEWAY_DATASOURCE_URL", format!("jdbc:{url}")).started().await;
    proxy.set_mode(harness::proxy::Mode::Refuse);
    let order = order("CARD");
    assert_eq!(code(&app.pay(&order).await), (503, "GATEWAY_UNAVAILABLE"));
    assert_eq!(app.cancel(&order, "DEADLINE_EXCEEDED").await, decided("CANCELLING", "DEADLINE_EXCEEDED"));
    assert_eq!(code(&app.void(&order).await), (503, "GATEWAY_UNAVAILABLE"));
    proxy.set_mode(harness::proxy::Mode::Pass);
    wait::until("the void", Duration::from_secs(20), async || app.void(&order).await == voided("CANCELLED")).await;
    assert_eq!(app.ledgers.both(&order.saga_id).await, ("CANCELLED".to_owned(), Charge::of("CANCELLED", 0, 1)));
}
