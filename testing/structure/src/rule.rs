//! A rule of this workspace, and the report of its violations.

use std::fmt;

/// A rule, in the words that a developer reads when a change breaks it.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// What must be true.
    pub rule: &'static str,
    /// Why the rule exists.
    pub reason: &'static str,
    /// How to follow the rule.
    pub remedy: &'static str,
}

/// A place that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// `path` or `path:line`.
    pub place: String,
    /// What is wrong at this place.
    pub fault: String,
}

impl Violation {
    /// A violation in one line of a file.
    #[must_use]
    pub fn at(path: &str, line: usize, fault: impl Into<String>) -> Self {
        Self { place: format!("{path}:{line}"), fault: fault.into() }
    }

    /// A violation of a whole file or folder.
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
    /// Fails the test if there are violations, with a message that explains how to correct them.
    ///
    /// # Panics
    /// Panics if the rule is broken.
    #[track_caller]
    pub fn holds(&self, violations: &[Violation]) {
        assert!(violations.is_empty(), "{}", self.report(violations));
    }

    fn report(&self, violations: &[Violation]) -> String {
        let places: String = violations.iter().map(|violation| format!("\n  {violation}")).collect();
        format!("\nrule:   {}\nreason: {}\nremedy: {}\nplaces:{places}\n", self.rule, self.reason, self.remedy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Rule = Rule { rule: "No file contains x.", reason: "x is unsafe.", remedy: "Use y." };

    #[test]
    fn a_report_contains_the_rule_the_reason_the_remedy_and_the_place() {
        let report = RULE.report(&[Violation::at("a.rs", 3, "x")]);
        for part in ["No file contains x.", "x is unsafe.", "Use y.", "a.rs:3: x"] {
            assert!(report.contains(part), "{report}");
        }
    }

    #[test]
    #[should_panic(expected = "Use y.")]
    fn a_broken_rule_fails_the_test() {
        RULE.holds(&[Violation::of("a.rs", "x")]);
    }
}
