//! The one judge of every test: has money or stock been lost or doubled?
//!
//! [`Books::read`] takes what the four databases say, [`check`] compares it saga by saga and in total, and with every
//! [`Answer`] that a client ever got. Each saga must be CONFIRMED with one charge of the right amount and the stock gone
//! once, or CANCELLED with no money kept and the stock back. It reads only.

mod answers;
mod books;
mod report;
mod sagas;
mod totals;

pub use answers::{Answer, Said};
pub use books::{Addresses, Books};
pub use report::{Fault, Report};

/// Compares the books with themselves and with what clients were told.
#[must_use]
pub fn check(books: &Books, answers: &[Answer]) -> Report {
    let mut report = Report::default();
    for saga in books.sagas() {
        sagas::judge(books, saga, &mut report);
    }
    totals::judge(books, &mut report);
    answers::judge(books, answers, &mut report);
    report
}
