//! A saga's order, as every step gets it.

use common::contract::saga::PaymentMethod;
use common::contract::{Fingerprint, SagaOrder};
use common::ids::{CustomerId, IdempotencyKey, OrderId, PaymentId, ProductId, Quantity, SagaId};

/// An order of a new saga: so many pieces of a product at a price of 10 each, paid by `CARD`.
///
/// # Panics
/// Product or quantity are not those of an order.
#[must_use]
pub fn order(product: i64, quantity: i64) -> SagaOrder {
    SagaOrder {
        saga_id: SagaId::of(&IdempotencyKey::fresh()),
        fingerprint: fingerprint("a"),
        order_id: OrderId::new(),
        payment_id: PaymentId::new(),
        customer_id: CustomerId::try_from(1).expect("a customer"),
        product_id: ProductId::try_from(product).expect("a product"),
        quantity: Quantity::try_from(quantity).expect("a quantity"),
        amount: (quantity * 10).to_string().parse().expect("an amount"),
        payment_method: PaymentMethod::default(),
    }
}

/// The same saga, but another request.
#[must_use]
pub fn reused(order: &SagaOrder) -> SagaOrder {
    SagaOrder { fingerprint: fingerprint("b"), ..order.clone() }
}

fn fingerprint(digit: &str) -> Fingerprint {
    Fingerprint::try_from(digit.repeat(64)).expect("64 hex digits")
}
