//! The life of a process: a start without dependencies, replicas that start together, wrong settings, SIGTERM, and the
//! pages for operators.

mod drain;
mod health;
mod kills;
mod load;
mod missing;
mod pages;
mod replicas;
mod roles;
mod secrets;
mod servers;
mod settings;
