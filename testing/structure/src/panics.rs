//! Calls that may panic, and suppressed lints.

use crate::source::Source;
use crate::tokens::{Kind, Token};
use crate::{Rule, Violation, Workspace};

/// The rule that [`panics`] checks.
pub const PANICS: Rule = Rule {
    rule: "Code outside tests does not call `.unwrap()`. It calls `.expect(…)` only in a main.rs and in testing/.",
    reason: "A panic in a service breaks an order in the middle, and the caller cannot handle the answer. In testing/ a \
        panic correctly fails the test.",
    remedy: "Return an error, or rule the case out (`let … else`, `unwrap_or`, a more precise type).",
};

/// The rule that [`suppressed_lints`] checks.
pub const LINTS: Rule = Rule {
    rule: "No code uses `#[allow(…)]`. Every `#[expect(…)]` has a `reason`.",
    reason: "An `allow` stays after its cause is gone. The compiler warns about an unnecessary `expect`, and the reason \
        helps to decide whether it is still right.",
    remedy: "Follow the lint, or write #[expect(the_lint, reason = \"…\")].",
};

/// All calls that may panic where this is forbidden.
#[must_use]
pub fn panics(workspace: &Workspace) -> Vec<Violation> {
    workspace.sources.iter().flat_map(panics_in).collect()
}

fn panics_in(source: &Source) -> Vec<Violation> {
    let may_expect = source.path.starts_with("testing/") || source.path.ends_with("/src/main.rs");
    let forbidden = |word: &Token| word.is("unwrap") || (word.is("expect") && !may_expect);
    let code = source.code();
    let calls = code.windows(3).filter(|three| three[0].is(".") && forbidden(three[1]) && three[2].is("("));
    calls.map(|three| Violation::at(&source.path, three[1].line, format!("`.{}(`", three[1].text))).collect()
}

/// All lints that are suppressed without a reason, including those in tests.
#[must_use]
pub fn suppressed_lints(workspace: &Workspace) -> Vec<Violation> {
    let in_file = |source: &Source| -> Vec<Violation> {
        let attributes = source.tokens.iter().enumerate().filter(|(_, token)| token.is("#"));
        let suppressions = attributes.filter(|(i, _)| is_suppression(attribute(&source.tokens[*i..])));
        suppressions.map(|(_, token)| Violation::at(&source.path, token.line, "suppresses a lint")).collect()
    };
    workspace.sources.iter().flat_map(in_file).collect()
}

/// The tokens between `#[` or `#![` and `]`.
fn attribute(tokens: &[Token]) -> &[Token] {
    let begin = if tokens.get(1).is_some_and(|token| token.is("!")) { 3 } else { 2 };
    let mut depth = 1_usize;
    let rest = tokens.get(begin..).filter(|_| tokens[begin - 1].is("[")).unwrap_or_default();
    let end = rest.iter().position(|token| {
        match token.kind {
            Kind::Open => depth += 1,
            Kind::Close => depth -= 1,
            _ => {}
        }
        depth == 0
    });
    &rest[..end.unwrap_or(0)]
}

fn is_suppression(attribute: &[Token]) -> bool {
    let is_conditional = attribute.first().is_some_and(|token| token.is("cfg_attr"));
    let calls = |name: &str| {
        let found = attribute.windows(2).position(|pair| pair[0].is(name) && pair[1].is("("));
        found.is_some_and(|at| at == 0 || is_conditional)
    };
    calls("allow") || (calls("expect") && !attribute.iter().any(|token| token.is("reason")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unwrap_is_found_outside_tests_and_expect_only_in_the_product() {
        let found = |path, text| panics(&Workspace::of(&[(path, text)])).len();
        let (unwrap, expect) = ("fn f() { a().unwrap(); }", "fn f() { a().expect(\"b\"); }");
        assert_eq!((found("x/src/a.rs", unwrap), found("testing/x/src/a.rs", unwrap)), (1, 1));
        assert_eq!((found("x/src/a.rs", expect), found("x/src/main.rs", expect)), (1, 0));
        assert_eq!((found("testing/x/src/a.rs", expect), found("x/tests/api/main.rs", unwrap)), (0, 0));
        assert_eq!(found("x/src/a.rs", "/// `a.unwrap()`\nfn f() { a().unwrap_or(1); }"), 0);
    }

    #[test]
    fn an_allow_and_an_expect_without_a_reason_are_found() {
        let found = |text| suppressed_lints(&Workspace::of(&[("x/tests/a.rs", text)])).len();
        for bad in [
            "#[allow(dead_code)] fn f() {}",
            "#![allow(x)]",
            "#[cfg_attr(test, allow(x))] fn f() {}",
            "#[expect(x)] fn f() {}",
        ] {
            assert_eq!(found(bad), 1, "{bad}");
        }
        for good in ["#[expect(x, reason = \"y\")] fn f() {}", "#[derive(A)] struct B;", "fn f() { allow(x) }"] {
            assert_eq!(found(good), 0, "{good}");
        }
    }
}
