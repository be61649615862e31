//! What the check found.

use std::fmt;

/// One thing that must not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The saga, or `total`.
    pub saga: String,
    /// What is wrong.
    pub what: String,
}

/// What the check found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Sagas that ended CONFIRMED, and rightly so.
    pub confirmed: usize,
    /// Sagas that ended CANCELLED, and rightly so.
    pub cancelled: usize,
    /// Sagas that have not come to their end, with the rows that say so.
    pub unfinished: Vec<Fault>,
    /// Everything that is wrong.
    pub faults: Vec<Fault>,
}

impl Report {
    pub(crate) fn fault(&mut self, saga: &str, what: impl Into<String>) {
        self.faults.push(Fault { saga: saga.to_owned(), what: what.into() });
    }

    pub(crate) fn unfinished(&mut self, saga: &str, what: impl Into<String>) {
        self.unfinished.push(Fault { saga: saga.to_owned(), what: what.into() });
    }

    /// Nothing is wrong, though something may still be on its way.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.faults.is_empty()
    }

    /// Nothing is wrong, and everything has come to its end.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.is_sound() && self.unfinished.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for fault in &self.faults {
            writeln!(f, "WRONG       {}: {}", fault.saga, fault.what)?;
        }
        for fault in &self.unfinished {
            writeln!(f, "unfinished  {}: {}", fault.saga, fault.what)?;
        }
        write!(
            f,
            "{} confirmed, {} cancelled, {} unfinished, {} wrong",
            self.confirmed,
            self.cancelled,
            self.unfinished.len(),
            self.faults.len()
        )
    }
}
