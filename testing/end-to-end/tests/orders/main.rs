//! Orders from end to end, nothing failing but what the customer or the card does.

mod cancel;
mod confirmed;
mod judge;
mod refused;
mod repeated;
mod stuck;
