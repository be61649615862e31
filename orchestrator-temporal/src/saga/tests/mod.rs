//! Tests of the table, and replay tests: the saga of this release must run the histories of earlier releases.

mod changed;
mod histories;
mod replay;
mod table;
