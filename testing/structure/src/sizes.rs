//! The maximum length of files and functions.

use crate::source::Source;
use crate::tokens::{Kind, Token};
use crate::{Rule, Violation, Workspace};

/// The maximum number of lines of a Rust file.
const FILE: usize = 400;
/// The maximum number of lines of a main.rs.
const MAIN: usize = 40;
/// The maximum number of lines of a Python file.
const PYTHON: usize = 300;
/// The maximum number of lines of a function outside tests, from `fn` to the closing brace.
const FUNCTION: usize = 80;
/// The maximum median length, in lines, of all functions outside tests.
const MEDIAN: usize = 15;

/// The rule that [`long_files`] checks.
pub const FILES: Rule = Rule {
    rule: "A Rust file has at most 400 lines, a main.rs at most 40, a Python file at most 300.",
    reason: "A reader reads a file as a whole, and a long file has more than one topic. Tests cannot call the code of a \
        main.rs.",
    remedy: "Split the file by topic into a folder with a mod.rs. Move the code of a main.rs into the library.",
};

/// The rule that [`long_functions`] checks.
pub const FUNCTIONS: Rule = Rule {
    rule: "A function outside tests has at most 80 lines. At least half of these functions have at most 15 lines.",
    reason: "A function fits on a screen and does the one thing that its name tells.",
    remedy: "Move parts of the longest functions into new functions.",
};

/// A function with its first line and its number of lines.
#[derive(Debug, PartialEq, Eq)]
struct Function {
    name: String,
    line: usize,
    lines: usize,
}

/// All files that are too long.
#[must_use]
pub fn long_files(workspace: &Workspace) -> Vec<Violation> {
    let fault = |(path, text): (&String, &String)| {
        let (lines, limit) = (text.lines().count(), limit(path)?);
        (lines > limit).then(|| Violation::of(path, format!("{lines} lines, limit {limit}")))
    };
    workspace.files.iter().filter_map(fault).collect()
}

fn limit(path: &str) -> Option<usize> {
    match path {
        _ if path.ends_with("/main.rs") => Some(MAIN),
        _ if path.ends_with(".rs") => Some(FILE),
        _ if path.ends_with(".py") => Some(PYTHON),
        _ => None,
    }
}

/// All functions that are too long, and the median if it is too high.
#[must_use]
pub fn long_functions(workspace: &Workspace) -> Vec<Violation> {
    let (mut violations, mut lengths) = (Vec::new(), Vec::new());
    for source in &workspace.sources {
        for Function { name, line, lines } in functions(source) {
            lengths.push(lines);
            if lines > FUNCTION {
                violations.push(Violation::at(&source.path, line, format!("`{name}` has {lines} lines")));
            }
        }
    }
    lengths.sort_unstable();
    let median = lengths.get(lengths.len() / 2).copied().unwrap_or_default();
    if median > MEDIAN {
        violations.push(Violation::of("all functions", format!("the median is {median} lines")));
    }
    violations
}

fn functions(source: &Source) -> Vec<Function> {
    let code = source.code();
    let starts = code.windows(2).enumerate().filter(|(_, pair)| pair[0].is("fn") && pair[1].kind == Kind::Word);
    starts
        .filter_map(|(i, pair)| {
            let (line, end) = (pair[0].line, last_line(&code[i..])?);
            Some(Function { name: pair[1].text.clone(), line, lines: end + 1 - line })
        })
        .collect()
}

/// The line of the closing brace of the function that begins here, or `None` if the function has no body.
fn last_line(code: &[&Token]) -> Option<usize> {
    let (mut depth, mut in_body) = (0_usize, false);
    for token in code {
        match token.kind {
            Kind::Open => {
                in_body |= depth == 0 && token.is("{");
                depth += 1;
            }
            Kind::Close => depth = depth.checked_sub(1)?,
            _ if depth == 0 && token.is(";") => return None,
            _ => {}
        }
        if in_body && depth == 0 {
            return Some(token.line);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(lines: usize) -> String {
        format!("fn long(a: [u8; 2]) {{{}}}\n", "\n".repeat(lines - 1))
    }

    #[test]
    fn long_files_of_each_kind_are_found() {
        let lines = |n: usize| "//\n".repeat(n);
        let files = |extra: usize| {
            let paths = ["x/src/a.rs", "x/src/main.rs", "devtools/a.py", "docs/a.md"];
            let limits = [FILE, MAIN, PYTHON, 9999];
            let texts = limits.map(|limit| lines(limit + extra));
            long_files(&Workspace::of(&std::array::from_fn::<_, 4, _>(|i| (paths[i], texts[i].as_str())))).len()
        };
        assert_eq!((files(0), files(1)), (0, 3));
    }

    #[test]
    fn a_long_function_is_found_unless_it_is_a_test() {
        let short = "fn a() {}\n".repeat(3);
        let found = |text: &str| long_functions(&Workspace::of(&[("x/src/a.rs", &format!("{short}{text}"))])).len();
        assert_eq!((found(&function(80)), found(&function(81))), (0, 1));
        assert_eq!(found(&format!("#[cfg(test)]\nmod tests {{\n{}}}", function(81))), 0);
    }

    #[test]
    fn a_high_median_is_found() {
        let text = function(16).repeat(3);
        let found = long_functions(&Workspace::of(&[("x/src/a.rs", &text)]));
        assert_eq!(found, [Violation::of("all functions", "the median is 16 lines")]);
    }

    #[test]
    fn a_function_without_a_body_is_not_counted() {
        let source = Source::new("x/src/a.rs", "trait T { fn a(&self); fn b(f: fn(u8)) -> u8 {\n 1\n} }");
        assert_eq!(functions(&source), [Function { name: "b".to_owned(), line: 1, lines: 3 }]);
    }
}
