//! The checker's report.

use std::fmt;

/// One observation of the checker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The saga's id, or the name of a total.
    pub subject: String,
    /// What the checker found.
    pub text: String,
}

/// The checker's report.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// The number of sagas that ended CONFIRMED without an error.
    pub confirmed: usize,
    /// The number of sagas that ended CANCELLED without an error.
    pub cancelled: usize,
    /// The unfinished sagas, each with the rows that are not final.
    pub unfinished: Vec<Finding>,
    /// All errors.
    pub errors: Vec<Finding>,
}

impl Report {
    pub(crate) fn error(&mut self, subject: &str, text: impl Into<String>) {
        self.errors.push(Finding { subject: subject.to_owned(), text: text.into() });
    }

    pub(crate) fn unfinished(&mut self, saga: &str, text: impl Into<String>) {
        self.unfinished.push(Finding { subject: saga.to_owned(), text: text.into() });
    }

    /// Whether the ledgers and answers agree. Some sagas may be unfinished.
    #[must_use]
    pub fn is_consistent(&self) -> bool {
        self.errors.is_empty()
    }

    /// Whether the ledgers and answers agree and every saga has ended.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.is_consistent() && self.unfinished.is_empty()
    }

    /// What an operator should do about this report.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match (self.is_consistent(), self.unfinished.is_empty()) {
            (false, _) => {
                "The ledgers do not agree. Each ERROR line names a saga. ./dev logs and Temporal's UI show what happened."
            }
            (true, false) => "Unfinished sagas are still running or waiting. Run ./dev check again in a minute.",
            (true, true) => "All ledgers agree, and all sagas have ended.",
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Finding { subject, text } in &self.errors {
            writeln!(f, "ERROR       {subject}: {text}")?;
        }
        for Finding { subject, text } in &self.unfinished {
            writeln!(f, "unfinished  {subject}: {text}")?;
        }
        let (unfinished, errors) = (self.unfinished.len(), self.errors.len());
        write!(
            f,
            "{} confirmed, {} cancelled, {unfinished} unfinished, {errors} errors",
            self.confirmed, self.cancelled
        )
    }
}
