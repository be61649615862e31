//! The service under test, and the calls that the tests make.

use std::ops::Deref;

use api_client::{Answer, Replica};
use common::contract::SagaOrder;
use common::contract::order::{CANCEL, CONFIRM, CREATE};
use common::ids::SagaId;
use serde_json::{Value, json};

/// A replica of the service.
pub(crate) struct App {
    replica: Replica,
    database: String,
}

impl App {
    /// A ready replica on a new database.
    pub(crate) async fn ready() -> Self {
        Self::ready_on(harness::unique("orders")).await
    }

    /// Another ready replica on the same database.
    pub(crate) async fn replica(&self) -> Self {
        Self::ready_on(self.database.clone()).await
    }

    async fn ready_on(database: String) -> Self {
        let replica = Replica::new(env!("CARGO_BIN_EXE_service-order"), &database).await;
        replica.start().await;
        Self { replica, database }
    }

    pub(crate) async fn create(&self, order: &SagaOrder) -> Answer {
        self.post(CREATE, &json!(order)).await
    }

    pub(crate) async fn confirm(&self, order: &SagaOrder) -> Answer {
        self.post(CONFIRM, &json!(order)).await
    }

    pub(crate) async fn cancel(&self, order: &SagaOrder, reason: &str) -> Answer {
        self.post_undo(CANCEL, order, reason).await
    }

    /// The saga's order, as the API returns it.
    pub(crate) async fn row(&self, saga: &SagaId) -> Value {
        self.read(&format!("/api/orders/by-saga/{saga}")).await
    }

    /// The status and the reason of the saga's order.
    pub(crate) async fn state(&self, saga: &SagaId) -> (String, Option<String>) {
        self.read_state(&format!("/api/orders/by-saga/{saga}")).await
    }
}

impl Deref for App {
    type Target = Replica;

    fn deref(&self) -> &Replica {
        &self.replica
    }
}

/// The answer to a successful `order.create` or `order.confirm`.
pub(crate) fn done(order: &SagaOrder) -> Answer {
    (200, json!({"orderId": order.order_id}))
}

/// The answer to a successful `order.cancel`.
pub(crate) fn cancelled() -> Answer {
    (200, json!({"status": "CANCELLED"}))
}

pub(crate) fn order() -> SagaOrder {
    api_client::new_order(&json!({"customerId": 7, "productId": 3, "quantity": 2, "amount": 1981}))
}
