//! Which module of a crate may use which other modules.

use std::collections::{BTreeMap, BTreeSet};

use crate::modules::Children;
use crate::{Rule, Violation, Workspace};

/// The rule that [`upward_imports`] checks.
pub const RULE: Rule = Rule {
    rule: "A module uses only modules of lower layers (ARCHITECTURE.md, for `common` the order in common/src/lib.rs).",
    reason: "You can read, test and change a lower layer without knowing the higher layers.",
    remedy: "Move the type or function down to the lowest layer that needs it, or pass it as an argument. Add a new \
        module to testing/structure/src/layers.rs, or to the list at the top of common/src/lib.rs.",
};

/// A module, and the modules that it may use.
type Layer = (&'static str, &'static [&'static str]);

/// `config` uses `gateway`, because a module defines the type of its own settings. Only the root uses `config`.
const SERVICE: &[Layer] = &[
    ("http", &["domain", "model"]),
    ("domain", &["store", "gateway", "model"]),
    ("store", &["model"]),
    ("gateway", &["model"]),
    ("model", &[]),
    ("config", &["gateway"]),
];

/// `config` uses other modules, because each of them defines the type of its own settings.
const ORCHESTRATOR: &[Layer] = &[
    ("http", &["orders", "stuck", "temporal", "saga", "clients"]),
    ("orders", &["stuck", "temporal", "saga", "clients"]),
    ("stuck", &["temporal", "saga", "clients"]),
    ("temporal", &["saga", "clients"]),
    ("saga", &["clients"]),
    ("clients", &[]),
    ("config", &["orders", "stuck", "temporal", "clients"]),
];

/// All uses of a module by a module of the same or a lower layer.
#[must_use]
pub fn upward_imports(workspace: &Workspace) -> Vec<Violation> {
    let mut violations = Vec::new();
    for package in workspace.packages() {
        let Some(layers) = layers_of(workspace, package) else { continue };
        let modules = Children::of(workspace, package, &[]);
        for (source, module) in workspace.library(package) {
            let Some(own) = modules.containing(&module) else { continue };
            let Some(allowed) = layers.get(&own) else {
                violations.push(Violation::of(&source.path, format!("the module `{own}` has no layer")));
                continue;
            };
            let forbidden = modules.used_by(source, &own).into_iter().filter(|(used, _)| !allowed.contains(used));
            violations.extend(forbidden.map(|(used, line)| {
                Violation::at(&source.path, line, format!("`{own}` uses `{used}`, but it may only use {allowed:?}"))
            }));
        }
    }
    violations
}

fn layers_of(workspace: &Workspace, package: &str) -> Option<BTreeMap<String, BTreeSet<String>>> {
    let owned = |(name, below): &Layer| {
        ((*name).to_owned(), below.iter().map(|module| (*module).to_owned()).collect::<BTreeSet<_>>())
    };
    match package {
        "common" => Some(documented_order(workspace.files.get("common/src/lib.rs")?)),
        "orchestrator-temporal" => Some(ORCHESTRATOR.iter().map(owned).collect()),
        _ if package.starts_with("service-") => Some(SERVICE.iter().map(owned).collect()),
        _ => None,
    }
}

/// The order at the top of `common/src/lib.rs`. Each module in backticks may use the modules before it.
fn documented_order(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    let doc = text.lines().map_while(|line| line.strip_prefix("//!"));
    let order: String = doc.skip_while(|line| !line.contains("Order of the modules")).collect();
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
    fn a_handler_may_use_the_domain_but_not_the_store() {
        let others = [("service-x/src/store/mod.rs", ""), ("service-x/src/domain/mod.rs", "use crate::store::a;")];
        let bad = found(&[("service-x/src/http/mod.rs", "use crate::{domain::b, store::a};"), others[0], others[1]]);
        assert_eq!(bad.len(), 1, "{bad:?}");
        assert!(bad[0].starts_with("service-x/src/http/mod.rs:1: `http` uses `store`"), "{bad:?}");
    }

    #[test]
    fn a_new_module_needs_a_layer() {
        let bad = found(&[("service-x/src/cellar.rs", "")]);
        assert_eq!(bad, ["service-x/src/cellar.rs: the module `cellar` has no layer"]);
    }

    #[test]
    fn a_client_may_not_use_the_saga_or_the_config() {
        let bad = found(&[
            ("orchestrator-temporal/src/saga/mod.rs", ""),
            ("orchestrator-temporal/src/config.rs", ""),
            ("orchestrator-temporal/src/clients/order.rs", "use crate::saga::A;\nfn f() { crate::config::read(); }"),
        ]);
        assert_eq!(bad.len(), 2, "{bad:?}");
    }

    #[test]
    fn in_common_the_documented_order_applies_even_through_a_re_export_of_the_root() {
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
