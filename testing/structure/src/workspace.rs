//! The files of the workspace, in memory.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::source::Source;

/// Folders that do not belong to the sources: those of git, of builds and of `./dev up`.
const SKIPPED: [&str; 7] = [".git", ".dev", ".venv", "target", "node_modules", "__pycache__", ".sqlx"];

/// The files of a workspace.
#[derive(Debug)]
pub struct Workspace {
    /// The text of each file, by its path from the root. A binary file has an empty text.
    pub files: BTreeMap<String, String>,
    /// The Rust files, sorted by path.
    pub sources: Vec<Source>,
}

impl Workspace {
    /// The workspace that contains this crate.
    ///
    /// # Panics
    /// Panics if it cannot be read.
    #[must_use]
    pub fn this() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("this crate is in testing/");
        let mut files = BTreeMap::new();
        read_folder(root, "", &mut files);
        Self::with(files)
    }

    /// A workspace with these paths and texts, for tests.
    #[must_use]
    pub fn of(files: &[(&str, &str)]) -> Self {
        Self::with(files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect())
    }

    fn with(files: BTreeMap<String, String>) -> Self {
        let rust = files.iter().filter(|(path, _)| path.ends_with(".rs"));
        let sources = rust.map(|(path, text)| Source::new(path, text)).collect();
        Self { files, sources }
    }

    /// Whether a file or folder with this path exists.
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        self.files.contains_key(path) || self.files.keys().any(|file| file.starts_with(&format!("{path}/")))
    }

    /// The Rust files of the four programs.
    pub fn product(&self) -> impl Iterator<Item = &Source> {
        self.sources.iter().filter(|source| !source.path.starts_with("testing/") && source.path.contains("/src/"))
    }

    /// The folders of all crates.
    #[must_use]
    pub fn packages(&self) -> Vec<&str> {
        let mut packages: Vec<&str> = self.sources.iter().map(Source::package).collect();
        packages.dedup();
        packages
    }

    /// The files of a crate's library, each with its module path.
    pub fn library<'a>(&'a self, package: &'a str) -> impl Iterator<Item = (&'a Source, Vec<&'a str>)> {
        let own = self.sources.iter().filter(move |source| source.package() == package);
        own.filter_map(|source| Some((source, source.module()?)))
    }
}

fn read_folder(folder: &Path, prefix: &str, files: &mut BTreeMap<String, String>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{} cannot be read: {e}", folder.display()));
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && !SKIPPED.contains(&name.as_str()) => {
                read_folder(&entry.path(), &format!("{path}/"), files);
            }
            Ok(kind) if kind.is_file() => {
                files.insert(path, fs::read_to_string(entry.path()).unwrap_or_default());
            }
            _ => {}
        }
    }
}
