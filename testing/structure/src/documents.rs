//! What documents and sources point at.

use crate::{Rule, Violation, Workspace};

/// What [`broken_references`] keeps.
pub const REFERENCES: Rule = Rule {
    rule: "Every relative link and every path in backticks in README.md, ARCHITECTURE.md, CONTRIBUTING.md and docs/ \
        is there.",
    reason: "A reader who follows a dead path stops trusting the rest.",
    remedy: "Correct the path; write it from the repository's root or, in a link, from the document. A name that is \
        no path (`NNNN`, `*`, `<…>`) is not looked for.",
};

/// What [`machine_paths`] keeps.
pub const MACHINES: Rule = Rule {
    rule: "No document and no source names an absolute path of somebody's machine.",
    reason: "It is there on that machine only.",
    remedy: "Use a path from the repository's root, $HOME or $XDG_CACHE_HOME.",
};

const DOCUMENTS: [&str; 3] = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"];
const ENDINGS: [&str; 13] =
    [".rs", ".md", ".toml", ".sql", ".py", ".yml", ".yaml", ".json", ".sh", ".conf", ".lock", ".txt", ".cnf"];
/// What a build or a run makes.
const MADE: [&str; 2] = [".dev/", "target/"];
/// Written in two parts, so that this file does not break its own rule.
const MACHINE: [&str; 3] = [concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/wo", "rk/")];

/// Links and paths that lead nowhere.
#[must_use]
pub fn broken_references(workspace: &Workspace) -> Vec<Violation> {
    let is_document = |path: &str| DOCUMENTS.contains(&path) || (path.starts_with("docs/") && path.ends_with(".md"));
    let mut violations = Vec::new();
    for (path, text) in workspace.files.iter().filter(|(path, _)| is_document(path)) {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for (line, number) in text.lines().zip(1..) {
            let links = links(line).filter(|link| !workspace.has(&joined(folder, link)));
            let paths = paths(line).filter(|path| !workspace.has(path) && !workspace.has(&joined(folder, path)));
            let dead = links.chain(paths).map(|dead| Violation::at(path, number, format!("there is no {dead}")));
            violations.extend(dead);
        }
    }
    violations
}

/// The relative targets of `[text](target)`, without anchors.
fn links(line: &str) -> impl Iterator<Item = &str> {
    let targets = line.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
    let relative = targets.filter(|target| !target.contains("://") && !target.starts_with("mailto:"));
    relative.filter_map(|target| target.split('#').next()).filter(|target| !target.is_empty())
}

/// The paths in backticks: with a `/`, a known ending and no placeholder.
fn paths(line: &str) -> impl Iterator<Item = &str> {
    let quoted = line.split('`').skip(1).step_by(2).map(|text| text.trim_start_matches("./"));
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    quoted.filter(move |text| {
        text.contains('/')
            && !text.starts_with('/')
            && text.chars().all(is_plain)
            && ENDINGS.iter().any(|ending| text.ends_with(ending))
            && !text.contains("NNNN")
            && !MADE.iter().any(|folder| text.starts_with(folder))
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

/// Lines that name a folder of one machine.
#[must_use]
pub fn machine_paths(workspace: &Workspace) -> Vec<Violation> {
    let is_ours =
        |path: &str| ENDINGS.iter().any(|ending| path.ends_with(ending)) || ["dev", ".ci/run"].contains(&path);
    let lines = workspace.files.iter().filter(|(path, _)| is_ours(path)).flat_map(|(path, text)| {
        text.lines().zip(1..).filter(|(line, _)| names_a_machine(line)).map(move |(_, number)| (path, number))
    });
    lines.map(|(path, number)| Violation::at(path, number, "names an absolute path of a machine")).collect()
}

/// A folder counts where a path begins with it, not in the middle of one.
fn names_a_machine(line: &str) -> bool {
    let begins = |at: usize| !line[..at].ends_with(|c: char| c.is_alphanumeric() || "._-}$".contains(c));
    MACHINE.iter().any(|folder| line.match_indices(folder).any(|(at, _)| begins(at)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dead(text: &str) -> Vec<String> {
        let files = [("docs/a.md", text), ("docs/b.md", ""), ("x/src/lib.rs", "")];
        broken_references(&Workspace::of(&files)).into_iter().map(|violation| violation.fault).collect()
    }

    #[test]
    fn dead_links_and_paths_are_found() {
        assert_eq!(dead("[b](c.md) and `x/src/gone.rs`"), ["there is no c.md", "there is no x/src/gone.rs"]);
        let fine =
            "[b](b.md#c), [x](../x/src), [w](https://a/b.md), [here](#d), `x/src/lib.rs`, `a/NNNN_b.sql`, `src/*.rs`";
        assert_eq!(dead(fine), Vec::<String>::new());
    }

    #[test]
    fn a_path_of_a_machine_is_found() {
        let found = |text: &str| machine_paths(&Workspace::of(&[("docs/a.md", text)])).len();
        assert!(MACHINE.iter().all(|folder| found(&format!("see {folder}x")) == 1));
        assert!(MACHINE.iter().all(|folder| found(&format!("https://example.org{folder}x")) == 0));
    }
}
