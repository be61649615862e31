//! The databases' migrations.

use std::collections::BTreeMap;

use crate::{Rule, Violation, Workspace};

/// What [`broken_migrations`] keeps.
pub const RULE: Rule = Rule {
    rule: "Migrations are numbered from 0001 without gaps, one re-runnable statement a file; tables are InnoDB; \
        `saga_id` is ascii_bin and under a unique or primary key.",
    reason: "MySQL commits DDL at once: a kill in the middle leaves half a file done, and the next start runs it \
        again. The unique key makes a repeated step find its first run; ascii_bin tells `order-A` from `order-a`.",
    remedy: "One statement a file, CREATE TABLE IF NOT EXISTS (or a first line `-- Re-runnable: why`), ENGINE = \
        InnoDB, `saga_id VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY`.",
};

/// Statements that may run twice.
const REPEATABLE: [&str; 3] = ["CREATE TABLE IF NOT EXISTS ", "CREATE OR REPLACE ", "INSERT IGNORE "];

/// Files that are not so.
#[must_use]
pub fn broken_migrations(workspace: &Workspace) -> Vec<Violation> {
    let mut folders: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut violations = Vec::new();
    for (path, text) in &workspace.files {
        let Some((folder, name)) = path.rsplit_once('/').filter(|_| path.ends_with(".sql")) else { continue };
        if folder.rsplit('/').next().is_some_and(|last| last.starts_with("migrations")) {
            folders.entry(folder).or_default().push(name);
            violations.extend(faults(text).into_iter().map(|fault| Violation::of(path, fault)));
        }
    }
    for (folder, names) in folders {
        let wrong = names.iter().zip(1..).find(|(name, number)| !name.starts_with(&format!("{number:04}_")));
        violations.extend(wrong.map(|(name, number)| {
            Violation::of(&format!("{folder}/{name}"), format!("the next number is {number:04}"))
        }));
    }
    violations
}

fn faults(text: &str) -> Vec<&'static str> {
    let sql = plain(text);
    let statement = sql.trim_end().trim_end_matches(';');
    let is_table = statement.starts_with("CREATE TABLE");
    let may_run_twice =
        REPEATABLE.iter().any(|start| statement.starts_with(start)) || text.starts_with("-- Re-runnable: ");
    let mut faults = Vec::new();
    let mut fault = |is: bool, what| faults.extend(is.then_some(what));
    fault(statement.contains(';'), "has more than one statement");
    fault(!may_run_twice, "may not run twice");
    fault(is_table && !statement.contains("ENGINE = INNODB"), "is not ENGINE = InnoDB");
    let parts = if is_table { definitions(statement) } else { Vec::new() };
    if let Some(column) = parts.iter().find(|part| part.starts_with("SAGA_ID ")) {
        let is_key = |part: &str| part.starts_with("PRIMARY KEY") || part.starts_with("UNIQUE");
        let has_key = ["PRIMARY KEY", "UNIQUE"].iter().any(|key| column.contains(key))
            || parts.iter().any(|part| is_key(part) && words(part).any(|word| word == "SAGA_ID"));
        fault(!has_key, "`saga_id` is under no unique or primary key");
        fault(!column.contains("CHARACTER SET ASCII COLLATE ASCII_BIN"), "`saga_id` is not ascii_bin");
    }
    faults
}

/// Upper case, one space between words, no comments, no text in quotes.
fn plain(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(|line| line.split("--").next().unwrap_or_default()).collect();
    let unquoted: String = lines.join(" ").split('\'').step_by(2).collect::<Vec<_>>().join("''");
    unquoted.replace('`', "").to_ascii_uppercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The columns and keys of a table: what commas separate inside its brackets.
fn definitions(statement: &str) -> Vec<&str> {
    let Some(begin) = statement.find('(') else { return Vec::new() };
    let (mut depth, mut start, mut parts) = (0_i32, begin + 1, Vec::new());
    for (i, c) in statement.char_indices().skip(begin) {
        depth += i32::from(c == '(') - i32::from(c == ')');
        if (c == ',' && depth == 1) || depth == 0 {
            parts.push(statement[start..i].trim());
            start = i + 1;
        }
        if depth == 0 {
            break;
        }
    }
    parts
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "-- A; b.
        CREATE TABLE IF NOT EXISTS a (
            saga_id VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
            step CHAR(8),
            n DECIMAL(15, 2) DEFAULT ';',
            UNIQUE KEY k (saga_id, step)
        ) ENGINE = InnoDB;\n";

    fn found(text: &str) -> Vec<String> {
        broken_migrations(&Workspace::of(&[("x/migrations/0001_a.sql", text)])).into_iter().map(|v| v.fault).collect()
    }

    #[test]
    fn each_fault_of_a_statement_is_found() {
        assert_eq!(found(GOOD), Vec::<String>::new());
        for (good, bad, fault) in [
            ("InnoDB;", "InnoDB; SELECT 1", "more than one statement"),
            ("IF NOT EXISTS ", "", "may not run twice"),
            ("InnoDB", "MyISAM", "InnoDB"),
            ("UNIQUE KEY", "KEY", "under no unique"),
            ("COLLATE ascii_bin", "COLLATE ascii_general_ci", "ascii_bin"),
        ] {
            let faults = found(&GOOD.replace(good, bad));
            assert!(faults.len() == 1 && faults[0].contains(fault), "{fault}: {faults:?}");
        }
    }

    #[test]
    fn a_statement_that_says_why_it_may_run_twice_is_taken() {
        assert_eq!(found("ALTER TABLE a MODIFY b INT").len(), 1);
        assert_eq!(found("-- Re-runnable: MODIFY to the same type does nothing.\nALTER TABLE a MODIFY b INT").len(), 0);
    }

    #[test]
    fn a_gap_in_the_numbers_is_found() {
        let files = |second| [("x/migrations/0001_a.sql", GOOD), (second, GOOD)];
        assert_eq!(broken_migrations(&Workspace::of(&files("x/migrations/0002_b.sql"))).len(), 0);
        for second in ["x/migrations/0003_b.sql", "x/migrations/0001_b.sql", "y/migrations-gateway/2_b.sql"] {
            assert_eq!(broken_migrations(&Workspace::of(&files(second))).len(), 1, "{second}");
        }
    }
}
