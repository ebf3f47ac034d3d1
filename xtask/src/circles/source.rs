//! Reads a crate: its tree of modules, the names in each, and what its code mentions.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use anyhow::{Context, Result, anyhow};
use proc_macro2::{TokenStream, TokenTree};

use super::code::Mentions;
use super::tokens::{Attributes, Import, inside, item_length, visibility_length, word};

/// The meaning of a name.
#[derive(Debug, Clone)]
pub(super) enum Meaning {
    /// A module, by its number.
    Module(usize),
    /// A type or a trait, which may have names of its own, as variants.
    Type,
    /// A function, a constant or a macro.
    Value,
    /// Another name, whose path a `use` gives.
    Alias(Vec<String>),
}

#[derive(Debug, Default)]
pub(super) struct Module {
    pub(super) parent: Option<usize>,
    /// The number of its file.
    pub(super) file: usize,
    pub(super) names: BTreeMap<String, Vec<Meaning>>,
    /// The paths of `use path::*`.
    pub(super) globs: Vec<Vec<String>>,
    pub(super) mentions: Mentions,
}

impl Module {
    fn code(&mut self, trees: &[TokenTree]) {
        self.mentions.code(trees);
        for Import { segments, name, .. } in self.mentions.of_module.drain(..) {
            match name {
                Some(name) => self.names.entry(name).or_default().push(Meaning::Alias(segments)),
                None => self.globs.push(segments),
            }
        }
    }
}

/// Whatever of a crate is compiled outside of tests. The first module is the root.
#[derive(Debug, Default)]
pub(super) struct Source {
    pub(super) files: Vec<PathBuf>,
    pub(super) modules: Vec<Module>,
    /// The macros that lie at the root, by the file that defines them.
    pub(super) exported: HashMap<String, usize>,
}

impl Source {
    /// Reads the crate whose root is the file `root`.
    pub(super) fn read(root: &Path) -> Result<Self> {
        let mut source = Self::default();
        let dir = root.parent().unwrap_or(Path::new("."));
        source.file(root, None, dir)?;
        Ok(source)
    }

    /// Reads a file, whose child modules lie in `dir`, and returns the number of its module; none if it is for tests alone.
    fn file(&mut self, file: &Path, parent: Option<usize>, dir: &Path) -> Result<Option<usize>> {
        let text = fs::read_to_string(file).with_context(|| format!("can't read {}", file.display()))?;
        let stream = TokenStream::from_str(&text)
            .map_err(|error| anyhow!("{}, line {}: {error}", file.display(), error.span().start().line))?;
        let trees: Vec<_> = stream.into_iter().collect();
        let (attributes, trees) = Attributes::take_inner(&trees);
        if attributes.is_test {
            return Ok(None);
        }
        self.files.push(file.to_owned());
        let number = self.modules.len();
        self.modules.push(Module { parent, file: self.files.len() - 1, ..Module::default() });
        self.items(trees, number, dir)?;
        Ok(Some(number))
    }

    fn items(&mut self, mut trees: &[TokenTree], module: usize, dir: &Path) -> Result<()> {
        while !trees.is_empty() {
            let (attributes, rest) = Attributes::take(trees);
            let (item, rest) = rest.split_at(item_length(rest, false));
            trees = rest;
            if !attributes.is_test {
                self.modules[module].mentions.attributes(&attributes.contents);
                self.item(item, &attributes, module, dir)?;
            }
        }
        Ok(())
    }

    fn item(&mut self, item: &[TokenTree], attributes: &Attributes, module: usize, dir: &Path) -> Result<()> {
        let item = &item[visibility_length(item)..];
        for (at, tree) in item.iter().enumerate() {
            let name = || item.get(at + 1).and_then(word);
            let meaning = match word(tree).unwrap_or_default().as_str() {
                "mod" => return self.child(&item[at + 1..], attributes, module, dir),
                "struct" | "enum" | "union" | "trait" | "type" => Meaning::Type,
                "fn" => Meaning::Value,
                "const" if !["fn", "unsafe", "async", "extern"].contains(&name().unwrap_or_default().as_str()) => {
                    Meaning::Value
                }
                "static" => Meaning::Value,
                "macro_rules" => {
                    self.macro_rules(item.get(at + 2).and_then(word), attributes.is_exported, module);
                    break;
                }
                // Words that may stand in front of those.
                "const" | "unsafe" | "async" | "extern" | "default" | "auto" => continue,
                _ if matches!(tree, TokenTree::Literal(_)) => continue,
                _ => break,
            };
            let name = name().filter(|name| name != "mut").or_else(|| item.get(at + 2).and_then(word));
            self.modules[module].names.entry(name.unwrap_or_default()).or_default().push(meaning);
            break;
        }
        self.modules[module].code(item);
        Ok(())
    }

    fn macro_rules(&mut self, name: Option<String>, is_exported: bool, module: usize) {
        let name = name.unwrap_or_default();
        let Module { file, names, .. } = &mut self.modules[module];
        if is_exported {
            self.exported.insert(name.clone(), *file);
        }
        names.entry(name).or_default().push(Meaning::Value);
    }

    /// Reads a child module, from behind the word `mod`.
    fn child(&mut self, item: &[TokenTree], attributes: &Attributes, module: usize, dir: &Path) -> Result<()> {
        let name = item.first().and_then(word).context("a module without a name")?;
        let dir = dir.join(&name);
        let child = if let Some(braces @ TokenTree::Group(_)) = item.get(1) {
            let number = self.modules.len();
            let file = self.modules[module].file;
            self.modules.push(Module { parent: Some(module), file, ..Module::default() });
            let trees = inside(braces);
            self.items(Attributes::take_inner(&trees).1, number, &dir)?;
            Some(number)
        } else if let Some(path) = &attributes.path {
            let here = &self.files[self.modules[module].file];
            let file = here.with_file_name(path);
            let dir = file.with_file_name("");
            self.file(&file, Some(module), &dir)?
        } else {
            let folder = dir.join("mod.rs");
            let file = if folder.exists() { folder } else { dir.with_extension("rs") };
            self.file(&file, Some(module), &dir)?
        };
        if let Some(child) = child {
            self.modules[module].names.entry(name).or_default().push(Meaning::Module(child));
        }
        Ok(())
    }
}
