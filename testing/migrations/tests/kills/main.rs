//! Migrations that are killed at each point, on the database that the harness starts: MariaDB, or MySQL with
//! `TEST_DATABASE=mysql`.

mod edited;
mod points;
mod probe;
mod replicas;
mod servers;
mod site;
