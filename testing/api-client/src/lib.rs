//! For tests only: replicas of a service with an HTTP client, and orders for its steps. The API tests of all services
//! use this crate. Its functions panic when something goes wrong, because that fails the test.

mod order;
mod replica;

pub use order::new_order;
pub use replica::{Replica, jdbc_url};
use serde_json::Value;

/// The status and the JSON body of an answer.
pub type Answer = (u16, Value);

/// The status and the code of an error answer.
#[must_use]
pub fn code((status, body): &Answer) -> (u16, &str) {
    (*status, body["code"].as_str().unwrap_or_default())
}

/// The status and the name of the first wrong field.
#[must_use]
pub fn field((status, body): &Answer) -> (u16, &str) {
    (*status, body["errors"][0]["field"].as_str().unwrap_or_default())
}

/// Asserts that the answer is `SAGA_CANCELLED` with this reason.
#[track_caller]
pub fn assert_saga_cancelled(answer: &Answer, reason: &str) {
    assert_eq!(code(answer), (409, "SAGA_CANCELLED"), "{answer:?}");
    assert_eq!(answer.1["reason"], reason);
}
