//! Replay: the saga of this release runs on, as it was, whatever earlier ones have begun.

mod changed;
mod histories;
mod names;
mod replay;
