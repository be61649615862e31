//! Compares the environment variables that the code reads with those that are documented.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::Source;
use crate::tokens::Token;
use crate::{Rule, Violation, Workspace};

/// The rule that [`undocumented_variables`] checks.
pub const RULE: Rule = Rule {
    rule: "docs/configuration.md lists exactly the environment variables that the programs read.",
    reason: "The environment is the only configuration, and this document is the only place where an operator finds it.",
    remedy: "Add the variable to a table of docs/configuration.md, alone and in backticks in the first column. Remove \
        the row of a variable that no program reads.",
};

const DOCUMENT: &str = "docs/configuration.md";

/// The methods of `common::config::Env` and `std::env` that read the variable named by their first argument. `name` is
/// a closure in the orchestrator's config.rs.
const READERS: [&str; 9] = ["text", "parsed", "millis", "count", "secret", "base_url", "var", "var_os", "name"];

/// `Datasource::from_env` reads variables with its prefix and these suffixes.
const DATASOURCE: [&str; 4] = ["_URL", "_USERNAME", "_PASSWORD", "_PASSWORD_FILE"];

/// All variables that are only read or only documented.
#[must_use]
pub fn undocumented_variables(workspace: &Workspace) -> Vec<Violation> {
    let documented = documented(workspace.files.get(DOCUMENT).map_or("", String::as_str));
    let product: BTreeMap<String, String> = workspace.product().flat_map(reads).collect();
    let all: BTreeSet<String> = workspace.sources.iter().flat_map(reads).map(|(variable, _)| variable).collect();
    let missing = product.iter().filter(|(variable, _)| !documented.contains_key(*variable));
    let missing = missing
        .map(|(variable, place)| Violation::of(place, format!("reads `{variable}`, which is not in {DOCUMENT}")));
    let unread = documented.iter().filter(|(variable, _)| !all.contains(*variable));
    let unread =
        unread.map(|(variable, line)| Violation::at(DOCUMENT, *line, format!("no program reads `{variable}`")));
    missing.chain(unread).collect()
}

/// The names in backticks in the first column of all tables, with their line numbers.
fn documented(text: &str) -> BTreeMap<String, usize> {
    let rows =
        text.lines().zip(1..).filter_map(|(line, number)| Some((line.strip_prefix('|')?.split('|').next()?, number)));
    let names = rows.flat_map(|(cell, number)| cell.split('`').skip(1).step_by(2).map(move |name| (name, number)));
    names.filter(|(name, _)| is_variable(name)).map(|(name, number)| (name.to_owned(), number)).collect()
}

/// The variables that the code outside tests reads, each with its place.
fn reads(source: &Source) -> Vec<(String, String)> {
    let code = source.code();
    let is_config = source.path.ends_with("/config.rs");
    let mut reads: Vec<(String, usize)> = Vec::new();
    let mut prefixes = BTreeSet::new();
    for (i, token) in code.iter().enumerate() {
        let calls = code.get(i + 1).is_some_and(|next| next.is("("));
        if calls && token.is("from_env") && i > 1 && code[i - 2].is("Datasource") {
            let prefix = code[i..].iter().take_while(|token| !token.is(")")).find_map(|token| token.string());
            prefixes.extend(prefix);
            reads.extend(DATASOURCE.iter().map(|end| (format!("{}{end}", prefix.unwrap_or_default()), token.line)));
        } else if calls && READERS.iter().any(|reader| token.is(reader)) {
            let argument = code.get(i + 2).and_then(|argument| argument.string()).filter(|text| is_variable(text));
            reads.extend(argument.map(|variable| (variable.to_owned(), token.line)));
            let file = argument.filter(|_| token.is("secret"));
            reads.extend(file.map(|variable| (format!("{variable}_FILE"), token.line)));
        } else if calls && token.is("try_from_default_env") {
            reads.push(("RUST_LOG".to_owned(), token.line));
        } else if is_config {
            reads.extend(lone_variable(token).map(|variable| (variable.to_owned(), token.line)));
        }
    }
    reads.retain(|(variable, _)| !prefixes.contains(variable.as_str()));
    reads.into_iter().map(|(variable, line)| (variable, format!("{}:{line}", source.path))).collect()
}

/// The name of a variable in a string. In a config.rs every string that looks like such a name is one.
fn lone_variable(token: &Token) -> Option<&str> {
    token.string().filter(|text| is_variable(text) && text.contains('_'))
}

fn is_variable(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_uppercase())
        && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: &str =
        "const V: &str = \"IN_CONST\";\nfn f(env: &Env) { env.count(\"IN_CALL\", 1, 2); env.secret(\"PW\");
        Datasource::from_env(env, \"DB\", \"orders\"); std::env::var(\"HOSTNAME\");
        EnvFilter::try_from_default_env(); }";
    const NAMES: [&str; 10] = [
        "DB_PASSWORD",
        "DB_PASSWORD_FILE",
        "DB_URL",
        "DB_USERNAME",
        "HOSTNAME",
        "IN_CALL",
        "IN_CONST",
        "PW",
        "PW_FILE",
        "RUST_LOG",
    ];

    fn faults(document: &str) -> Vec<String> {
        let workspace = Workspace::of(&[("service-x/src/config.rs", CODE), (DOCUMENT, document)]);
        undocumented_variables(&workspace).iter().map(Violation::to_string).collect()
    }

    fn table(names: &[&str]) -> String {
        names.iter().map(|name| format!("| `{name}` | `OTHER_COLUMN` |\n")).collect()
    }

    #[test]
    fn every_way_to_read_a_variable_is_recognized() {
        assert_eq!(faults(&table(&NAMES)), Vec::<String>::new());
        let missing = faults("");
        assert_eq!(missing.len(), NAMES.len(), "{missing:?}");
        assert!(
            NAMES.iter().all(|name| missing.iter().any(|fault| fault.contains(&format!("`{name}`")))),
            "{missing:?}"
        );
    }

    #[test]
    fn a_variable_that_no_program_reads_is_found() {
        let document = format!("{}| `GONE`, `PW` | |\n", table(&NAMES));
        assert_eq!(faults(&document), ["docs/configuration.md:11: no program reads `GONE`"]);
    }
}
