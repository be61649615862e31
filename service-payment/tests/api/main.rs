//! The program as its callers see it: the real binary, on real databases that are fresh for each test.

mod app;
mod approving;
mod books;
mod concurrency;
mod decided;
mod late;
mod lease;
mod permits;
mod reads;
