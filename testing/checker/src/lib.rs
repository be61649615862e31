//! The checker: finds money or stock that was lost or doubled. It only reads.
//!
//! [`Ledgers::read`] reads the rows of the four databases. [`check`] compares the rows of each saga, the totals, and
//! the answers that clients received. Every saga must end in one of two ways:
//!
//! * CONFIRMED: the right amount is charged once, and the stock is taken once.
//! * CANCELLED: the gateway keeps no money, and the stock is free again.

mod answers;
mod ledgers;
mod report;
mod sagas;
mod totals;

pub use answers::{Answer, Promise};
pub use ledgers::{Addresses, Ledgers};
pub use report::{Finding, Report};

/// Compares the ledgers with each other and with the answers that clients received.
#[must_use]
pub fn check(ledgers: &Ledgers, answers: &[Answer]) -> Report {
    let mut report = Report::default();
    for saga in ledgers.sagas() {
        sagas::verify_saga(ledgers, saga, &mut report);
    }
    totals::verify_totals(ledgers, &mut report);
    answers::verify_answers(ledgers, answers, &mut report);
    report
}
