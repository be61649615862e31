//! Tests of the harness with real servers and processes.

mod client;
mod http_proxy;
mod leaks;
mod processes;
mod servers;
mod tcp_proxy;
mod waiting;
