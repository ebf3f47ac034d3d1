//! Reads tokens: attributes, `use` trees, paths, and where an item ends.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A path as it is written, by its segments, and the line of the last one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) segments: Vec<String>,
    pub(super) line: usize,
    /// Set if the path is called as a macro.
    pub(super) is_macro: bool,
}

/// One name that a `use` brings in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Import {
    pub(super) segments: Vec<String>,
    /// The name that it has here; none for `*`.
    pub(super) name: Option<String>,
    pub(super) line: usize,
}

/// The attributes in front of an item.
#[derive(Default)]
pub(super) struct Attributes {
    /// The item is there in tests alone.
    pub(super) is_test: bool,
    /// A macro that lies at the root of its crate, whatever its module.
    pub(super) is_exported: bool,
    /// The file of `#[path = "file"]`.
    pub(super) path: Option<String>,
    /// The contents of the attributes, without documentation.
    pub(super) contents: Vec<TokenTree>,
}

impl Attributes {
    /// Takes the attributes at the beginning of `trees`, `#[…]`, and returns them with what follows.
    pub(super) fn take(trees: &[TokenTree]) -> (Self, &[TokenTree]) {
        Self::take_while(trees, |trees| match trees {
            [hash, contents @ TokenTree::Group(_), rest @ ..] if is_punct(hash, '#') => Some((contents, rest)),
            _ => None,
        })
    }

    /// Takes those of the whole file or module, `#![…]`.
    pub(super) fn take_inner(trees: &[TokenTree]) -> (Self, &[TokenTree]) {
        Self::take_while(trees, |trees| match trees {
            [hash, mark, contents @ TokenTree::Group(_), rest @ ..] if is_punct(hash, '#') && is_punct(mark, '!') => {
                Some((contents, rest))
            }
            _ => None,
        })
    }

    fn take_while(
        mut trees: &[TokenTree],
        next: impl Fn(&[TokenTree]) -> Option<(&TokenTree, &[TokenTree])>,
    ) -> (Self, &[TokenTree]) {
        let mut taken = Self::default();
        while let Some((contents, rest)) = next(trees) {
            taken.add(inside(contents));
            trees = rest;
        }
        (taken, trees)
    }

    fn add(&mut self, contents: Vec<TokenTree>) {
        match contents.first().and_then(word).as_deref() {
            Some("doc") => return,
            Some("cfg") => self.is_test |= contents.get(1).is_some_and(|tree| condition(&inside(tree)) == Some(false)),
            Some("test") => self.is_test |= contents.len() == 1,
            Some("macro_export") => self.is_exported = true,
            Some("path") => self.path = contents.last().and_then(text),
            _ => {}
        }
        self.contents.extend(contents);
    }
}

/// Returns what a condition of `cfg` is outside of tests, none if that depends on the build. The feature `testing` is for
/// tests alone.
fn condition(trees: &[TokenTree]) -> Option<bool> {
    let inner = trees.get(1).map(inside).unwrap_or_default();
    let mut parts = inner.split(|tree| is_punct(tree, ',')).filter(|part| !part.is_empty()).map(condition);
    match word(trees.first()?)?.as_str() {
        "test" => Some(false),
        "feature" => trees.last().and_then(text).filter(|name| name == "testing").map(|_| false),
        "not" => parts.next()?.map(|holds| !holds),
        "all" => parts.any(|holds| holds == Some(false)).then_some(false),
        "any" => parts.all(|holds| holds == Some(false)).then_some(false),
        _ => None,
    }
}

/// Returns the length of the item, statement or field at the beginning of `trees`, up to its `;`, `,` (with `commas`) or braces.
pub(super) fn item_length(trees: &[TokenTree], commas: bool) -> usize {
    let item = &trees[visibility_length(trees)..];
    let word_at = |at: usize| item.get(at).and_then(word).unwrap_or_default();
    // What these hold may have braces.
    let ends_with_semicolon = match word_at(0).as_str() {
        "use" | "static" | "type" | "let" => true,
        "extern" => word_at(1) == "crate",
        "const" => !["fn", "unsafe", "async", "extern"].contains(&word_at(1).as_str()),
        _ => false,
    };
    let is_end = |tree: &TokenTree| match tree {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace && !ends_with_semicolon,
        tree => is_punct(tree, ';') || commas && is_punct(tree, ','),
    };
    trees.iter().position(is_end).map_or(trees.len(), |end| end + 1)
}

/// Returns the length of `pub` or `pub(…)` at the beginning of `trees`.
pub(super) fn visibility_length(trees: &[TokenTree]) -> usize {
    match trees {
        [first, TokenTree::Group(group), ..]
            if is_word(first, "pub") && group.delimiter() == Delimiter::Parenthesis =>
        {
            2
        }
        [first, ..] if is_word(first, "pub") => 1,
        _ => 0,
    }
}

/// All names that the tree of a `use` brings in, from behind the word `use`.
pub(super) fn imports(trees: &[TokenTree], prefix: &[String], into: &mut Vec<Import>) {
    let mut segments = prefix.to_vec();
    let mut name = None;
    let mut line = 0;
    let mut at = 0;
    while let Some(tree) = trees.get(at) {
        match tree {
            TokenTree::Ident(ident) if ident == "as" => {
                name = trees.get(at + 1).and_then(word);
                at += 1;
            }
            TokenTree::Ident(ident) => {
                line = ident.span().start().line;
                // `{self}` is the module itself.
                if ident != "self" || segments.is_empty() {
                    segments.push(ident.to_string());
                }
            }
            TokenTree::Group(group) => {
                for part in inside(&TokenTree::Group(group.clone())).split(|tree| is_punct(tree, ',')) {
                    if !part.is_empty() {
                        imports(part, &segments, into);
                    }
                }
                return;
            }
            TokenTree::Punct(punct) if punct.as_char() == '*' => {
                let line = punct.span().start().line;
                into.push(Import { segments, name: None, line });
                return;
            }
            // `::name` is another crate's.
            TokenTree::Punct(punct) if punct.as_char() == ':' && segments.is_empty() => segments.push(String::new()),
            _ => {}
        }
        at += 1;
    }
    let name = name.or_else(|| segments.last().cloned());
    into.push(Import { segments, name, line });
}

/// The path that begins at `at`, if one does, and where it ends.
pub(super) fn path(trees: &[TokenTree], at: usize) -> Option<(Written, usize)> {
    let TokenTree::Ident(first) = &trees[at] else { return None };
    let punct = |back: usize, mark| at >= back && is_punct(&trees[at - back], mark);
    let is_variable = punct(1, '$') && first != "crate";
    let is_member = punct(1, '.') && !punct(2, '.');
    let is_rest = punct(1, ':') && punct(2, ':') || punct(1, '\'');
    if is_variable || is_member || is_rest {
        return None;
    }
    let mut segments = vec![first.to_string()];
    let mut line = first.span().start().line;
    let mut end = at + 1;
    while let [colon, second, TokenTree::Ident(segment), ..] = &trees[end..] {
        if !is_punct(colon, ':') || !is_punct(second, ':') {
            break;
        }
        line = segment.span().start().line;
        segments.push(segment.to_string());
        end += 3;
    }
    let is_macro = trees.get(end).is_some_and(|tree| is_punct(tree, '!'))
        && !trees.get(end + 1).is_some_and(|tree| is_punct(tree, '='));
    Some((Written { segments, line, is_macro }, end))
}

/// A path in a string, as attributes of serde have them.
pub(super) fn path_in_text(tree: &TokenTree) -> Option<Written> {
    let text = text(tree)?;
    let stream: TokenStream = text.parse().ok()?;
    let trees: Vec<_> = stream.into_iter().collect();
    let (written, end) = path(&trees, trees.first().map(|_| 0)?)?;
    let line = tree.span().start().line;
    (end == trees.len()).then_some(Written { line, ..written })
}

pub(super) fn is_word(tree: &TokenTree, word: &str) -> bool {
    matches!(tree, TokenTree::Ident(ident) if ident == word)
}

pub(super) fn word(tree: &TokenTree) -> Option<String> {
    match tree {
        TokenTree::Ident(ident) => Some(ident.to_string()),
        _ => None,
    }
}

/// The content of a string.
fn text(tree: &TokenTree) -> Option<String> {
    let TokenTree::Literal(literal) = tree else { return None };
    let literal = literal.to_string();
    Some(literal.strip_prefix('"')?.strip_suffix('"')?.to_owned())
}

/// Returns the tokens between the brackets of a group; none for any other token.
pub(super) fn inside(tree: &TokenTree) -> Vec<TokenTree> {
    match tree {
        TokenTree::Group(group) => group.stream().into_iter().collect(),
        _ => Vec::new(),
    }
}

pub(super) fn is_punct(tree: &TokenTree, mark: char) -> bool {
    matches!(tree, TokenTree::Punct(punct) if punct.as_char() == mark)
}
