//! The HTTP interface itself: bad input, what is documented and what is answered, and the trace through all hops.

mod client;
mod documented;
mod large;
mod malformed;
mod page;
mod swagger;
mod trace;
