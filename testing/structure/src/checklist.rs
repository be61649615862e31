//! The checklists in CONTRIBUTING.md for a new step and a new service.

use crate::{Rule, Violation, Workspace};

/// The rule that [`incomplete_checklists`] checks.
pub const RULE: Rule = Rule {
    rule: "The checklists in CONTRIBUTING.md name every file that knows a step or a service. The step `stock.release` and its \
        service are the examples.",
    reason: "Somebody who adds a step or a service follows the checklist. A file that it lacks is forgotten.",
    remedy: "Add the file or its folder to the table in CONTRIBUTING.md, or remove the path that nothing needs any more.",
};

const DOCUMENT: &str = "CONTRIBUTING.md";
const STEP_HEADING: &str = "## Add a step to the saga";
const SERVICE_HEADING: &str = "## Add a service";
/// The forms in which files name the example step and the example service.
const STEP: [&str; 7] = [
    "stock.release",
    "StockRelease",
    "stock_release",
    "release_stock",
    "inventory::RELEASE",
    "steps/release",
    "steps::release",
];
const SERVICE: [&str; 7] = [
    "service-inventory",
    "service_inventory",
    "SERVICES_INVENTORY",
    "21083",
    "mod inventory",
    "Service::Inventory",
    "to_inventory",
];
/// These files are generated, describe the past, or quote the names because they belong to this test.
const IGNORED: [&str; 4] =
    ["Cargo.lock", "CONTRIBUTING.md", "orchestrator-temporal/tests/histories/", "testing/structure/src/"];

/// Files that a checklist lacks, and entries of a checklist that no file needs.
#[must_use]
pub fn incomplete_checklists(workspace: &Workspace) -> Vec<Violation> {
    let text = workspace.files.get(DOCUMENT).map_or("", String::as_str);
    let (step, service) = (entries(text, STEP_HEADING), entries(text, SERVICE_HEADING));
    let mut violations = faults(&naming(workspace, &STEP), &[&step], STEP_HEADING);
    violations.extend(faults(&naming(workspace, &SERVICE), &[&step, &service], SERVICE_HEADING));
    let named = [naming(workspace, &STEP), naming(workspace, &SERVICE)].concat();
    let needless = step.iter().chain(&service).filter(|entry| !named.iter().any(|path| covers(entry, path)));
    violations
        .extend(needless.map(|entry| Violation::of(DOCUMENT, format!("`{entry}` is listed, but no file needs it"))));
    violations
}

fn faults(named: &[&str], lists: &[&Vec<String>], heading: &str) -> Vec<Violation> {
    let listed = |path: &str| lists.iter().any(|list| list.iter().any(|entry| covers(entry, path)));
    let missing = named.iter().filter(|path| !listed(path));
    missing.map(|path| Violation::of(path, format!("is not in the table under `{heading}`"))).collect()
}

/// The files that contain one of the names.
fn naming<'a>(workspace: &'a Workspace, names: &[&str]) -> Vec<&'a str> {
    let files = workspace.files.iter().filter(|(path, _)| !IGNORED.iter().any(|ignored| path.starts_with(ignored)));
    let naming = files.filter(|(_, text)| names.iter().any(|name| text.contains(name)));
    naming.map(|(path, _)| path.as_str()).collect()
}

/// The paths in the first column of the tables under a heading.
fn entries(text: &str, heading: &str) -> Vec<String> {
    let section = text.lines().skip_while(|line| line.trim() != heading).skip(1);
    let rows = section.take_while(|line| !line.starts_with("## ")).filter(|line| line.starts_with("| `"));
    let cells = rows.filter_map(|line| line.split('|').nth(1));
    cells.flat_map(|cell| cell.split('`').skip(1).step_by(2).map(str::to_owned)).collect()
}

/// Whether an entry names the file: by its path, by a folder that contains it, or with `service-*` for any service.
fn covers(entry: &str, path: &str) -> bool {
    match (
        entry.strip_prefix("service-*"),
        path.strip_prefix("service-").and_then(|rest| rest.find('/').map(|i| &rest[i..])),
    ) {
        (Some(entry), Some(path)) => entry == path || entry.ends_with('/') && path.starts_with(entry),
        _ => entry == path || entry.ends_with('/') && path.starts_with(entry),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "## Add a step to the saga\n\n| file | what |\n|---|---|\n| `a/`, `service-*/x.rs` | x |\n\n\
        ## Add a service\n\n| `b.yml` | y |\n";

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let complete = [(DOCUMENT, PAGE), ("a/1", "stock.release"), ("b.yml", "21083")];
        let service = [("service-inventory/x.rs", "release_stock")];
        let files: Vec<_> = complete.iter().chain(&service).chain(files).copied().collect();
        incomplete_checklists(&Workspace::of(&files)).iter().map(Violation::to_string).collect()
    }

    #[test]
    fn a_file_that_names_the_step_or_the_service_must_be_listed() {
        assert_eq!(found(&[]), Vec::<String>::new());
        assert_eq!(found(&[("c", "StockRelease")]), ["c: is not in the table under `## Add a step to the saga`"]);
        assert_eq!(found(&[("d", "service-inventory")]), ["d: is not in the table under `## Add a service`"]);
    }

    #[test]
    fn an_entry_that_no_file_needs_is_found() {
        let files = [(DOCUMENT, PAGE), ("a/1", "stock.release"), ("b.yml", "21083")];
        let found = incomplete_checklists(&Workspace::of(&files));
        assert_eq!(found, [Violation::of(DOCUMENT, "`service-*/x.rs` is listed, but no file needs it")]);
    }
}
