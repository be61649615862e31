//! Modules that use each other.

use std::collections::BTreeMap;

use crate::floors::{modules, uses};
use crate::{Rule, Violation, Workspace};

/// What [`module_cycles`] keeps.
pub const RULE: Rule = Rule {
    rule: "The top-level modules of a crate use each other without a cycle.",
    reason: "Modules in a cycle are one module in several files: none of them can be understood, tested or moved \
        alone.",
    remedy: "Move what both need into a module below both, or pass it in as an argument.",
};

/// A module, those that it uses, and where.
type Graph = BTreeMap<String, BTreeMap<String, String>>;

/// The cycles, one a crate.
#[must_use]
pub fn module_cycles(workspace: &Workspace) -> Vec<Violation> {
    let cycle = |package: &str| {
        let graph = graph(workspace, package);
        graph.keys().find_map(|start| round_trip(&graph, &mut vec![start.clone()])).map(|round| {
            let steps: Vec<String> = round
                .windows(2)
                .map(|pair| format!("{} → {} ({})", pair[0], pair[1], graph[&pair[0]][&pair[1]]))
                .collect();
            Violation::of(package, steps.join(", "))
        })
    };
    workspace.packages().into_iter().filter_map(cycle).collect()
}

fn graph(workspace: &Workspace, package: &str) -> Graph {
    let modules = modules(workspace, package);
    let mut graph = Graph::new();
    for (source, module) in workspace.library(package) {
        let Some(own) = module.first() else { continue };
        for (used, line) in uses(source, own, &modules) {
            graph.entry((*own).to_owned()).or_default().entry(used).or_insert(format!("{}:{line}", source.path));
        }
    }
    graph
}

/// A way from the last module of `way` back to the first.
fn round_trip(graph: &Graph, way: &mut Vec<String>) -> Option<Vec<String>> {
    let here = way.last()?.clone();
    for next in graph.get(&here)?.keys() {
        if *next == way[0] {
            return Some(way.iter().chain([next]).cloned().collect());
        }
        if !way.contains(next) {
            way.push(next.clone());
            if let Some(found) = round_trip(graph, way) {
                return Some(found);
            }
            way.pop();
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cycle_of_three_is_found_with_its_places() {
        let mut files = vec![
            ("x/src/a.rs", "use crate::b::B;"),
            ("x/src/b/deep.rs", "\nfn f() { super::super::c::d() }"),
            ("x/src/c.rs", ""),
        ];
        assert!(module_cycles(&Workspace::of(&files)).is_empty());
        files[2].1 = "use crate::a::A;";
        let found = module_cycles(&Workspace::of(&files));
        let steps = "x: a → b (x/src/a.rs:1), b → c (x/src/b/deep.rs:2), c → a (x/src/c.rs:1)";
        assert_eq!(found.iter().map(Violation::to_string).collect::<Vec<_>>(), [steps]);
    }
}
