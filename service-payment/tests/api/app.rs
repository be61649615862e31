//! The service under test, and the calls that the tests make.

use std::ops::Deref;

use api_client::{Answer, Replica, code, jdbc_url};
use common::contract::SagaOrder;
use common::contract::payment::{CANCEL, PAY, VOID};
use serde_json::json;
use tokio::task::JoinHandle;

use crate::ledgers::Ledgers;

/// The environment variables that set the time limits.
pub(crate) type Settings = [(&'static str, &'static str); 2];

/// Time limits that expire during a test.
pub(crate) const SHORT_LIMITS: Settings = [("GATEWAY_TIMEOUT_MS", "3000"), ("PAYMENT_LEASE_MS", "5000")];
/// Time limits that never expire during a test.
pub(crate) const LONG_LIMITS: Settings = [("GATEWAY_TIMEOUT_MS", "120000"), ("PAYMENT_LEASE_MS", "125000")];
/// A payment method whose charge stays pending during a test.
pub(crate) const PENDING_CARD: &str = "CARD_APPROVED_AFTER_3600S";

/// A replica of the service.
pub(crate) struct App {
    replica: Replica,
    pub(crate) ledgers: Ledgers,
}

impl App {
    /// A ready replica on new databases.
    pub(crate) async fn ready(settings: Settings) -> Self {
        let app = Self::new(Ledgers::fresh().await, settings).await;
        app.started().await
    }

    /// A replica on these databases, not started yet.
    pub(crate) async fn new(ledgers: Ledgers, settings: Settings) -> Self {
        let replica = Replica::new(env!("CARGO_BIN_EXE_service-payment"), &ledgers.payments).await;
        replica.process.set_env("GATEWAY_DATASOURCE_URL", jdbc_url(&ledgers.gateway).await);
        for (name, value) in settings {
            replica.process.set_env(name, value);
        }
        Self { replica, ledgers }
    }

    /// Sets one more environment variable.
    pub(crate) fn with(self, name: &str, value: impl ToString) -> Self {
        self.process.set_env(name, value);
        self
    }

    /// Starts the process and waits until it is ready.
    pub(crate) async fn started(self) -> Self {
        self.start().await;
        self
    }

    /// Another ready replica on the same databases.
    pub(crate) async fn replica(&self, settings: Settings) -> Self {
        Self::new(self.ledgers.clone(), settings).await.started().await
    }

    pub(crate) async fn pay(&self, order: &SagaOrder) -> Answer {
        self.post(PAY, &json!(order)).await
    }

    /// Starts a call to `pay` on a separate connection. Returns `None` if the service does not answer.
    pub(crate) fn begin_pay(&self, order: &SagaOrder) -> JoinHandle<Option<Answer>> {
        self.begin_post(PAY, &json!(order))
    }

    /// Repeats `pay` while all permits are taken or another call is running.
    pub(crate) async fn pay_with_retries(&self, order: &SagaOrder) -> Answer {
        loop {
            let answer = self.pay(order).await;
            if !["GATEWAY_BUSY", "IN_PROGRESS"].contains(&code(&answer).1) {
                return answer;
            }
        }
    }

    pub(crate) async fn cancel(&self, order: &SagaOrder, reason: &str) -> Answer {
        self.post_undo(CANCEL, order, reason).await
    }

    pub(crate) async fn void(&self, order: &SagaOrder) -> Answer {
        self.post_undo(VOID, order, "DEADLINE_EXCEEDED").await
    }
}

impl Deref for App {
    type Target = Replica;

    fn deref(&self) -> &Replica {
        &self.replica
    }
}

/// The answer to a successful `pay`.
pub(crate) fn paid(order: &SagaOrder) -> Answer {
    (200, json!({"paymentId": order.payment_id}))
}

/// The answer to a `cancel` that decided how the saga ends.
pub(crate) fn decided(status: &str, reason: &str) -> Answer {
    (200, json!({"status": status, "reason": reason}))
}

/// The answer to a successful `void`.
pub(crate) fn voided(status: &str) -> Answer {
    (200, json!({"status": status}))
}

/// The order of a new saga with this payment method.
pub(crate) fn order(method: &str) -> SagaOrder {
    let place = json!({"customerId": 1, "productId": 1, "quantity": 2, "amount": 20000, "paymentMethod": method});
    api_client::new_order(&place)
}
