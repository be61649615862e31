//! Links and paths in documents and sources.

use crate::{Rule, Violation, Workspace};

/// The rule that [`broken_references`] checks.
pub const REFERENCES: Rule = Rule {
    rule: "The target of every relative link, and every path in backticks, exists. CHANGELOG.md is an exception: it may \
        name removed files.",
    reason: "A reader who follows a wrong path loses trust in the document.",
    remedy: "Correct the path. Start it at the root of the repository or, in a link, at the folder of the document. A \
        name with `NNNN`, `*` or `<…>` is not checked.",
};

/// The rule that [`machine_paths`] checks.
pub const MACHINES: Rule = Rule {
    rule: "No document and no source contains an absolute path of one machine.",
    reason: "The path does not exist on other machines.",
    remedy: "Start the path at the root of the repository, $HOME or $XDG_CACHE_HOME.",
};

const EXTENSIONS: [&str; 13] =
    [".rs", ".md", ".toml", ".sql", ".py", ".yml", ".yaml", ".json", ".sh", ".conf", ".lock", ".txt", ".cnf"];
/// The folders that a build or `./dev up` creates.
const GENERATED: [&str; 2] = [".dev/", "target/"];
/// Each folder is written in two parts, because this file must follow the rule, too.
const MACHINE_FOLDERS: [&str; 3] = [concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/wo", "rk/")];

/// All links and paths whose target does not exist.
#[must_use]
pub fn broken_references(workspace: &Workspace) -> Vec<Violation> {
    let is_document = |path: &str| path.ends_with(".md") && path != "CHANGELOG.md";
    let mut violations = Vec::new();
    for (path, text) in workspace.files.iter().filter(|(path, _)| is_document(path)) {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for (line, number) in text.lines().zip(1..) {
            let links = links(line).filter(|link| !workspace.has(&joined(folder, link)));
            let paths = paths(line).filter(|path| !workspace.has(path) && !workspace.has(&joined(folder, path)));
            let missing =
                links.chain(paths).map(|target| Violation::at(path, number, format!("{target} does not exist")));
            violations.extend(missing);
        }
    }
    violations
}

/// The relative targets of links, `[text](target)`, without their anchors.
fn links(line: &str) -> impl Iterator<Item = &str> {
    let targets = line.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
    let relative = targets.filter(|target| !target.contains("://") && !target.starts_with("mailto:"));
    relative.filter_map(|target| target.split('#').next()).filter(|target| !target.is_empty())
}

/// The paths in backticks: text with a `/` and a known file extension, but without a placeholder.
fn paths(line: &str) -> impl Iterator<Item = &str> {
    let quoted = line.split('`').skip(1).step_by(2).map(|text| text.trim_start_matches("./"));
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    quoted.filter(move |text| {
        text.contains('/')
            && !text.starts_with('/')
            && text.chars().all(is_plain)
            && EXTENSIONS.iter().any(|extension| text.ends_with(extension))
            && !text.contains("NNNN")
            && !GENERATED.iter().any(|folder| text.starts_with(folder))
    })
}

fn joined(folder: &str, target: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let from = if target.starts_with('/') { "" } else { folder };
    for part in from.split('/').chain(target.split('/')) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

/// All lines with a path that exists only on one machine.
#[must_use]
pub fn machine_paths(workspace: &Workspace) -> Vec<Violation> {
    let is_checked =
        |path: &str| EXTENSIONS.iter().any(|extension| path.ends_with(extension)) || ["dev", ".ci/run"].contains(&path);
    let lines = workspace.files.iter().filter(|(path, _)| is_checked(path)).flat_map(|(path, text)| {
        text.lines().zip(1..).filter(|(line, _)| contains_machine_path(line)).map(move |(_, number)| (path, number))
    });
    lines.map(|(path, number)| Violation::at(path, number, "contains an absolute path of one machine")).collect()
}

/// Whether a path in this line begins with one of the folders.
fn contains_machine_path(line: &str) -> bool {
    let begins = |at: usize| !line[..at].ends_with(|c: char| c.is_alphanumeric() || "._-}$".contains(c));
    MACHINE_FOLDERS.iter().any(|folder| line.match_indices(folder).any(|(at, _)| begins(at)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(text: &str) -> Vec<String> {
        let files = [("docs/a.md", text), ("docs/b.md", ""), ("x/src/lib.rs", "")];
        broken_references(&Workspace::of(&files)).into_iter().map(|violation| violation.fault).collect()
    }

    #[test]
    fn wrong_links_and_paths_are_found() {
        assert_eq!(missing("[b](c.md) and `x/src/gone.rs`"), ["c.md does not exist", "x/src/gone.rs does not exist"]);
        let fine =
            "[b](b.md#c), [x](../x/src), [w](https://a/b.md), [here](#d), `x/src/lib.rs`, `a/NNNN_b.sql`, `src/*.rs`";
        assert_eq!(missing(fine), Vec::<String>::new());
    }

    #[test]
    fn a_path_of_one_machine_is_found() {
        let found = |text: &str| machine_paths(&Workspace::of(&[("docs/a.md", text)])).len();
        assert!(MACHINE_FOLDERS.iter().all(|folder| found(&format!("see {folder}x")) == 1));
        assert!(MACHINE_FOLDERS.iter().all(|folder| found(&format!("https://example.org{folder}x")) == 0));
    }
}
