//! The program as its callers see it: the real binary, on a real database that is fresh for each test.

mod app;
mod concurrency;
mod reads;
mod steps;
