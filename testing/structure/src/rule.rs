//! A rule, and what breaks it.

use std::fmt;

/// A rule of this workspace, as the one who breaks it reads it.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// What holds.
    pub rule: &'static str,
    /// Why.
    pub reason: &'static str,
    /// What to do where it does not hold.
    pub remedy: &'static str,
}

/// A place where a rule does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// `path` or `path:line`.
    pub place: String,
    /// What is wrong there.
    pub fault: String,
}

impl Violation {
    /// In this line of this file.
    #[must_use]
    pub fn at(path: &str, line: usize, fault: impl Into<String>) -> Self {
        Self { place: format!("{path}:{line}"), fault: fault.into() }
    }

    /// In this file as a whole.
    #[must_use]
    pub fn of(path: &str, fault: impl Into<String>) -> Self {
        Self { place: path.to_owned(), fault: fault.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.fault)
    }
}

impl Rule {
    /// Fails the test, with everything one needs to know, if there are violations.
    ///
    /// # Panics
    /// The rule is broken.
    #[track_caller]
    pub fn holds(&self, violations: &[Violation]) {
        assert!(violations.is_empty(), "{}", self.report(violations));
    }

    fn report(&self, violations: &[Violation]) -> String {
        let places: String = violations.iter().map(|violation| format!("\n  {violation}")).collect();
        format!("\nrule: {}\nwhy:  {}\ndo:   {}\nhere:{places}\n", self.rule, self.reason, self.remedy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Rule = Rule { rule: "No x.", reason: "It hurts.", remedy: "Use y." };

    #[test]
    fn a_report_says_the_rule_the_reason_the_remedy_and_the_place() {
        let report = RULE.report(&[Violation::at("a.rs", 3, "x")]);
        for part in ["No x.", "It hurts.", "Use y.", "a.rs:3: x"] {
            assert!(report.contains(part), "{report}");
        }
    }

    #[test]
    #[should_panic(expected = "Use y.")]
    fn a_broken_rule_fails() {
        RULE.holds(&[Violation::of("a.rs", "x")]);
    }
}
