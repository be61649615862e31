//! The share of comments in production code.

use std::collections::BTreeSet;

use crate::source::Source;
use crate::{Rule, Violation, Workspace};

/// The maximum share of comment lines, in percent of the lines that are not blank.
const LIMIT: f64 = 12.0;

/// The rule that [`too_many_comments`] checks.
pub const RULE: Rule = Rule {
    rule: "At most 12 % of the non-blank lines of the four programs and of `common` are comments. Tests do not count.",
    reason: "A reader reads every comment. A comment that repeats the code costs time and becomes wrong.",
    remedy: "Delete comments that repeat the code or a name. Keep those that explain why, a unit, an error or a rule.",
};

/// The comment lines and the non-blank lines of production code.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Lines {
    comments: usize,
    all: usize,
}

/// The crates of the product, if together they have too many comments.
#[must_use]
pub fn too_many_comments(workspace: &Workspace) -> Vec<Violation> {
    let crates = crates(workspace);
    if share(total(&crates)) <= LIMIT {
        return Vec::new();
    }
    crates.into_iter().map(|(package, lines)| Violation::of(package, describe(lines))).collect()
}

/// The share of comments in each crate of the product, as human-readable text.
#[must_use]
pub fn summary(workspace: &Workspace) -> String {
    let mut crates = crates(workspace);
    crates.push(("total", total(&crates)));
    crates.iter().map(|(package, lines)| format!("{package}: {}\n", describe(*lines))).collect()
}

fn total(crates: &[(&str, Lines)]) -> Lines {
    let sum = |field: fn(&Lines) -> usize| crates.iter().map(|(_, lines)| field(lines)).sum();
    Lines { comments: sum(|lines| lines.comments), all: sum(|lines| lines.all) }
}

fn crates(workspace: &Workspace) -> Vec<(&str, Lines)> {
    let mut crates: Vec<(&str, Lines)> = Vec::new();
    for source in workspace.product() {
        if crates.last().is_none_or(|(package, _)| *package != source.package()) {
            crates.push((source.package(), Lines::default()));
        }
        if let Some((_, lines)) = crates.last_mut() {
            let file = count(source);
            *lines = Lines { comments: lines.comments + file.comments, all: lines.all + file.all };
        }
    }
    crates
}

fn count(source: &Source) -> Lines {
    if source.is_test_file() {
        return Lines::default();
    }
    let tests = test_lines(source);
    let lines =
        source.text.lines().zip(1..).filter(|(line, number)| !tests.contains(number) && !line.trim().is_empty());
    lines.fold(Lines::default(), |lines, (line, _)| Lines {
        comments: lines.comments + usize::from(line.trim_start().starts_with("//")),
        all: lines.all + 1,
    })
}

/// The numbers of all lines from the first to the last token of each test item.
fn test_lines(source: &Source) -> BTreeSet<usize> {
    let items = source.tokens.chunk_by(|one, next| one.is_test == next.is_test).filter(|item| item[0].is_test);
    items.flat_map(|item| item[0].line..=item[item.len() - 1].line).collect()
}

#[expect(clippy::cast_precision_loss, reason = "a number of lines is small")]
fn share(lines: Lines) -> f64 {
    100.0 * lines.comments as f64 / lines.all.max(1) as f64
}

fn describe(lines: Lines) -> String {
    format!("{:.1} % ({} of {} lines)", share(lines), lines.comments, lines.all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_with_too_many_comments_are_found() {
        let code = "fn f() {}\n\n".repeat(22);
        let found = |comments: usize| {
            let commented = format!("{}{code}", "    // Why.\n".repeat(comments));
            too_many_comments(&Workspace::of(&[("x/src/a.rs", &commented), ("y/src/a.rs", &code)]))
        };
        assert_eq!(found(6), []);
        let crates = [Violation::of("x", "24.1 % (7 of 29 lines)"), Violation::of("y", "0.0 % (0 of 22 lines)")];
        assert_eq!(found(7), crates);
    }

    #[test]
    fn comments_in_tests_do_not_count() {
        let text =
            "/// Why.\nfn f() {}\n#[cfg(test)]\nmod tests {\n    // A test.\n    fn g() {}\n    // Its end.\n}\n";
        let lines = |path: &str| count(&Source::new(path, text));
        assert_eq!(lines("x/src/a.rs"), Lines { comments: 1, all: 2 });
        assert_eq!(lines("x/src/tests.rs"), Lines::default());
        assert_eq!(summary(&Workspace::of(&[("testing/x/src/a.rs", text)])), "total: 0.0 % (0 of 0 lines)\n");
    }
}
