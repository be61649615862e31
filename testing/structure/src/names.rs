//! The names of files and modules.

use crate::source::Source;
use crate::tokens::Kind;
use crate::{Rule, Violation, Workspace};

/// The rule that [`meaningless_names`] checks.
pub const NAMES: Rule = Rule {
    rule: "No file or module is called util(s), helper(s), misc, types, shared or common.",
    reason: "Such a name does not tell what belongs there, so unrelated code collects in it.",
    remedy: "Choose a name that tells what the module contains or does, such as `retry`, `ids` or `fingerprint`.",
};

/// The rule that [`split_modules`] checks.
pub const FOLDERS: Rule = Rule {
    rule: "A module with submodules is a folder with a mod.rs. A file foo.rs and a folder foo/ do not exist together.",
    reason: "All modules have one form, and a folder contains its whole module.",
    remedy: "Move foo.rs to foo/mod.rs.",
};

/// The rule that [`files_without_description`] checks.
pub const DESCRIPTIONS: Rule = Rule {
    rule: "Every Rust file begins with a line `//! …`.",
    reason: "A reader learns the purpose of the file first, and an author sees which code belongs in it.",
    remedy: "Describe the purpose of the file in its first line.",
};

const MEANINGLESS: [&str; 8] = ["util", "utils", "helper", "helpers", "misc", "types", "shared", "common"];

/// For this file the word `shared` is precise: all tests of a process share these servers.
const ALLOWED: [&str; 1] = ["testing/harness/src/servers/shared.rs"];

/// All files and modules with a meaningless name.
#[must_use]
pub fn meaningless_names(workspace: &Workspace) -> Vec<Violation> {
    workspace
        .sources
        .iter()
        .filter(|source| !ALLOWED.contains(&source.path.as_str()))
        .flat_map(meaningless_names_in)
        .collect()
}

fn meaningless_names_in(source: &Source) -> Vec<Violation> {
    let below = source.path.strip_prefix(source.package()).unwrap_or(&source.path);
    let parts = below.trim_end_matches(".rs").split('/').filter(|part| MEANINGLESS.contains(part));
    let files = parts.map(|part| Violation::of(&source.path, format!("has the name `{part}`")));
    let modules = source.tokens.windows(3).filter(|three| three[0].is("mod") && three[2].is("{"));
    let modules = modules.filter(|three| three[1].kind == Kind::Word && MEANINGLESS.contains(&three[1].text.as_str()));
    files
        .chain(
            modules
                .map(|three| Violation::at(&source.path, three[1].line, "module with a meaningless name"))
                .collect::<Vec<_>>(),
        )
        .collect()
}

/// All files whose folder also contains a folder of the same name.
#[must_use]
pub fn split_modules(workspace: &Workspace) -> Vec<Violation> {
    let folder = |source: &&Source| workspace.has(&format!("{}/", source.path.trim_end_matches(".rs")));
    let split = workspace.sources.iter().filter(folder);
    split.map(|source| Violation::of(&source.path, "is next to a folder with the same name")).collect()
}

/// All Rust files without a description in the first line.
#[must_use]
pub fn files_without_description(workspace: &Workspace) -> Vec<Violation> {
    let files = workspace.sources.iter().filter(|source| !source.text.starts_with("//! "));
    files.map(|source| Violation::at(&source.path, 1, "does not begin with `//! …`")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meaningless_names_of_files_folders_and_modules_are_found() {
        let found = |path, text| meaningless_names(&Workspace::of(&[(path, text)])).len();
        assert_eq!(found("x/src/utils.rs", ""), 1);
        assert_eq!(found("x/tests/common/mod.rs", ""), 1);
        assert_eq!(found("x/src/a.rs", "mod helpers { }"), 1);
        assert_eq!(found("common/src/ids.rs", "mod tests { }"), 0);
    }

    #[test]
    fn a_file_next_to_its_folder_is_found() {
        assert_eq!(split_modules(&Workspace::of(&[("x/src/a.rs", ""), ("x/src/a/b.rs", "")])).len(), 1);
        assert_eq!(split_modules(&Workspace::of(&[("x/src/a/mod.rs", ""), ("x/src/ab/b.rs", "")])).len(), 0);
    }

    #[test]
    fn a_file_without_a_description_is_found() {
        let workspace = Workspace::of(&[("x/src/a.rs", "use a;\n//! Late."), ("x/src/b.rs", "//! B.\n")]);
        assert_eq!(
            files_without_description(&workspace),
            [Violation::at("x/src/a.rs", 1, "does not begin with `//! …`")]
        );
    }
}
