//! Modules that use each other in a cycle.

use std::collections::{BTreeMap, BTreeSet};

use crate::modules::Children;
use crate::{Rule, Violation, Workspace};

/// The rule that [`module_cycles`] checks.
pub const RULE: Rule = Rule {
    rule: "The modules and files of one folder use each other without a cycle.",
    reason: "Nobody can understand, test or move one module of a cycle without the others.",
    remedy: "Move the items that both modules need into a third module that uses neither, or pass them as arguments.",
};

/// For each module, the modules that it uses, each with a place in the code.
type Graph = BTreeMap<String, BTreeMap<String, String>>;

/// The cycles, at most one per folder. A mod.rs belongs to the folder as a whole, so other files may use its items.
#[must_use]
pub fn module_cycles(workspace: &Workspace) -> Vec<Violation> {
    let mut violations = Vec::new();
    for package in workspace.packages() {
        for parent in parents(workspace, package) {
            let graph = graph(workspace, package, &parent);
            let cycle = graph.keys().find_map(|start| find_cycle(&graph, &mut vec![start.clone()]));
            violations.extend(cycle.map(|cycle| Violation::of(&folder(package, &parent), describe(&cycle, &graph))));
        }
    }
    violations
}

/// All modules of a crate that contain other modules. The root is the empty path.
fn parents<'a>(workspace: &'a Workspace, package: &'a str) -> BTreeSet<Vec<&'a str>> {
    let modules = workspace.library(package).map(|(_, module)| module);
    modules.flat_map(|module| (0..module.len()).map(move |n| module[..n].to_vec())).collect()
}

fn graph(workspace: &Workspace, package: &str, parent: &[&str]) -> Graph {
    let children = Children::of(workspace, package, parent);
    let mut graph = Graph::new();
    for (source, module) in workspace.library(package) {
        let Some(own) = children.containing(&module) else { continue };
        for (used, line) in children.used_by(source, &own) {
            graph.entry(own.clone()).or_default().entry(used).or_insert(format!("{}:{line}", source.path));
        }
    }
    graph
}

/// Extends the path until it returns to its first module.
fn find_cycle(graph: &Graph, path: &mut Vec<String>) -> Option<Vec<String>> {
    for next in graph.get(path.last()?)?.keys() {
        if *next == path[0] {
            return Some(path.iter().chain([next]).cloned().collect());
        }
        if !path.contains(next) {
            path.push(next.clone());
            if let Some(cycle) = find_cycle(graph, path) {
                return Some(cycle);
            }
            path.pop();
        }
    }
    None
}

fn folder(package: &str, parent: &[&str]) -> String {
    if parent.is_empty() { package.to_owned() } else { format!("{package}/src/{}", parent.join("/")) }
}

fn describe(cycle: &[String], graph: &Graph) -> String {
    let uses = cycle.windows(2).map(|pair| format!("{} → {} ({})", pair[0], pair[1], graph[&pair[0]][&pair[1]]));
    uses.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        module_cycles(&Workspace::of(files)).iter().map(Violation::to_string).collect()
    }

    #[test]
    fn a_cycle_of_three_modules_is_found_with_its_places() {
        let mut files = vec![
            ("x/src/a.rs", "use crate::b::B;"),
            ("x/src/b/deep.rs", "\nfn f() { super::super::c::d() }"),
            ("x/src/c.rs", ""),
        ];
        assert_eq!(found(&files), Vec::<String>::new());
        files[2].1 = "use crate::a::A;";
        let uses = "x: a → b (x/src/a.rs:1), b → c (x/src/b/deep.rs:2), c → a (x/src/c.rs:1)";
        assert_eq!(found(&files), [uses]);
    }

    #[test]
    fn a_cycle_of_two_files_of_a_folder_is_found_even_through_a_re_export() {
        let mut files = vec![
            ("x/src/a/mod.rs", "pub use order::Order;\nstruct Shared;"),
            ("x/src/a/order.rs", "use super::saga::Saga;\nuse super::Shared;"),
            ("x/src/a/saga.rs", "use super::Shared;"),
        ];
        assert_eq!(found(&files), Vec::<String>::new());
        files[2].1 = "use super::Order;";
        assert_eq!(found(&files), ["x/src/a: order → saga (x/src/a/order.rs:1), saga → order (x/src/a/saga.rs:1)"]);
    }
}
