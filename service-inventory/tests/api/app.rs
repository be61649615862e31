//! The service under test, and the calls that the tests make.

use std::ops::Deref;

use api_client::{Answer, Replica};
use common::contract::SagaOrder;
use common::contract::inventory::{CONFIRM, RELEASE, RESERVE};
use common::ids::SagaId;
use serde_json::{Value, json};

/// A replica of the service.
pub(crate) struct App {
    replica: Replica,
    database: String,
}

impl App {
    /// A replica on this database. It is not started yet.
    pub(crate) async fn new(database: String) -> Self {
        Self { replica: Replica::new(env!("CARGO_BIN_EXE_service-inventory"), &database).await, database }
    }

    /// A ready replica on a new database with the demo products.
    pub(crate) async fn ready() -> Self {
        Self::ready_on(harness::unique("inventory")).await
    }

    /// Another ready replica on the same database.
    pub(crate) async fn replica(&self) -> Self {
        Self::ready_on(self.database.clone()).await
    }

    async fn ready_on(database: String) -> Self {
        let app = Self::new(database).await;
        app.replica.start().await;
        app
    }

    /// The address of the database, for sqlx.
    pub(crate) async fn database_url(&self) -> String {
        harness::servers::shared::database().await.url_of(&self.database)
    }

    pub(crate) async fn reserve(&self, order: &SagaOrder) -> Answer {
        self.post(RESERVE, &json!(order)).await
    }

    pub(crate) async fn confirm(&self, order: &SagaOrder) -> Answer {
        self.post(CONFIRM, &json!(order)).await
    }

    pub(crate) async fn release(&self, order: &SagaOrder, reason: &str) -> Answer {
        self.post_undo(RELEASE, order, reason).await
    }

    /// The units of a product that are in stock, and how many of them are reserved.
    pub(crate) async fn stock(&self, product: i64) -> (i64, i64) {
        let product = self.read(&format!("/api/inventory/products/{product}")).await;
        let number = |name: &str| product[name].as_i64().expect("a number of units");
        assert_eq!(number("available"), number("quantity") - number("reserved"));
        (number("quantity"), number("reserved"))
    }

    /// The status and the reason of the saga's reservation.
    pub(crate) async fn reservation(&self, saga: &SagaId) -> (String, Option<String>) {
        self.read_state(&format!("/api/inventory/reservations/{saga}")).await
    }
}

impl Deref for App {
    type Target = Replica;

    fn deref(&self) -> &Replica {
        &self.replica
    }
}

/// The order of a new saga. The amount is text, so its digits stay as they are.
pub(crate) fn order(product: i64, quantity: i64, amount: &str) -> SagaOrder {
    let amount: Value = serde_json::from_str(amount).expect("a number");
    api_client::new_order(&json!({"customerId": 1, "productId": product, "quantity": quantity, "amount": amount}))
}
