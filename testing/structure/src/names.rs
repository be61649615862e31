//! What files and modules may be called.

use crate::source::Source;
use crate::tokens::Kind;
use crate::{Rule, Violation, Workspace};

/// What [`empty_names`] keeps.
pub const NAMES: Rule = Rule {
    rule: "No file or module is called util(s), helper(s), misc, types, shared or common.",
    reason: "Such a name says nothing about what is in it, so everything ends up there.",
    remedy: "Name it for what it holds or does: `retry`, `ids`, `fingerprint`.",
};

/// What [`split_modules`] keeps.
pub const FOLDERS: Rule = Rule {
    rule: "A module with parts is a folder with mod.rs; there is no foo.rs beside foo/.",
    reason: "One form, and a folder holds all of its module.",
    remedy: "Move foo.rs to foo/mod.rs.",
};

/// What [`files_without_a_head`] keeps.
pub const HEADS: Rule = Rule {
    rule: "Every Rust file opens with a line `//! …`.",
    reason: "The reader learns what a file is for before reading it, and whoever adds to it whether the addition \
        belongs there.",
    remedy: "Say in the first line what the file is about.",
};

const EMPTY: [&str; 8] = ["util", "utils", "helper", "helpers", "misc", "types", "shared", "common"];

/// The servers there are the ones that all tests of a process share: here the word says what it is.
const ALLOWED: [&str; 1] = ["testing/harness/src/servers/shared.rs"];

/// Files and modules whose name says nothing.
#[must_use]
pub fn empty_names(workspace: &Workspace) -> Vec<Violation> {
    workspace.sources.iter().filter(|source| !ALLOWED.contains(&source.path.as_str())).flat_map(empty_in).collect()
}

fn empty_in(source: &Source) -> Vec<Violation> {
    let below = source.path.strip_prefix(source.package()).unwrap_or(&source.path);
    let parts = below.trim_end_matches(".rs").split('/').filter(|part| EMPTY.contains(part));
    let files = parts.map(|part| Violation::of(&source.path, format!("is called `{part}`")));
    let modules = source.tokens.windows(3).filter(|three| three[0].is("mod") && three[2].is("{"));
    let modules = modules.filter(|three| three[1].kind == Kind::Word && EMPTY.contains(&three[1].text.as_str()));
    files.chain(modules.map(|three| Violation::at(&source.path, three[1].line, "module")).collect::<Vec<_>>()).collect()
}

/// Files beside a folder of the same name.
#[must_use]
pub fn split_modules(workspace: &Workspace) -> Vec<Violation> {
    let folder = |source: &&Source| workspace.has(&format!("{}/", source.path.trim_end_matches(".rs")));
    let split = workspace.sources.iter().filter(folder);
    split.map(|source| Violation::of(&source.path, "has a folder of its name beside it")).collect()
}

/// Files that do not say what they are for.
#[must_use]
pub fn files_without_a_head(workspace: &Workspace) -> Vec<Violation> {
    let bare = workspace.sources.iter().filter(|source| !source.text.starts_with("//! "));
    bare.map(|source| Violation::at(&source.path, 1, "is not `//! …`")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_names_of_files_folders_and_modules_are_found() {
        let found = |path, text| empty_names(&Workspace::of(&[(path, text)])).len();
        assert_eq!(found("x/src/utils.rs", ""), 1);
        assert_eq!(found("x/tests/common/mod.rs", ""), 1);
        assert_eq!(found("x/src/a.rs", "mod helpers { }"), 1);
        assert_eq!(found("common/src/ids.rs", "mod tests { }"), 0);
    }

    #[test]
    fn a_file_beside_its_folder_is_found() {
        assert_eq!(split_modules(&Workspace::of(&[("x/src/a.rs", ""), ("x/src/a/b.rs", "")])).len(), 1);
        assert_eq!(split_modules(&Workspace::of(&[("x/src/a/mod.rs", ""), ("x/src/ab/b.rs", "")])).len(), 0);
    }

    #[test]
    fn a_file_without_a_head_is_found() {
        let workspace = Workspace::of(&[("x/src/a.rs", "use a;\n//! Late."), ("x/src/b.rs", "//! B.\n")]);
        assert_eq!(files_without_a_head(&workspace), [Violation::at("x/src/a.rs", 1, "is not `//! …`")]);
    }
}
