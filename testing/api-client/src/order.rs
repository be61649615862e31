//! Orders of new sagas.

use common::contract::SagaOrder;
use common::contract::order::PlaceOrder;
use common::ids::{IdempotencyKey, OrderId, PaymentId, SagaId};
use serde_json::Value;

/// The order of a new saga. `place` is the body of the request that places it.
#[must_use]
pub fn new_order(place: &Value) -> SagaOrder {
    // `Money` can be read only from JSON text.
    let place: PlaceOrder = serde_json::from_str(&place.to_string()).expect("a valid order");
    SagaOrder {
        saga_id: SagaId::of(&IdempotencyKey::fresh()),
        fingerprint: place.fingerprint(),
        order_id: OrderId::new(),
        payment_id: PaymentId::new(),
        customer_id: place.customer_id,
        product_id: place.product_id,
        quantity: place.quantity,
        amount: place.amount,
        payment_method: place.payment_method,
    }
}
