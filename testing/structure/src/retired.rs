//! Names and words that the project has replaced.

use crate::source::Source;
use crate::tokens::Kind;
use crate::{Rule, Violation, Workspace};

/// The rule that [`retired_names`] checks.
pub const RULE: Rule = Rule {
    rule: "Sources, scripts, configuration and documents do not contain a retired name. CHANGELOG.md is an exception.",
    reason: "One thing has one name (see the glossary in ARCHITECTURE.md). A retired name leads readers to code that no \
        longer exists.",
    remedy: "Use the replacement. testing/structure/src/retired.rs lists it next to the retired name.",
};

/// A retired name, and its replacement.
type Retired = (&'static str, &'static str);

/// Words that the glossary replaces. They are searched for in all text, in upper and lower case, and as parts of a name
/// in `snake_case`.
const WORDS: &[Retired] = &[
    ("books", "ledgers"),
    ("card network", "payment gateway"),
    ("floors", "layers"),
    ("judge", "checker"),
    ("judged", "checked"),
    ("judgement", "report"),
    ("pieces", "units (of goods), or processes (of ./dev)"),
    ("settle", "void"),
];

/// Names that cannot be ordinary English. They are searched for in all text, as whole names.
const NAMES: &[Retired] = &[
    ("ALREADY_PAID", "ORDER_ALREADY_PAID"),
    ("AsDatabaseError", "HasSqlxError"),
    ("by_itself", "detached"),
    ("Cancel::Decide", "Cancel::MarkCancelling"),
    ("Cancel::Decided", "Cancel::AlreadyDecided"),
    ("CancelDecided", "CancelDecision"),
    ("command_at_last", "command_until_done"),
    ("Conflict::Cancelled", "Conflict::SagaCancelled"),
    ("database::answer", "ApiError::database"),
    ("documented.rs", "openapi.rs"),
    ("EngineError", "TemporalError"),
    ("Error::Moving", "the conflict ORDER_CONFLICT"),
    ("Fingerprint::of", "fingerprint()"),
    ("is_for", "one name for the owner of a key"),
    ("is_of", "one name for the owner of a key"),
    ("is_sound", "is_consistent"),
    ("Keys::first", "single flight"),
    ("temporal/ages.rs", "stuck/waiting_since.rs"),
    ("temporal/pending.rs", "stuck/mod.rs"),
    ("orders/keys.rs", "orders/single_flight.rs"),
    ("own_outcome", "one name for the owner of a key"),
    ("Pay::Cancelled", "Pay::SagaCancelled"),
    ("Reserve::Decide", "Reserve::Allocate"),
    ("saga_step_calls_total", "saga_step_attempts_total"),
    ("saga_steps_total", "saga_step_requests_total"),
    ("Started::Before", "already exists"),
    ("Started::Now", "started"),
    ("TwiceAtOnce", "TwiceInParallel"),
    ("Verdict::Cancelled", "Verdict::KeyCancelled"),
];

/// Names that are ordinary English words, too. They are searched for in Rust code, and between backticks in comments
/// and Markdown. In Python files, this applies only to names that begin with an upper-case letter.
const IDENTIFIERS: &[Retired] = &[
    ("Ages", "waiting since"),
    ("AT_ONCE", "a name that tells what the constant limits"),
    ("AWAY", "a name that tells what is unavailable"),
    ("Door", "draining listener"),
    ("Floor", "Layer"),
    ("Habits", "LoadProfile"),
    ("Known", "workflow info"),
    ("LOOK", "a name that tells what is checked"),
    ("LOST", "a name that tells what is lost"),
    ("owns", "one name for the owner of a key"),
    ("Patience", "stuck thresholds"),
    ("room", "in-flight limit"),
    ("Said", "Promise"),
    ("silence", "no pending activity"),
    ("SILENCE", "a name that tells what does not answer"),
    ("Trouble", "CliError"),
    ("turns", "start slots"),
    ("Unread", "body error"),
    ("World", "TestSystem"),
];

const EXTENSIONS: [&str; 9] = [".rs", ".py", ".sh", ".yml", ".yaml", ".sql", ".md", ".toml", ".patch"];
/// Programs without a file extension.
const SCRIPTS: [&str; 2] = ["dev", ".ci/run"];
/// This file lists the names, and the changelog says which names were replaced.
const EXEMPT: [&str; 2] = ["testing/structure/src/retired.rs", "CHANGELOG.md"];

/// All places that contain a retired name.
#[must_use]
pub fn retired_names(workspace: &Workspace) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, text) in workspace.files.iter().filter(|(path, _)| is_checked(path)) {
        let place = |name: &Retired| Violation::of(path, describe(name));
        violations.extend(WORDS.iter().filter(|(word, _)| contains_word(path, word)).map(place));
        for (line, number) in text.lines().zip(1..) {
            violations.extend(retired_in(path, line).map(|name| Violation::at(path, number, describe(name))));
        }
    }
    violations.extend(workspace.sources.iter().filter(|source| is_checked(&source.path)).flat_map(retired_in_code));
    violations
}

fn is_checked(path: &str) -> bool {
    let has_kind = EXTENSIONS.iter().any(|extension| path.ends_with(extension)) || SCRIPTS.contains(&path);
    has_kind && !EXEMPT.contains(&path)
}

fn describe((name, replacement): &Retired) -> String {
    format!("contains `{name}`; the replacement is: {replacement}")
}

fn retired_in<'a>(path: &'a str, line: &'a str) -> impl Iterator<Item = &'static Retired> + 'a {
    let words = WORDS.iter().filter(|(word, _)| contains_word(line, word));
    let names = NAMES.iter().filter(|(name, _)| contains_name(line, name));
    let identifiers = IDENTIFIERS.iter().filter(|(name, _)| {
        if path.ends_with(".py") {
            name.starts_with(char::is_uppercase) && contains_name(line, name)
        } else {
            is_prose(path, line) && line.split('`').skip(1).step_by(2).any(|code| contains_name(code, name))
        }
    });
    words.chain(names).chain(identifiers)
}

/// Whether backticks in this line mark code.
fn is_prose(path: &str, line: &str) -> bool {
    path.ends_with(".md") || (path.ends_with(".rs") && line.trim_start().starts_with("//"))
}

fn retired_in_code(source: &Source) -> Vec<Violation> {
    let words = source.tokens.iter().filter(|token| token.kind == Kind::Word);
    let found = words.filter_map(|token| Some((IDENTIFIERS.iter().find(|(name, _)| token.text == *name)?, token.line)));
    found.map(|(name, line)| Violation::at(&source.path, line, describe(name))).collect()
}

fn contains_word(text: &str, word: &str) -> bool {
    contains(&text.to_lowercase(), word, char::is_alphanumeric)
}

fn contains_name(text: &str, name: &str) -> bool {
    contains(text, name, |c| c.is_alphanumeric() || c == '_')
}

/// Whether the text contains the name, and no character next to it could be a part of it.
fn contains(text: &str, name: &str, is_part: fn(char) -> bool) -> bool {
    text.match_indices(name).any(|(start, _)| {
        let (before, after) = (&text[..start], &text[start + name.len()..]);
        !before.ends_with(is_part) && !after.starts_with(is_part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        retired_names(&Workspace::of(&[(path, text)])).iter().map(Violation::to_string).collect()
    }

    #[test]
    fn a_retired_word_is_found_in_every_kind_of_file() {
        for path in ["docs/a.md", "x/a.sh", "x/a.sql", "x/a.py", "x/a.yml", "dev"] {
            assert_eq!(found(path, "-- Settle it").len(), 1, "{path}");
        }
        assert_eq!(found("x/src/a.rs", "fn settle_payment() {}\n// the Card Network").len(), 2);
        assert_eq!(found("x/src/judge.rs", ""), ["x/src/judge.rs: contains `judge`; the replacement is: checker"]);
    }

    #[test]
    fn a_retired_name_is_found_only_as_a_whole_name() {
        let metric = "docs/a.md:2: contains `saga_steps_total`; the replacement is: saga_step_requests_total";
        assert_eq!(found("docs/a.md", "\nsaga_steps_total{}"), [metric]);
        assert_eq!(found("x/src/a.rs", "fn f() { Keys::first(); }").len(), 1);
        assert_eq!(found("docs/a.md", "ORDER_ALREADY_PAID, this_is_form, unsettled, bookshop"), Vec::<String>::new());
    }

    #[test]
    fn an_ordinary_word_is_retired_only_as_an_identifier() {
        assert_eq!(found("x/src/a.rs", "enum Known { A }\n/// See `Known`.\n// Known limits.").len(), 2);
        assert_eq!(found("docs/a.md", "Known limits of `Known`.\nThe front Door.").len(), 1);
        assert_eq!(found("devtools/a.py", "class Trouble(Exception):\n    # The user owns it.").len(), 1);
    }

    #[test]
    fn the_changelog_may_name_what_was_replaced() {
        assert_eq!(found("CHANGELOG.md", "`payment.settle` is now `payment.void`."), Vec::<String>::new());
    }
}
