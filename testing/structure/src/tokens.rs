//! Reads Rust source as a flat list of tokens, each with its line number and whether it is test code.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

/// The kind of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A name or keyword.
    Word,
    /// A punctuation mark. `::` is one token.
    Mark,
    /// A literal.
    Literal,
    /// `(`, `[` or `{`.
    Open,
    /// `)`, `]` or `}`.
    Close,
}

/// One token of a Rust file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The text in the file.
    pub text: String,
    /// The kind.
    pub kind: Kind,
    /// The line number, counted from 1.
    pub line: usize,
    /// The number of `mod x { … }` blocks around it.
    pub nesting: usize,
    /// Whether it is in an item with `#[cfg(test)]` or `#[test]`.
    pub is_test: bool,
}

impl Token {
    /// Whether it is this mark, bracket or word.
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        self.kind != Kind::Literal && self.text == text
    }

    /// The text between the quotes, if it is a plain string.
    #[must_use]
    pub fn string(&self) -> Option<&str> {
        let text = Some(self.text.as_str()).filter(|_| self.kind == Kind::Literal)?;
        text.strip_prefix('"')?.strip_suffix('"')
    }
}

/// The tokens of a file.
///
/// # Errors
/// Returns an error if the text is not valid Rust.
pub fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let stream: TokenStream = text.parse().map_err(|e: proc_macro2::LexError| e.to_string())?;
    let mut list = Vec::new();
    flatten(stream, 0, false, &mut list);
    Ok(list)
}

fn flatten(stream: TokenStream, nesting: usize, in_test: bool, list: &mut Vec<Token>) {
    let trees: Vec<TokenTree> = stream.into_iter().collect();
    let mut item_is_test = false;
    for (i, tree) in trees.iter().enumerate() {
        item_is_test |= i > 0 && is_mark(&trees[i - 1], '#') && marks_a_test(tree);
        let is_test = in_test || item_is_test;
        let mut push = |text: String, kind, line| list.push(Token { text, kind, line, nesting, is_test });
        let line = tree.span().start().line;
        match tree {
            TokenTree::Ident(word) => push(word.to_string(), Kind::Word, line),
            TokenTree::Literal(literal) => push(literal.to_string(), Kind::Literal, line),
            TokenTree::Punct(_) if is_second_colon(&trees, i) => {}
            TokenTree::Punct(_) if is_second_colon(&trees, i + 1) => push("::".to_owned(), Kind::Mark, line),
            TokenTree::Punct(mark) => push(mark.to_string(), Kind::Mark, line),
            TokenTree::Group(group) => {
                let (open, close) = brackets(group.delimiter());
                push(open.to_owned(), Kind::Open, line);
                let is_module = open == "{" && i > 1 && matches!(&trees[i - 2], TokenTree::Ident(w) if w == "mod");
                flatten(group.stream(), nesting + usize::from(is_module), is_test, list);
                let line = group.span_close().end().line;
                list.push(Token { text: close.to_owned(), kind: Kind::Close, line, nesting, is_test });
                item_is_test &= open != "{";
            }
        }
        item_is_test &= !is_mark(tree, ';');
    }
}

fn brackets(delimiter: Delimiter) -> (&'static str, &'static str) {
    match delimiter {
        Delimiter::Parenthesis => ("(", ")"),
        Delimiter::Bracket => ("[", "]"),
        Delimiter::Brace => ("{", "}"),
        Delimiter::None => ("", ""),
    }
}

fn is_mark(tree: &TokenTree, mark: char) -> bool {
    matches!(tree, TokenTree::Punct(punct) if punct.as_char() == mark)
}

fn is_second_colon(trees: &[TokenTree], i: usize) -> bool {
    let Some((TokenTree::Punct(first), second)) = i.checked_sub(1).and_then(|h| Some((trees.get(h)?, trees.get(i)?)))
    else {
        return false;
    };
    first.as_char() == ':' && first.spacing() == Spacing::Joint && is_mark(second, ':')
}

/// Whether this attribute marks a test, such as `cfg(test)`, `test` or `tokio::test(…)`.
fn marks_a_test(attribute: &TokenTree) -> bool {
    let TokenTree::Group(group) = attribute else { return false };
    let text: String = group.stream().to_string().split_whitespace().collect();
    let name = text.split('(').next().unwrap_or_default();
    name == "test" || name.ends_with("::test") || text == "cfg(test)" || text.starts_with("cfg(all(test,")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_items_are_marked_but_the_items_after_them_are_not() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests { fn b() { c::d(); } }\n#[tokio::test]\nfn e() {}\nfn g() {}";
        let list = tokens(text).expect("Rust");
        let marked = |word: &str| list.iter().find(|token| token.is(word)).expect("the word is in the list").is_test;
        assert_eq!(["a", "b", "d", "e", "g"].map(marked), [false, true, true, true, false]);
    }

    #[test]
    fn comments_are_not_tokens_and_two_colons_are_one_token() {
        let list = tokens("// a::b\n/* c */ x::y").expect("Rust");
        let texts: Vec<_> = list.iter().map(|token| (token.text.as_str(), token.line)).collect();
        assert_eq!(texts, [("x", 2), ("::", 2), ("y", 2)]);
    }
}
