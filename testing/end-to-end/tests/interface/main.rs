//! The HTTP interface: wrong input, the documents of the API, and the trace of a request through all programs.

mod api_document;
mod client;
mod malformed;
mod page;
mod request_bodies;
mod swagger;
mod trace;
