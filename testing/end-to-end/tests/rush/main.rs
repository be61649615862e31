//! Many requests at once, each answered once and for all: a 503 counts as a failure here, so nothing is repeated.

mod buyers;
mod one_key;
