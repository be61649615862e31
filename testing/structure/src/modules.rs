//! The modules inside one module of a crate, and which of them a file uses.

use std::collections::{BTreeMap, BTreeSet};

use crate::Workspace;
use crate::source::{NamedPath, Source};

/// The modules directly inside one module of a crate.
#[derive(Debug)]
pub struct Children {
    /// The path of the module that contains them. It is empty for the root of the crate.
    parent: Vec<String>,
    /// Maps each name that can follow the parent's path to its child. The names are those of the children and of the
    /// items that the parent re-exports from them.
    names: BTreeMap<String, String>,
}

impl Children {
    /// The children of the module at this path of a crate.
    #[must_use]
    pub fn of(workspace: &Workspace, package: &str, parent: &[&str]) -> Self {
        let below =
            |module: &[&str]| module.strip_prefix(parent).and_then(|rest| rest.first()).map(ToString::to_string);
        let children: BTreeSet<String> = workspace.library(package).filter_map(|(_, module)| below(&module)).collect();
        let mut names: BTreeMap<_, _> = children.iter().map(|name| (name.clone(), name.clone())).collect();
        let file = workspace.library(package).find(|(_, module)| module == parent);
        for path in file.map(|(source, _)| source.paths()).unwrap_or_default() {
            if let [module, .., item] = relative(&path, parent)
                && children.contains(module)
            {
                names.entry(item.clone()).or_insert_with(|| module.clone());
            }
        }
        Self { parent: parent.iter().map(ToString::to_string).collect(), names }
    }

    /// The child that contains this module, if there is one.
    #[must_use]
    pub fn containing(&self, module: &[&str]) -> Option<String> {
        let (parent, rest) = module.split_at_checked(self.parent.len())?;
        Some(rest.first().filter(|_| parent == self.parent)?.to_string())
    }

    /// The other children that a file of the child `own` uses, with the line numbers.
    #[must_use]
    pub fn used_by(&self, source: &Source, own: &str) -> Vec<(String, usize)> {
        let used = |(path, line): (Vec<String>, usize)| {
            let name = path.strip_prefix(&self.parent[..])?.first()?;
            Some((self.names.get(name)?.clone(), line))
        };
        source.own_paths().into_iter().filter_map(used).filter(|(child, _)| child != own).collect()
    }
}

/// The path relative to the parent, whose file contains it. The result is empty if the path leads out of the parent.
fn relative<'a>(path: &'a NamedPath, parent: &[&str]) -> &'a [String] {
    match path.segments.split_first() {
        Some((first, rest)) if first == "self" => rest,
        Some((first, rest)) if first == "crate" => {
            if rest.len() > parent.len() && rest.iter().zip(parent).all(|(part, wanted)| part == wanted) {
                &rest[parent.len()..]
            } else {
                &[]
            }
        }
        _ => &path.segments,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: [(&str, &str); 4] = [
        ("x/src/lib.rs", "pub use crate::a::deep::Item;"),
        ("x/src/a/mod.rs", "pub use self::deep::Deep;\npub use flat::Flat;"),
        ("x/src/a/deep.rs", "use crate::a::Flat;\nuse super::flat::Other;\nuse crate::b::B;"),
        ("x/src/a/flat.rs", "use crate::Item;"),
    ];

    #[test]
    fn a_use_is_found_by_path_and_through_a_re_export() {
        let workspace = Workspace::of(&FILES);
        let children = Children::of(&workspace, "x", &["a"]);
        let used = |file: usize, own: &str| children.used_by(&workspace.sources[file], own);
        assert_eq!(used(0, "deep"), [("flat".to_owned(), 1), ("flat".to_owned(), 2)]);
        assert_eq!(used(1, "flat"), []);
    }

    #[test]
    fn a_re_export_of_the_root_leads_to_its_module() {
        let workspace = Workspace::of(&[FILES[0], FILES[2], ("x/src/b.rs", "use crate::Item;")]);
        let children = Children::of(&workspace, "x", &[]);
        assert_eq!(children.used_by(&workspace.sources[1], "b"), [("a".to_owned(), 1)]);
    }

    #[test]
    fn a_module_belongs_to_one_child() {
        let children = Children::of(&Workspace::of(&FILES), "x", &["a"]);
        assert_eq!(children.containing(&["a", "deep", "er"]).as_deref(), Some("deep"));
        assert_eq!((children.containing(&["a"]), children.containing(&["b", "deep"])), (None, None));
    }
}
