//! Orders, as every step receives them.

use common::contract::payment::PaymentMethod;
use common::contract::{Fingerprint, SagaOrder};
use common::ids::{CustomerId, IdempotencyKey, OrderId, PaymentId, ProductId, Quantity, SagaId};

/// An order of a new saga, at a price of 10 per unit, paid with `CARD`.
///
/// # Panics
/// Panics if the product id or the quantity is not valid.
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

/// Another request under the same idempotency key: the same saga id with a different fingerprint.
#[must_use]
pub fn reused(order: &SagaOrder) -> SagaOrder {
    SagaOrder { fingerprint: fingerprint("b"), ..order.clone() }
}

fn fingerprint(digit: &str) -> Fingerprint {
    Fingerprint::try_from(digit.repeat(64)).expect("64 hex digits")
}
