//! Follows a path to the file that defines what it names, through re-exports.

use std::collections::{BTreeSet, HashSet};

use super::source::{Meaning, Module, Source};
use super::tokens::Written;

/// Where a path leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Target {
    Module(usize),
    /// An item that a file defines, by the file's number.
    Item {
        file: usize,
        /// It may have names of its own, as variants.
        is_type: bool,
    },
}

/// The imports that were followed already, by module: a circle of re-exports leads nowhere.
type Visited<'a> = HashSet<(usize, &'a str, &'a [String])>;

impl Source {
    /// Returns the files that define what an import in `module` names. A module as such is defined by nobody: what counts is
    /// what is used of it.
    pub(super) fn imported(&self, module: usize, import: &Written) -> BTreeSet<usize> {
        files(&self.follow(module, &import.segments, &mut Visited::new()))
    }

    /// Returns the files that define what a path in the code of `module` names, unless one of its imports says that already.
    pub(super) fn mentioned(&self, module: usize, written: &Written) -> BTreeSet<usize> {
        let (first, rest) = written.segments.split_at(1);
        if self.modules[module].names.contains_key(&first[0]) {
            let targets = self.follow(module, first, &mut Visited::new());
            if rest.is_empty() || !targets.iter().any(|target| matches!(target, Target::Module(_))) {
                return BTreeSet::new();
            }
        } else if written.is_macro && rest.is_empty() {
            return self.textual(module, &first[0]).into_iter().collect();
        }
        files(&self.follow(module, &written.segments, &mut Visited::new()))
    }

    /// Returns the file of the module above that defines a macro: its children see it without an import.
    fn textual(&self, module: usize, name: &str) -> Option<usize> {
        let above = std::iter::successors(self.modules[module].parent, |&above| self.modules[above].parent);
        let defines = |module: &Module| {
            module.names.get(name).is_some_and(|meanings| meanings.iter().any(|found| matches!(found, Meaning::Value)))
        };
        above.map(|above| &self.modules[above]).find(|above| defines(above)).map(|above| above.file)
    }

    fn follow<'a>(&'a self, module: usize, segments: &'a [String], visited: &mut Visited<'a>) -> BTreeSet<Target> {
        let mut at = module;
        let mut rest = segments;
        while let [first, others @ ..] = rest {
            match first.as_str() {
                "crate" => at = 0,
                "self" => {}
                "super" => at = self.modules[at].parent.unwrap_or(0),
                _ => break,
            }
            rest = others;
        }
        let is_absolute = rest.len() < segments.len();
        let Some((name, rest)) = rest.split_first() else { return BTreeSet::from([Target::Module(at)]) };
        let mut targets = self.name(at, name, visited);
        if targets.is_empty() && is_absolute {
            targets = self.unseen(at, name);
        }
        for name in rest {
            targets = targets.into_iter().flat_map(|target| self.step(target, name, visited)).collect();
        }
        targets
    }

    /// Returns what `name` is within `target`.
    fn step<'a>(&'a self, target: Target, name: &'a str, visited: &mut Visited<'a>) -> BTreeSet<Target> {
        match target {
            Target::Module(module) => {
                let found = self.name(module, name, visited);
                if found.is_empty() { self.unseen(module, name) } else { found }
            }
            Target::Item { is_type: true, .. } => BTreeSet::from([target]),
            // A function has the name of a module.
            Target::Item { is_type: false, .. } => BTreeSet::new(),
        }
    }

    /// Returns what a module defines that is not to be seen in its source: what a macro makes.
    fn unseen(&self, module: usize, name: &str) -> BTreeSet<Target> {
        let file = match self.exported.get(name) {
            Some(file) if module == 0 => *file,
            _ => self.modules[module].file,
        };
        BTreeSet::from([Target::Item { file, is_type: true }])
    }

    /// Returns what a name is in a module.
    fn name<'a>(&'a self, module: usize, name: &'a str, visited: &mut Visited<'a>) -> BTreeSet<Target> {
        let Module { file, names, globs, .. } = &self.modules[module];
        let mut targets = BTreeSet::new();
        for meaning in names.get(name).into_iter().flatten() {
            match meaning {
                Meaning::Module(module) => {
                    targets.insert(Target::Module(*module));
                }
                Meaning::Type => {
                    targets.insert(Target::Item { file: *file, is_type: true });
                }
                Meaning::Value => {
                    targets.insert(Target::Item { file: *file, is_type: false });
                }
                Meaning::Alias(path) => {
                    if visited.insert((module, "", path)) {
                        targets.extend(self.follow(module, path, visited));
                    }
                }
            }
        }
        if !targets.is_empty() || names.contains_key(name) {
            return targets;
        }
        for glob in globs {
            if !visited.insert((module, name, glob)) {
                continue;
            }
            for target in self.follow(module, glob, visited) {
                // The import of an enum's variants counts where it stands.
                if let Target::Module(from) = target {
                    targets.extend(self.name(from, name, visited));
                }
            }
        }
        targets
    }
}

fn files(targets: &BTreeSet<Target>) -> BTreeSet<usize> {
    let file = |target: &Target| match target {
        Target::Module(_) => None,
        Target::Item { file, .. } => Some(*file),
    };
    targets.iter().filter_map(file).collect()
}
