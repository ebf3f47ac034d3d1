//! Collects what code mentions: what it imports, and the paths in it, macros and attributes included.

use std::collections::HashMap;

use proc_macro2::{Delimiter, TokenTree};

use super::tokens::{
    Attributes, Import, Written, imports, inside, is_punct, is_word, item_length, path, path_in_text, visibility_length,
};

#[derive(Debug, Default)]
pub(super) struct Mentions {
    pub(super) imports: Vec<Written>,
    pub(super) paths: Vec<Written>,
    /// The imports outside of blocks, which are names of the module.
    pub(super) of_module: Vec<Import>,
    /// The names that the blocks around import for themselves, innermost last.
    scopes: Vec<HashMap<String, Vec<String>>>,
}

impl Mentions {
    pub(super) fn code(&mut self, trees: &[TokenTree]) {
        let mut at = 0;
        while let Some(tree) = trees.get(at) {
            at += self.attributed(&trees[at..]).or_else(|| self.item(&trees[at..])).unwrap_or_else(|| {
                if let Some((written, end)) = path(trees, at) {
                    self.path(written);
                    return end - at;
                }
                if let TokenTree::Group(group) = tree {
                    let is_block = group.delimiter() == Delimiter::Brace;
                    self.scopes.extend(is_block.then(HashMap::new));
                    self.code(&inside(tree));
                    if is_block {
                        self.scopes.pop();
                    }
                }
                1
            });
        }
    }

    /// Collects what attributes mention, in strings as well.
    pub(super) fn attributes(&mut self, trees: &[TokenTree]) {
        self.code(trees);
        let mut rest = trees.to_vec();
        while let Some(tree) = rest.pop() {
            if let Some(written) = path_in_text(&tree) {
                self.path(written);
            }
            rest.extend(inside(&tree));
        }
    }

    /// Reads the attributes at the beginning of `trees`, and skips what is there for tests alone. Returns the length of both.
    fn attributed(&mut self, trees: &[TokenTree]) -> Option<usize> {
        let (attributes, rest) = Attributes::take(trees);
        let length = trees.len() - rest.len();
        if attributes.is_test {
            return Some(length + item_length(rest, true));
        }
        self.attributes(&attributes.contents);
        (length > 0).then_some(length)
    }

    /// Reads what is no plain code at the beginning of `trees`: `pub(…)`, which imports nothing, `use` and `macro_rules!`.
    fn item(&mut self, trees: &[TokenTree]) -> Option<usize> {
        let visibility = visibility_length(trees);
        if visibility > 0 {
            return Some(visibility);
        }
        let (is_macro, is_use) = (is_word(trees.first()?, "macro_rules"), is_word(trees.first()?, "use"));
        // `use<…>` is no import: a type that captures has it.
        if !is_macro && !is_use || trees.get(1).is_some_and(|next| is_punct(next, '<')) {
            return None;
        }
        let item = &trees[..item_length(trees, false)];
        if is_macro {
            self.macro_body(item);
        } else {
            self.imports(&item[1..]);
        }
        Some(item.len())
    }

    /// Collects what a macro mentions of its crate, whoever calls it. Other paths lead somewhere from where it is called.
    fn macro_body(&mut self, trees: &[TokenTree]) {
        for (at, tree) in trees.iter().enumerate() {
            let of_crate = path(trees, at).map(|(written, _)| written).filter(|written| written.segments[0] == "crate");
            self.paths.extend(of_crate);
            self.macro_body(&inside(tree));
        }
    }

    fn path(&mut self, mut written: Written) {
        if let Some(alias) = self.scopes.iter().rev().find_map(|scope| scope.get(&written.segments[0])) {
            written.segments.splice(..1, alias.iter().cloned());
        }
        self.paths.push(written);
    }

    fn imports(&mut self, tree: &[TokenTree]) {
        let mut found = Vec::new();
        imports(tree, &[], &mut found);
        for import in found {
            let Import { segments, name, line } = &import;
            self.imports.push(Written { segments: segments.clone(), line: *line, is_macro: false });
            match (self.scopes.last_mut(), name) {
                (None, _) => self.of_module.push(import),
                (Some(scope), Some(name)) => {
                    scope.insert(name.clone(), segments.clone());
                }
                (Some(_), None) => {}
            }
        }
    }
}
