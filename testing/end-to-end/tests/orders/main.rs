//! Complete orders without faults: only the customer and the card decide how they end.

mod cancel;
mod checker;
mod confirmed;
mod refused;
mod repeated;
mod stuck;
