//! An `approve` that is delayed on its way to the gateway and arrives after the payment was decided or taken over.

use api_client::{Answer, assert_saga_cancelled, code};
use common::contract::SagaOrder;
use harness::proxy::{Mode, TcpProxy};

use crate::app::{App, LONG_LIMITS, decided, order, paid, voided};
use crate::ledgers::{Charge, Ledgers};

/// Two replicas. A proxy can delay the calls of one of them to the gateway.
struct TestSystem {
    proxy: TcpProxy,
    delayed: App,
    other: App,
}

impl TestSystem {
    async fn new() -> Self {
        let server = harness::servers::shared::database().await;
        let proxy = TcpProxy::start(server.address()).await;
        let ledgers = Ledgers::fresh().await;
        let url = server.url_of(&ledgers.gateway).replace(&server.address(), &proxy.address());
        let delayed =
            App::new(ledgers, LONG_LIMITS).await.with("GATEWAY_DATASOURCE_URL", format!("jdbc:{url}")).started().await;
        let other = delayed.replica(LONG_LIMITS).await;
        Self { proxy, delayed, other }
    }

    /// Starts a `pay`, delays it on its way to the gateway, runs `meanwhile`, and then lets it arrive.
    ///
    /// Returns `None` if the call timed out first, which can happen on a slow machine. The test then tries again.
    async fn delay_pay(&self, order: &SagaOrder, meanwhile: impl AsyncFnOnce()) -> Option<Answer> {
        self.proxy.set_mode(Mode::Hang);
        let call = self.delayed.begin_pay(order);
        self.delayed.ledgers.wait_for_status(&order.saga_id, "APPROVING").await;
        meanwhile().await;
        self.proxy.set_mode(Mode::Pass);
        let answer = call.await.expect("no panic").expect("an answer");
        (code(&answer).1 != "GATEWAY_UNAVAILABLE").then_some(answer)
    }
}

#[tokio::test]
async fn an_approve_that_arrives_after_the_cancel_is_refused_by_the_gateway() {
    let system = TestSystem::new().await;
    for _ in 0..5 {
        let order = order("CARD");
        let cancel = async || {
            let cancelled = system.other.cancel(&order, "CANCELLED_BY_CUSTOMER").await;
            assert_eq!(cancelled, decided("CANCELLING", "CANCELLED_BY_CUSTOMER"));
            assert_eq!(system.other.void(&order).await, voided("CANCELLED"));
        };
        if let Some(answer) = system.delay_pay(&order, cancel).await {
            assert_saga_cancelled(&answer, "CANCELLED_BY_CUSTOMER");
            let (row, charge) = system.delayed.ledgers.both(&order.saga_id).await;
            assert_eq!((row.as_str(), charge), ("CANCELLED", Charge::of("CANCELLED", 1, 1)));
            return;
        }
    }
    panic!("no call arrived late");
}

#[tokio::test]
async fn an_approve_that_arrives_after_a_takeover_makes_no_second_charge() {
    let system = TestSystem::new().await;
    for _ in 0..5 {
        let order = order("CARD");
        let take_over = async || {
            system.other.ledgers.end_lease(&order.saga_id).await;
            // The gateway does not know the charge yet: the status is NOT_FOUND, and the other call asks for approval.
            assert_eq!(system.other.pay(&order).await, paid(&order));
        };
        if let Some(answer) = system.delay_pay(&order, take_over).await {
            assert_eq!(answer, paid(&order));
            let (row, charge) = system.delayed.ledgers.both(&order.saga_id).await;
            assert_eq!((row.as_str(), charge), ("APPROVED", Charge::of("APPROVED", 2, 0)));
            return;
        }
    }
    panic!("no call arrived late");
}

#[tokio::test]
async fn a_call_with_an_expired_lease_leaves_the_verdict_to_the_call_that_took_over() {
    let system = TestSystem::new().await;
    for _ in 0..5 {
        let order = order("CARD_TIMEOUT_THEN_APPROVED");
        let mut taking_over = None;
        let take_over = async || {
            system.other.ledgers.end_lease(&order.saga_id).await;
            // The gateway's first answer is lost, so this call keeps the lease and waits.
            taking_over = Some(system.other.begin_pay(&order));
            system.other.ledgers.wait_for_charge(&order.saga_id).await;
        };
        if let Some(answer) = system.delay_pay(&order, take_over).await {
            assert_eq!(code(&answer), (409, "IN_PROGRESS"));
            let (row, charge) = system.delayed.ledgers.both(&order.saga_id).await;
            assert_eq!((row.as_str(), charge), ("APPROVING", Charge::of("APPROVED", 2, 0)));
            return;
        }
    }
    panic!("no call arrived late");
}
