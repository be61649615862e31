//! The glossary in ARCHITECTURE.md.

use crate::{Rule, Violation, Workspace};

/// The rule that [`glossary_faults`] checks.
pub const RULE: Rule = Rule {
    rule: "ARCHITECTURE.md has a table under the heading `## Glossary`. It has at most 20 terms, and the code or another \
        document uses each of them.",
    reason: "A short list of words is learned quickly. A term that nobody uses is only one more word to learn.",
    remedy: "Remove a term that is not used or that every engineer knows. Write one term per row, in the first column.",
};

const DOCUMENT: &str = "ARCHITECTURE.md";
const HEADING: &str = "## Glossary";
const LIMIT: usize = 20;
const EXTENSIONS: [&str; 5] = [".rs", ".py", ".sh", ".sql", ".md"];

/// A missing glossary, too many terms, or terms that are not used.
#[must_use]
pub fn glossary_faults(workspace: &Workspace) -> Vec<Violation> {
    let text = workspace.files.get(DOCUMENT).map_or("", String::as_str);
    let terms = terms(text);
    if terms.is_empty() {
        return vec![Violation::of(DOCUMENT, format!("has no table under `{HEADING}`"))];
    }
    let many = format!("the glossary has {} terms, the limit is {LIMIT}", terms.len());
    let mut violations: Vec<_> = (terms.len() > LIMIT).then(|| Violation::of(DOCUMENT, many)).into_iter().collect();
    let texts = texts(workspace);
    let unused = terms.into_iter().filter(|(term, _)| !is_used(term, &texts));
    violations.extend(unused.map(|(term, line)| Violation::at(DOCUMENT, line, format!("`{term}` is not used"))));
    violations
}

/// The terms in the first column of the glossary, with their line numbers. Text in brackets is an explanation.
fn terms(text: &str) -> Vec<(String, usize)> {
    let lines = text.lines().zip(1..).skip_while(|(line, _)| line.trim() != HEADING).skip(1);
    let table = lines.take_while(|(line, _)| !line.starts_with('#')).filter(|(line, _)| line.starts_with('|'));
    // The first two rows are the header of the table and the line below it.
    let cells = table.skip(2).filter_map(|(line, number)| Some((line.split('|').nth(1)?, number)));
    cells
        .map(|(cell, number)| {
            let term = cell.split('(').next().unwrap_or_default().replace(['`', '*', '_'], "");
            (term.trim().to_lowercase(), number)
        })
        .filter(|(term, _)| !term.is_empty())
        .collect()
}

/// The lower-case text of all code and documents outside the glossary.
fn texts(workspace: &Workspace) -> Vec<String> {
    let is_searched = |path: &str| EXTENSIONS.iter().any(|extension| path.ends_with(extension));
    let files = workspace.files.iter().filter(|(path, _)| is_searched(path));
    let text = |(path, text): (&String, &String)| {
        if path == DOCUMENT { without_glossary(text) } else { text.to_lowercase() }
    };
    files.map(text).collect()
}

fn without_glossary(text: &str) -> String {
    let (before, glossary) = text.split_once(HEADING).unwrap_or((text, ""));
    let after = glossary.find("\n#").map_or("", |end| &glossary[end..]);
    format!("{before}{after}").to_lowercase()
}

/// Whether a text contains the term as words, or as a name in `snake_case`, `kebab-case` or `CamelCase`.
fn is_used(term: &str, texts: &[String]) -> bool {
    let forms = [" ", "_", "-", ""].map(|separator| term.replace([' ', '-'], separator));
    texts.iter().any(|text| forms.iter().any(|form| text.contains(form.as_str())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(glossary: &str, code: &str) -> Vec<String> {
        let text = format!("# A\n{glossary}");
        let files = [(DOCUMENT, text.as_str()), ("x/src/a.rs", code)];
        glossary_faults(&Workspace::of(&files)).iter().map(Violation::to_string).collect()
    }

    fn table(terms: &[&str]) -> String {
        let rows: String = terms.iter().map(|term| format!("| {term} | what it means |\n")).collect();
        format!("## Glossary\n\n| term | meaning |\n|---|---|\n{rows}\n## Next\n| other | table |\n")
    }

    #[test]
    fn a_term_may_be_used_in_code_or_in_a_document() {
        let terms = ["**saga id**", "`permit`", "single flight (per key)", "next"];
        assert_eq!(found(&table(&terms), "struct SagaId;\n// A permit.\nfn single_flight() {}"), Vec::<String>::new());
    }

    #[test]
    fn a_missing_glossary_an_unused_term_and_too_many_terms_are_found() {
        assert_eq!(found("## Other\n", ""), ["ARCHITECTURE.md: has no table under `## Glossary`"]);
        assert_eq!(found(&table(&["saga", "ghost"]), "// saga"), ["ARCHITECTURE.md:7: `ghost` is not used"]);
        let many = found(&table(&["saga"; LIMIT + 1]), "// saga");
        assert_eq!(many, ["ARCHITECTURE.md: the glossary has 21 terms, the limit is 20"]);
    }
}
