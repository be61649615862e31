//! From start to end: dependencies that are missing, replicas that start together, wrong settings, SIGTERM, and the
//! pages that an operator looks at.

mod drain;
mod health;
mod kills;
mod load;
mod missing;
mod pages;
mod replicas;
mod secrets;
mod servers;
mod settings;
mod split;
