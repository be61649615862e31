//! What a migration's statement changes, and whether the schema shows that it took effect.

use std::fmt;

use sqlx::mysql::MySqlConnection;

/// The forms that a migration may have. `_` stands for a name; the last `_` names what a statement adds or drops.
///
/// The tests in testing/structure read this list, too. A form belongs here if the server runs it as a whole or not at
/// all, and if a second run is harmless or the schema shows that the first run took effect.
const FORMS: [(&str, Effect); 15] = [
    ("CREATE TABLE IF NOT EXISTS _", Effect::Repeatable),
    ("DROP TABLE IF EXISTS _", Effect::Repeatable),
    ("ALTER TABLE _ ADD COLUMN _", Effect::Adds(Part::Column)),
    ("ALTER TABLE _ ADD INDEX _", Effect::Adds(Part::Index)),
    ("ALTER TABLE _ ADD UNIQUE INDEX _", Effect::Adds(Part::Index)),
    ("ALTER TABLE _ ADD CONSTRAINT _", Effect::Adds(Part::Constraint)),
    ("ALTER TABLE _ DROP COLUMN _", Effect::Drops(Part::Column)),
    ("ALTER TABLE _ DROP INDEX _", Effect::Drops(Part::Index)),
    ("ALTER TABLE _ DROP CONSTRAINT _", Effect::Drops(Part::Constraint)),
    // A second run changes nothing.
    ("ALTER TABLE _ MODIFY COLUMN _", Effect::Repeatable),
    ("ALTER TABLE _ ALTER COLUMN _", Effect::Repeatable),
    // These run in one transaction with their record: a kill undoes both.
    ("INSERT INTO _", Effect::Repeatable),
    ("INSERT IGNORE INTO _", Effect::Repeatable),
    ("UPDATE _", Effect::Repeatable),
    ("DELETE FROM _", Effect::Repeatable),
];

/// Keywords that can occur instead of a name: in unnamed constraints, and in `ADD COLUMN IF NOT EXISTS` (MariaDB only).
const NOT_NAMES: [&str; 5] = ["IF", "CHECK", "UNIQUE", "FOREIGN", "PRIMARY"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    Adds(Part),
    Drops(Part),
    Repeatable,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Column,
    Index,
    Constraint,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Change {
    effect: Effect,
    table: String,
    name: String,
}

impl Change {
    pub(super) fn of(sql: &str) -> Option<Self> {
        let words = first_words(sql);
        let (names, effect) = FORMS.iter().find_map(|(form, effect)| Some((names(form, &words)?, *effect)))?;
        let (table, name) = (names.first()?, names.last()?);
        Some(Self { effect, table: table.clone(), name: name.clone() })
    }

    pub(super) async fn is_done(&self, connection: &mut MySqlConnection) -> sqlx::Result<bool> {
        match self.effect {
            Effect::Adds(part) => self.exists(part, connection).await,
            Effect::Drops(part) => Ok(!self.exists(part, connection).await?),
            Effect::Repeatable => Ok(false),
        }
    }

    async fn exists(&self, part: Part, connection: &mut MySqlConnection) -> sqlx::Result<bool> {
        let count = sqlx::query_scalar::<_, i64>(part.count()).bind(&self.table).bind(&self.name);
        Ok(count.fetch_one(connection).await? > 0)
    }
}

impl Part {
    fn label(self) -> &'static str {
        match self {
            Self::Column => "column",
            Self::Index => "index",
            Self::Constraint => "constraint",
        }
    }

    fn count(self) -> &'static str {
        match self {
            Self::Column => {
                "SELECT COUNT(*) FROM information_schema.columns \
                 WHERE table_schema = DATABASE() AND table_name = ? AND column_name = ?"
            }
            Self::Index => {
                "SELECT COUNT(*) FROM information_schema.statistics \
                 WHERE table_schema = DATABASE() AND table_name = ? AND index_name = ?"
            }
            Self::Constraint => {
                "SELECT COUNT(*) FROM information_schema.table_constraints \
                 WHERE table_schema = DATABASE() AND table_name = ? AND constraint_name = ?"
            }
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { effect, table, name } = self;
        match effect {
            Effect::Adds(part) => write!(f, "{} `{name}` of table `{table}` exists", part.label()),
            Effect::Drops(part) => write!(f, "{} `{name}` of table `{table}` does not exist", part.label()),
            Effect::Repeatable => write!(f, "table `{table}` has changed"),
        }
    }
}

/// The first words of a statement, without comments and backticks. A bracket, comma, dot or semicolon counts as a word.
fn first_words(sql: &str) -> Vec<String> {
    let lines = sql.lines().map(|line| line.split("--").next().unwrap_or_default());
    let spaced = lines.flat_map(|line| line.chars().chain(['\n'])).filter(|c| *c != '`').map(|c| match c {
        '(' | ')' | ',' | '.' | ';' => format!(" {c} "),
        other => other.to_string(),
    });
    let text: String = spaced.collect();
    text.split_whitespace().take(8).map(str::to_owned).collect()
}

fn names(form: &str, words: &[String]) -> Option<Vec<String>> {
    let mut names = Vec::new();
    let mut words = words.iter();
    for part in form.split(' ') {
        let word = words.next()?;
        match part {
            "_" if is_name(word) => names.push(word.clone()),
            keyword if word.eq_ignore_ascii_case(keyword) => {}
            _ => return None,
        }
    }
    Some(names)
}

fn is_name(word: &str) -> bool {
    let is_keyword = NOT_NAMES.iter().any(|keyword| word.eq_ignore_ascii_case(keyword));
    !is_keyword && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(effect: Effect, table: &str, name: &str) -> Option<Change> {
        Some(Change { effect, table: table.to_owned(), name: name.to_owned() })
    }

    #[test]
    fn a_statement_says_what_it_adds_or_drops() {
        for (sql, effect, name) in [
            ("ALTER TABLE orders ADD COLUMN note VARCHAR(9) NULL", Effect::Adds(Part::Column), "note"),
            ("-- Why; and (what).\nalter table `orders`\n  add column `note` INT", Effect::Adds(Part::Column), "note"),
            ("ALTER TABLE orders ADD INDEX by_note(note)", Effect::Adds(Part::Index), "by_note"),
            ("ALTER TABLE orders ADD UNIQUE INDEX one_note (note)", Effect::Adds(Part::Index), "one_note"),
            ("ALTER TABLE orders ADD CONSTRAINT short CHECK (note <> '')", Effect::Adds(Part::Constraint), "short"),
            ("ALTER TABLE orders DROP COLUMN note, ALGORITHM = INSTANT", Effect::Drops(Part::Column), "note"),
            ("ALTER TABLE orders DROP INDEX by_note;", Effect::Drops(Part::Index), "by_note"),
            ("ALTER TABLE orders DROP CONSTRAINT short", Effect::Drops(Part::Constraint), "short"),
            ("ALTER TABLE orders MODIFY COLUMN note TEXT", Effect::Repeatable, "note"),
            ("ALTER TABLE orders ALTER COLUMN note SET DEFAULT ''", Effect::Repeatable, "note"),
            ("CREATE TABLE IF NOT EXISTS orders (id INT)", Effect::Repeatable, "orders"),
            ("DROP TABLE IF EXISTS orders", Effect::Repeatable, "orders"),
            ("INSERT IGNORE INTO orders VALUES (1)", Effect::Repeatable, "orders"),
            ("UPDATE orders SET note = ''", Effect::Repeatable, "orders"),
            ("DELETE FROM orders WHERE note = ''", Effect::Repeatable, "orders"),
        ] {
            assert_eq!(Change::of(sql), change(effect, "orders", name), "{sql}");
        }
    }

    #[test]
    fn a_statement_whose_second_run_could_do_harm_has_no_form() {
        for sql in [
            "",
            "SELECT 1",
            "CREATE TABLE orders (id INT)",
            "DROP TABLE orders",
            "RENAME TABLE orders TO purchases",
            "TRUNCATE TABLE orders",
            "CREATE INDEX by_note ON orders (note)",
            "ALTER TABLE orders ADD note INT",
            "ALTER TABLE orders ADD COLUMN IF NOT EXISTS note INT",
            "ALTER TABLE orders ADD INDEX (note)",
            "ALTER TABLE orders ADD UNIQUE (note)",
            "ALTER TABLE orders ADD CONSTRAINT CHECK (note <> '')",
            "ALTER TABLE orders ADD PRIMARY KEY (id)",
            "ALTER TABLE orders RENAME COLUMN note TO remark",
            "ALTER TABLE orders CHANGE COLUMN note remark INT",
            "ALTER TABLE shop.orders ADD COLUMN note INT",
        ] {
            assert_eq!(Change::of(sql), None, "{sql}");
        }
    }
}
