//! A Rust file: its place in the crate, and the paths in its code.

use crate::tokens::{Kind, Token, tokens};

/// A Rust file.
#[derive(Debug)]
pub struct Source {
    /// The path from the root of the workspace.
    pub path: String,
    /// The whole text.
    pub text: String,
    /// The tokens.
    pub tokens: Vec<Token>,
}

/// A path in the code, such as `crate::store::orders` or `tokio::spawn`. A `use` with braces has several paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedPath {
    /// The parts between `::`.
    pub segments: Vec<String>,
    /// The line number, counted from 1.
    pub line: usize,
    nesting: usize,
}

impl NamedPath {
    /// Whether the path contains these consecutive parts, joined by `::`.
    #[must_use]
    pub fn names(&self, parts: &str) -> bool {
        let parts: Vec<&str> = parts.split("::").collect();
        self.segments.windows(parts.len()).any(|window| window == parts)
    }

    /// Whether the path begins with these parts, joined by `::`, and has more parts.
    #[must_use]
    pub fn goes_into(&self, parts: &str) -> bool {
        let parts: Vec<&str> = parts.split("::").collect();
        self.segments.len() > parts.len() && self.segments.iter().zip(parts).all(|(have, want)| have == want)
    }
}

impl Source {
    /// Reads the tokens of a file.
    ///
    /// # Panics
    /// Panics if the text is not valid Rust.
    #[must_use]
    pub fn new(path: &str, text: &str) -> Self {
        let mut tokens = tokens(text).unwrap_or_else(|e| panic!("{path} is not valid Rust: {e}"));
        if is_test_file(path) {
            tokens.iter_mut().for_each(|token| token.is_test = true);
        }
        Self { path: path.to_owned(), text: text.to_owned(), tokens }
    }

    /// Whether the whole file is test code.
    #[must_use]
    pub fn is_test_file(&self) -> bool {
        is_test_file(&self.path)
    }

    /// The folder of the crate.
    #[must_use]
    pub fn package(&self) -> &str {
        let end =
            ["/src/", "/tests/", "/benches/", "/examples/"].iter().filter_map(|folder| self.path.find(folder)).min();
        &self.path[..end.unwrap_or(0)]
    }

    /// The module path below `src/`, or `None` if the file does not belong to the library.
    #[must_use]
    pub fn module(&self) -> Option<Vec<&str>> {
        let below = self.path.strip_prefix(self.package())?.strip_prefix("/src/")?.strip_suffix(".rs")?;
        let mut parts: Vec<&str> = below.split('/').collect();
        match (parts.first(), parts.last()) {
            (Some(&"bin" | &"main"), _) => return None,
            (Some(&"lib"), _) | (_, Some(&"mod")) => drop(parts.pop()),
            _ => {}
        }
        Some(parts)
    }

    /// The tokens outside tests.
    #[must_use]
    pub fn code(&self) -> Vec<&Token> {
        self.tokens.iter().filter(|token| !token.is_test).collect()
    }

    /// All paths in the code outside tests, as written.
    #[must_use]
    pub fn paths(&self) -> Vec<NamedPath> {
        let code = self.code();
        let (mut paths, mut i) = (Vec::new(), 0);
        while i < code.len() {
            i = if code[i].kind == Kind::Word { read_path(&code, i, &[], &mut paths) } else { i + 1 };
        }
        paths
    }

    /// All paths into the same crate, as parts after `crate::`, each with its line number.
    #[must_use]
    pub fn own_paths(&self) -> Vec<(Vec<String>, usize)> {
        let module = self.module().unwrap_or_default();
        self.paths().iter().filter_map(|path| Some((absolute(path, &module)?, path.line))).collect()
    }
}

fn is_test_file(path: &str) -> bool {
    path.contains("/tests/") || path.contains("/benches/") || path.ends_with("/tests.rs")
}

/// Reads the path that begins at `i`, and returns the index after it.
fn read_path(code: &[&Token], mut i: usize, prefix: &[String], paths: &mut Vec<NamedPath>) -> usize {
    let (line, nesting) = (code[i].line, code[i].nesting);
    let mut segments = prefix.to_vec();
    while let Some(token) = code.get(i) {
        if token.is("{") {
            return read_group(code, i + 1, &segments, paths);
        }
        if token.kind != Kind::Word && !token.is("*") {
            break;
        }
        segments.push(token.text.clone());
        i += 1;
        if !code.get(i).is_some_and(|next| next.is("::")) {
            break;
        }
        i += 1;
    }
    paths.push(NamedPath { segments, line, nesting });
    i
}

/// Reads a group such as `a, b::c, d as e}`, and returns the index after it.
fn read_group(code: &[&Token], mut i: usize, prefix: &[String], paths: &mut Vec<NamedPath>) -> usize {
    while let Some(token) = code.get(i) {
        i = match token.kind {
            Kind::Close => return i + 1,
            _ if token.is("as") => i + 2,
            _ if token.kind == Kind::Word || token.is("*") || token.is("{") => read_path(code, i, prefix, paths),
            _ => i + 1,
        };
    }
    i
}

fn absolute(path: &NamedPath, module: &[&str]) -> Option<Vec<String>> {
    let rest = |n: usize| path.segments[n..].iter().cloned();
    let supers = path.segments.iter().take_while(|part| *part == "super").count();
    match path.segments.first()?.as_str() {
        "crate" => Some(rest(1).collect()),
        "super" => {
            let up = module.len().checked_sub(supers.saturating_sub(path.nesting))?;
            Some(module[..up].iter().map(|part| (*part).to_owned()).chain(rest(supers)).collect())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own_paths(path: &str, text: &str) -> Vec<String> {
        Source::new(path, text).own_paths().iter().map(|(parts, _)| parts.join("::")).collect()
    }

    #[test]
    fn paths_with_braces_and_super_and_paths_in_expressions_and_macros_are_read() {
        let text = "use crate::{a::{self, b as c}, d::*};\nuse super::e;\nfn f() { vec![crate::g::h()]; }";
        let expected = ["a::self", "a::b", "d::*", "store::e", "g::h"];
        assert_eq!(own_paths("x/src/store/orders.rs", text), expected);
        assert_eq!(
            own_paths("x/src/store/mod.rs", "mod inner { use super::e; use super::super::f; }"),
            ["store::e", "f"]
        );
    }

    #[test]
    fn a_path_can_be_searched_for_its_parts() {
        let source = Source::new("x/src/a.rs", "use std::time::{Duration, Instant};\nfn f() { SystemTime::now(); }");
        assert!(source.paths().iter().any(|path| path.names("time::Instant") && path.goes_into("std::time")));
        assert!(source.paths().iter().any(|path| path.names("SystemTime::now") && path.line == 2));
    }

    #[test]
    fn the_module_path_follows_from_the_file_path() {
        let module = |path: &str| Source::new(path, "").module().map(|parts| parts.join("::"));
        assert_eq!(module("x/src/lib.rs").as_deref(), Some(""));
        assert_eq!(module("testing/x/src/a/mod.rs").as_deref(), Some("a"));
        assert_eq!(module("x/src/a/b.rs").as_deref(), Some("a::b"));
        assert_eq!(
            (module("x/src/bin/b.rs"), module("x/tests/api/main.rs"), module("x/src/main.rs")),
            (None, None, None)
        );
    }
}
