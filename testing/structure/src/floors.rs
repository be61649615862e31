//! Which module of a crate may use which.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::Source;
use crate::{Rule, Violation, Workspace};

/// What [`upward_imports`] keeps.
pub const RULE: Rule = Rule {
    rule: "A module uses only modules on floors below its own (`ARCHITECTURE.md`; in `common` the order in its \
        lib.rs).",
    reason: "What is below can be read, tested and changed without what is above, and there is one place for each \
        kind of thing.",
    remedy: "Move the type or function down to the lowest floor that needs it, or pass it in as an argument. A new \
        module gets a place in testing/structure/src/floors.rs, or in the list at the head of common/src/lib.rs.",
};

/// A module, and those that it may use.
type Floor = (&'static str, &'static [&'static str]);

/// Settings types belong to the module that they set, so `config` may see `gateway`; nothing but the root sees
/// `config`.
const SERVICE: &[Floor] = &[
    ("http", &["domain", "model"]),
    ("domain", &["store", "gateway", "model"]),
    ("store", &["model"]),
    ("gateway", &["model"]),
    ("model", &[]),
    ("config", &["gateway"]),
];

/// Settings types belong to the module that they set here, too.
const ORCHESTRATOR: &[Floor] = &[
    ("http", &["orders", "temporal", "saga", "clients"]),
    ("orders", &["temporal", "saga", "clients"]),
    ("temporal", &["saga", "clients"]),
    ("saga", &["clients"]),
    ("clients", &[]),
    ("config", &["orders", "temporal", "clients"]),
];

/// Uses of a module by one that may not.
#[must_use]
pub fn upward_imports(workspace: &Workspace) -> Vec<Violation> {
    let mut violations = Vec::new();
    for package in workspace.packages() {
        let Some(floors) = floors_of(workspace, package) else { continue };
        let modules = modules(workspace, package);
        for (source, module) in workspace.library(package) {
            let Some(own) = module.first() else { continue };
            let Some(allowed) = floors.get(*own) else {
                violations.push(Violation::of(&source.path, format!("module `{own}` is on no floor")));
                continue;
            };
            let uses = uses(source, own, &modules).into_iter().filter(|(used, _)| !allowed.contains(used));
            violations.extend(uses.map(|(used, line)| {
                Violation::at(&source.path, line, format!("`{own}` uses `{used}`, and may use only {allowed:?}"))
            }));
        }
    }
    violations
}

/// The names that stand for a module in paths after `crate::`: the modules, and what the root re-exports from them.
#[must_use]
pub fn modules(workspace: &Workspace, package: &str) -> BTreeMap<String, String> {
    let modules: BTreeSet<&str> =
        workspace.library(package).filter_map(|(_, module)| module.first().copied()).collect();
    let mut names: BTreeMap<_, _> = modules.iter().map(|name| ((*name).to_owned(), (*name).to_owned())).collect();
    let root = workspace.library(package).find(|(_, module)| module.is_empty());
    for path in root.map(|(source, _)| source.paths()).unwrap_or_default() {
        let parts: Vec<&str> = path.segments.iter().map(String::as_str).filter(|part| *part != "crate").collect();
        if let [module, .., item] = parts[..]
            && modules.contains(module)
        {
            names.entry(item.to_owned()).or_insert_with(|| module.to_owned());
        }
    }
    names
}

/// The other modules that a file of module `own` uses, with the lines.
#[must_use]
pub fn uses(source: &Source, own: &str, modules: &BTreeMap<String, String>) -> Vec<(String, usize)> {
    let target = |(parts, line): (Vec<String>, usize)| Some((modules.get(parts.first()?)?.clone(), line));
    source.own_paths().into_iter().filter_map(target).filter(|(used, _)| used != own).collect()
}

fn floors_of(workspace: &Workspace, package: &str) -> Option<BTreeMap<String, BTreeSet<String>>> {
    let owned = |(name, below): &Floor| {
        ((*name).to_owned(), below.iter().map(|module| (*module).to_owned()).collect::<BTreeSet<_>>())
    };
    match package {
        "common" => Some(documented_order(workspace.files.get("common/src/lib.rs")?)),
        "orchestrator-temporal" => Some(ORCHESTRATOR.iter().map(owned).collect()),
        _ if package.starts_with("service-") => Some(SERVICE.iter().map(owned).collect()),
        _ => None,
    }
}

/// The order that the head of `common/src/lib.rs` gives: each name in backticks may use those before it.
fn documented_order(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    let head = text.lines().map_while(|line| line.strip_prefix("//!"));
    let order: String = head.skip_while(|line| !line.contains("Order of the modules")).collect();
    let names: Vec<String> = order.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    let before = |i: usize| names[..i].iter().cloned().collect();
    names.iter().enumerate().map(|(i, name)| (name.clone(), before(i))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        upward_imports(&Workspace::of(files)).iter().map(Violation::to_string).collect()
    }

    #[test]
    fn a_handler_that_reads_the_store_is_found_and_one_that_asks_the_domain_is_not() {
        let others = [("service-x/src/store/mod.rs", ""), ("service-x/src/domain/mod.rs", "use crate::store::a;")];
        let bad = found(&[("service-x/src/http/mod.rs", "use crate::{domain::b, store::a};"), others[0], others[1]]);
        assert_eq!(bad.len(), 1, "{bad:?}");
        assert!(bad[0].starts_with("service-x/src/http/mod.rs:1: `http` uses `store`"), "{bad:?}");
    }

    #[test]
    fn a_new_module_needs_a_floor() {
        let bad = found(&[("service-x/src/cellar.rs", "")]);
        assert_eq!(bad, ["service-x/src/cellar.rs: module `cellar` is on no floor"]);
    }

    #[test]
    fn a_client_that_sees_the_saga_or_the_config_is_found() {
        let bad = found(&[
            ("orchestrator-temporal/src/saga/mod.rs", ""),
            ("orchestrator-temporal/src/config.rs", ""),
            ("orchestrator-temporal/src/clients/order.rs", "use crate::saga::A;\nfn f() { crate::config::read(); }"),
        ]);
        assert_eq!(bad.len(), 2, "{bad:?}");
    }

    #[test]
    fn in_common_the_documented_order_counts_also_through_a_re_export_of_the_root() {
        let root =
            "//! Order of the modules:\n//! `ids` → `http`.\n\npub mod ids;\npub mod http;\npub use http::Error;";
        let files = |ids| {
            [("common/src/lib.rs", root), ("common/src/http.rs", "use crate::ids::A;"), ("common/src/ids.rs", ids)]
        };
        assert_eq!(found(&files("")), Vec::<String>::new());
        assert_eq!(found(&files("use crate::http::B;")).len(), 1);
        assert_eq!(found(&files("use crate::Error;")).len(), 1);
    }
}
