//! The imports between the files of a crate, and the circles among them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::source::Source;

/// One file imports from another.
type Edge = (usize, usize);

/// Files that need each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Circle {
    /// Each imports from the next, over whatever others.
    Ring(BTreeSet<usize>),
    /// A parent, which names its children, defines what these import.
    Parent(usize, BTreeSet<usize>),
}

/// The imports of each file from each other file, as they are written, with their lines.
pub(super) struct Graph<'a> {
    source: &'a Source,
    edges: BTreeMap<Edge, BTreeMap<String, BTreeSet<usize>>>,
    /// By file, the files of the modules above it.
    parents: Vec<BTreeSet<usize>>,
}

impl<'a> Graph<'a> {
    pub(super) fn of(source: &'a Source) -> Self {
        let mut edges: BTreeMap<_, BTreeMap<_, BTreeSet<_>>> = BTreeMap::new();
        for (number, module) in source.modules.iter().enumerate() {
            let imports = module.mentions.imports.iter().map(|import| (import, source.imported(number, import)));
            let paths = module.mentions.paths.iter().map(|path| (path, source.mentioned(number, path)));
            for (written, files) in imports.chain(paths) {
                for file in files.into_iter().filter(|file| *file != module.file) {
                    let names = edges.entry((module.file, file)).or_default();
                    names.entry(written.segments.join("::")).or_default().insert(written.line);
                }
            }
        }
        let parents = (0..source.files.len()).map(|file| parents(source, file)).collect();
        Self { source, edges, parents }
    }

    /// Finds all circles: first those that no parent is needed for, then the parents that define what their children import,
    /// then what is left of circles that go over a parent's re-export.
    pub(super) fn circles(&self) -> Vec<Circle> {
        let mut circles: Vec<_> = self.rings(|(from, to)| !self.parents[to].contains(&from));
        circles.extend(self.of_parents());
        for ring in self.rings(|_| true) {
            let files = ring.files();
            let is_known = circles.iter().any(|known| match known {
                Circle::Ring(known) => known.is_subset(&files),
                Circle::Parent(parent, children) => files.contains(parent) && !children.is_disjoint(&files),
            });
            if !is_known {
                circles.push(ring);
            }
        }
        circles
    }

    fn of_parents(&self) -> impl Iterator<Item = Circle> {
        let mut children: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for &(from, to) in self.edges.keys().filter(|(from, to)| self.parents[*from].contains(to)) {
            children.entry(to).or_default().insert(from);
        }
        children.into_iter().map(|(parent, children)| Circle::Parent(parent, children))
    }

    /// The strongly connected components of more than one file: those that reach each other over edges that count.
    fn rings(&self, counts: impl Fn(Edge) -> bool) -> Vec<Circle> {
        let edges: BTreeSet<_> = self.edges.keys().copied().filter(|edge| counts(*edge)).collect();
        let reached: Vec<_> = (0..self.source.files.len()).map(|file| reached(&edges, file)).collect();
        let mut rings = Vec::new();
        for (file, from_here) in reached.iter().enumerate() {
            let ring: BTreeSet<_> = from_here.iter().copied().filter(|other| reached[*other].contains(&file)).collect();
            // Each is found once, at its first file.
            if ring.len() > 1 && ring.first() == Some(&file) {
                rings.push(Circle::Ring(ring));
            }
        }
        rings
    }

    /// A sentence that names the files, and a line for each import. Files are shown relative to `root`.
    pub(super) fn sentence(&self, circle: &Circle, root: &Path) -> String {
        let shown = |file: usize| {
            let file = &self.source.files[file];
            file.strip_prefix(root).unwrap_or(file).display().to_string()
        };
        let files = circle.files();
        let within = self.edges.keys().filter(|(from, to)| files.contains(from) && files.contains(to));
        let (mut text, edges): (_, Vec<_>) = match circle {
            Circle::Ring(files) => {
                let files: Vec<_> = files.iter().map(|file| shown(*file)).collect();
                (format!("a circle of {} files: {}", files.len(), files.join(", ")), within.collect())
            }
            Circle::Parent(parent, children) => (
                format!("a circle of parent and children: {} defines what they import", shown(*parent)),
                within.filter(|(from, to)| to == parent && children.contains(from)).collect(),
            ),
        };
        for edge in edges {
            let names = self.edges[edge].iter().map(|(name, lines)| {
                let lines: Vec<_> = lines.iter().map(usize::to_string).collect();
                format!("{name} (line {})", lines.join(", "))
            });
            let names: Vec<_> = names.collect();
            text += &format!("\n    {} imports from {}: {}", shown(edge.0), shown(edge.1), names.join(", "));
        }
        text
    }
}

impl Circle {
    fn files(&self) -> BTreeSet<usize> {
        match self {
            Self::Ring(files) => files.clone(),
            Self::Parent(parent, children) => children.iter().copied().chain([*parent]).collect(),
        }
    }
}

fn parents(source: &Source, file: usize) -> BTreeSet<usize> {
    let module = source.modules.iter().find(|module| module.file == file);
    let above = std::iter::successors(module, |module| module.parent.map(|parent| &source.modules[parent]));
    above.map(|module| module.file).filter(|above| *above != file).collect()
}

fn reached(edges: &BTreeSet<Edge>, file: usize) -> BTreeSet<usize> {
    let mut reached = BTreeSet::new();
    let mut todo = vec![file];
    while let Some(from) = todo.pop() {
        let next = edges.range((from, 0)..(from + 1, 0)).map(|(_, to)| *to);
        todo.extend(next.filter(|to| reached.insert(*to)));
    }
    reached
}
