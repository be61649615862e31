//! The migrations of the databases.

use std::collections::BTreeMap;

use crate::{Rule, Violation, Workspace};

/// The rule that [`broken_migrations`] checks.
pub const RULE: Rule = Rule {
    rule: "Migrations are numbered from 0001 without gaps. A file has one statement, with one change, in a form that \
        common/src/database/schema/change.rs lists. It does not block or break the previous release. Tables are InnoDB; \
        `saga_id` is ascii_bin and has a unique or primary key.",
    reason: "MySQL commits a schema change immediately, so a kill can come between a statement and its record. With one \
        change per file, the schema shows whether the statement took effect. The previous release runs at the same time. \
        The unique key makes a repeated step find its first run; ascii_bin distinguishes `order-A` from `order-a`.",
    remedy: "Follow CONTRIBUTING.md, \"Add a migration\".",
};

/// The source file with the list of allowed forms.
const FORMS: &str = "common/src/database/schema/change.rs";

/// Statements that no form allows, each with the reason.
const REFUSED: [(&str, &str); 7] = [
    ("RENAME ", "renames, and the previous release uses the old name: add the new one, drop the old one later"),
    ("CHANGE ", "renames: use MODIFY COLUMN, which keeps the name"),
    ("CREATE INDEX ", "creates an index: use ALTER TABLE … ADD INDEX name"),
    ("CREATE UNIQUE INDEX ", "creates an index: use ALTER TABLE … ADD UNIQUE INDEX name"),
    (" COLUMN IF ", "uses IF for a column, which MySQL does not have; it is not needed"),
    (" INDEX IF ", "uses IF for an index, which MySQL does not have; it is not needed"),
    ("CREATE OR REPLACE ", "replaces: a second run would lose what the first one made"),
];

/// All files that break the rule.
#[must_use]
pub fn broken_migrations(workspace: &Workspace) -> Vec<Violation> {
    let forms = Forms::of(workspace.files.get(FORMS).map_or("", String::as_str));
    let mut folders: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut violations = Vec::new();
    for (path, text) in &workspace.files {
        let Some((folder, name)) = path.rsplit_once('/').filter(|_| path.ends_with(".sql")) else { continue };
        if folder.rsplit('/').next().is_some_and(|last| last.starts_with("migrations")) {
            folders.entry(folder).or_default().push(name);
            violations.extend(faults(text, &forms).into_iter().map(|fault| Violation::of(path, fault)));
        }
    }
    for (folder, names) in folders {
        let wrong = names.iter().zip(1..).filter(|(name, number)| !name.starts_with(&format!("{number:04}_")));
        violations.extend(wrong.map(|(name, number)| {
            Violation::of(&format!("{folder}/{name}"), format!("the next number is {number:04}"))
        }));
    }
    violations
}

fn faults(text: &str, forms: &Forms) -> Vec<&'static str> {
    let sql = plain(text);
    let statement = sql.trim_end().trim_end_matches(';').trim_end();
    let mut faults = Vec::new();
    if statement.contains(';') {
        faults.push("has more than one statement");
    }
    if !forms.have(statement) {
        let refused = REFUSED.iter().find(|(start, _)| statement.contains(start));
        faults.push(refused.map_or("has no form that is safe after a kill", |(_, why)| why));
    } else if let Some(change) = change(statement) {
        faults.extend(faults_of_change(statement, change));
    } else if statement.starts_with("CREATE TABLE") {
        faults.extend(faults_of_table(statement));
    }
    faults
}

/// What an `ALTER TABLE` does, after the table's name.
fn change(statement: &str) -> Option<&str> {
    statement.strip_prefix("ALTER TABLE ")?.split_once(' ').map(|(_, change)| change)
}

/// The previous release must keep working: a change that copies the table would block the writes of that release, and
/// its INSERT statements do not name a new column.
fn faults_of_change(statement: &str, change: &str) -> Vec<&'static str> {
    let options = ["ALGORITHM = ", "LOCK = "];
    let changes = split(change).into_iter().filter(|part| !options.iter().any(|option| part.starts_with(option)));
    let adds_index = change.starts_with("ADD INDEX ") || change.starts_with("ADD UNIQUE INDEX ");
    let adds_column = change.starts_with("ADD COLUMN ");
    let faults = [
        (changes.count() > 1, "has more than one change"),
        (adds_column && !statement.ends_with(", ALGORITHM = INSTANT"), "does not end with `, ALGORITHM = INSTANT`"),
        (
            adds_column && change.contains(" NOT NULL") && !change.contains(" DEFAULT "),
            "adds a column that is NOT NULL without a DEFAULT: an INSERT of the previous release would fail",
        ),
        (
            adds_index && !statement.ends_with(", ALGORITHM = INPLACE, LOCK = NONE"),
            "does not end with `, ALGORITHM = INPLACE, LOCK = NONE`",
        ),
    ];
    faults.into_iter().filter(|(is, _)| *is).map(|(_, fault)| fault).collect()
}

fn faults_of_table(statement: &str) -> Vec<&'static str> {
    let mut faults = Vec::new();
    if !statement.contains("ENGINE = INNODB") {
        faults.push("is not ENGINE = InnoDB");
    }
    let parts = split(brackets(statement));
    if let Some(column) = parts.iter().find(|part| part.starts_with("SAGA_ID ")) {
        let is_key = |part: &str| part.starts_with("PRIMARY KEY") || part.starts_with("UNIQUE");
        let has_key = ["PRIMARY KEY", "UNIQUE"].iter().any(|key| column.contains(key))
            || parts.iter().any(|part| is_key(part) && words(part).any(|word| word == "SAGA_ID"));
        if !has_key {
            faults.push("`saga_id` is under no unique or primary key");
        }
        if !column.contains("CHARACTER SET ASCII COLLATE ASCII_BIN") {
            faults.push("`saga_id` is not ascii_bin");
        }
    }
    faults
}

/// The SQL in upper case, with one space between words, without comments and quoted text.
fn plain(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(|line| line.split("--").next().unwrap_or_default()).collect();
    let unquoted: String = lines.join(" ").split('\'').step_by(2).collect::<Vec<_>>().join("''");
    unquoted.replace('`', "").to_ascii_uppercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The text between the first bracket and the one that closes it.
fn brackets(statement: &str) -> &str {
    let Some((_, rest)) = statement.split_once('(') else { return "" };
    let mut depth = 1;
    let end = rest.find(|c| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        depth == 0
    });
    &rest[..end.unwrap_or(rest.len())]
}

/// The parts between commas. Commas in brackets are ignored.
fn split(text: &str) -> Vec<&str> {
    let mut depth = 0;
    let parts = text.split(|c| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        c == ',' && depth == 0
    });
    parts.map(str::trim).collect()
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

/// The forms that a migration may have, as the program code lists them.
struct Forms {
    /// The first words of each form. `_` stands for a name.
    forms: Vec<String>,
    /// Keywords that are not names.
    keywords: Vec<String>,
}

impl Forms {
    fn of(code: &str) -> Self {
        let quoted = |list: &str| {
            let (_, after) = code.split_once(list).unwrap_or_default();
            let (inside, _) = after.split_once("];").unwrap_or_default();
            inside.split('"').skip(1).step_by(2).map(str::to_owned).collect()
        };
        Self { forms: quoted("const FORMS:"), keywords: quoted("const NOT_NAMES:") }
    }

    fn have(&self, statement: &str) -> bool {
        let statement = statement.replace('(', " ( ");
        let words: Vec<&str> = statement.split_whitespace().collect();
        self.forms.iter().any(|form| self.fits(form, &words))
    }

    fn fits(&self, form: &str, words: &[&str]) -> bool {
        let is_name = |word: &str| {
            word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !self.keywords.iter().any(|k| k == word)
        };
        let form: Vec<&str> = form.split(' ').collect();
        form.len() <= words.len()
            && form.iter().zip(words).all(|(part, word)| if *part == "_" { is_name(word) } else { part == word })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: &str = r#"
        const FORMS: [(&str, Effect); 5] = [
            ("CREATE TABLE IF NOT EXISTS _", Effect::Repeatable),
            ("ALTER TABLE _ ADD COLUMN _", Effect::Adds(Part::Column)),
            ("ALTER TABLE _ ADD INDEX _", Effect::Adds(Part::Index)),
            ("ALTER TABLE _ ADD CONSTRAINT _", Effect::Adds(Part::Constraint)),
            ("UPDATE _", Effect::Repeatable),
        ];
        const NOT_NAMES: [&str; 2] = ["IF", "CHECK"];"#;

    const GOOD: &str = "-- A; b.
        CREATE TABLE IF NOT EXISTS a (
            saga_id VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
            step CHAR(8),
            n DECIMAL(15, 2) DEFAULT ';',
            UNIQUE KEY k (saga_id, step)
        ) ENGINE = InnoDB;\n";

    fn found(text: &str) -> Vec<String> {
        let workspace = Workspace::of(&[("x/migrations/0001_a.sql", text), (FORMS, CODE)]);
        broken_migrations(&workspace).into_iter().map(|v| v.fault).collect()
    }

    #[test]
    fn each_fault_of_a_table_is_found() {
        assert_eq!(found(GOOD), Vec::<String>::new());
        for (good, bad, fault) in [
            ("InnoDB;", "InnoDB; SELECT 1", "more than one statement"),
            ("IF NOT EXISTS ", "", "no form"),
            ("InnoDB", "MyISAM", "InnoDB"),
            ("UNIQUE KEY", "KEY", "under no unique"),
            ("COLLATE ascii_bin", "COLLATE ascii_general_ci", "ascii_bin"),
        ] {
            let faults = found(&GOOD.replace(good, bad));
            assert!(faults.len() == 1 && faults[0].contains(fault), "{fault}: {faults:?}");
        }
    }

    #[test]
    fn an_addition_that_does_not_disturb_the_previous_release_is_accepted() {
        for sql in [
            "-- Why, and; what.\nALTER TABLE a ADD COLUMN b DECIMAL(15, 2) NULL, ALGORITHM = INSTANT",
            "ALTER TABLE `a`\n  ADD COLUMN `b` INT NOT NULL DEFAULT 1,\n  ALGORITHM = INSTANT;\n",
            "ALTER TABLE a ADD INDEX a_by_b (b, c), ALGORITHM = INPLACE, LOCK = NONE",
            "ALTER TABLE a ADD CONSTRAINT b_is_positive CHECK (b > 0)",
            "UPDATE a SET b = 1 WHERE b IS NULL",
        ] {
            assert_eq!(found(sql), Vec::<String>::new(), "{sql}");
        }
    }

    #[test]
    fn each_fault_of_a_change_is_found() {
        for (sql, fault) in [
            ("ALTER TABLE a ADD COLUMN b INT, ADD COLUMN c INT, ALGORITHM = INSTANT", "more than one change"),
            ("ALTER TABLE a ADD COLUMN b INT", "does not end with `, ALGORITHM = INSTANT`"),
            ("ALTER TABLE a ADD COLUMN b INT NOT NULL, ALGORITHM = INSTANT", "INSERT of the previous release"),
            ("ALTER TABLE a ADD INDEX b (b), ALGORITHM = INPLACE", "LOCK = NONE"),
        ] {
            let faults = found(sql);
            assert!(faults.len() == 1 && faults[0].contains(fault), "{sql}: {faults:?}");
        }
    }

    #[test]
    fn a_statement_without_a_form_is_refused_with_the_reason() {
        for (sql, fault) in [
            ("ALTER TABLE a ADD COLUMN IF NOT EXISTS b INT, ALGORITHM = INSTANT", "MySQL does not have"),
            ("ALTER TABLE a RENAME COLUMN b TO c", "renames"),
            ("RENAME TABLE a TO b", "renames"),
            ("ALTER TABLE a CHANGE b c INT", "renames"),
            ("CREATE INDEX b ON a (b)", "ADD INDEX name"),
            ("CREATE UNIQUE INDEX b ON a (b)", "ADD UNIQUE INDEX name"),
            ("ALTER TABLE a ADD INDEX (b)", "no form"),
            ("ALTER TABLE a ADD CONSTRAINT CHECK (b > 0)", "no form"),
            ("ALTER TABLE a ADD b INT", "no form"),
            ("CREATE OR REPLACE TABLE a (b INT)", "replaces"),
            ("TRUNCATE TABLE a", "no form"),
            ("", "no form"),
        ] {
            let faults = found(sql);
            assert!(faults.len() == 1 && faults[0].contains(fault), "{sql}: {faults:?}");
        }
    }

    #[test]
    fn a_gap_in_the_numbers_is_found() {
        let files = |second| [("x/migrations/0001_a.sql", GOOD), (second, GOOD), (FORMS, CODE)];
        assert_eq!(broken_migrations(&Workspace::of(&files("x/migrations/0002_b.sql"))).len(), 0);
        for second in ["x/migrations/0003_b.sql", "x/migrations/0001_b.sql", "y/migrations-gateway/2_b.sql"] {
            assert_eq!(broken_migrations(&Workspace::of(&files(second))).len(), 1, "{second}");
        }
    }
}
