//! Tests of the API: the real program on a real database, which is new for each test.

mod app;
mod concurrency;
mod products;
mod start;
mod steps;
