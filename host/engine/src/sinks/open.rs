//! Opens the sinks of a manifest, once it is known what the pipeline has.

use std::collections::{BTreeMap, BTreeSet};

use crate::manifest::Manifest;
use crate::pipeline::Pipeline;
use smelt_common::Error;
use smelt_common::error::Result;
use smelt_common::glob::Pattern;
use smelt_connectors::{Carries, FilesSink, Sheet, Sink, SinkKind, Surroundings};

/// The mark of names that leave what a sink carries.
const NOT: char = '!';

/// Opens the sinks that the manifest names, for the relations of the pipeline. Nothing is read or written yet.
///
/// # Errors
/// A section is wrong, or two sinks write the same file.
pub fn open(manifest: &Manifest, pipeline: &Pipeline, around: Surroundings<'_>) -> Result<Vec<Box<dyn Sink>>> {
    let mut sinks: Vec<Box<dyn Sink>> = Vec::new();
    let mut places: BTreeMap<String, &str> = BTreeMap::new();
    for (name, section) in &manifest.sink {
        let open = || match section.kind {
            SinkKind::Files => {
                let sheets = carried(&section.from, pipeline)?;
                FilesSink::open(name, section, sheets, around)
            }
        };
        let sink = open().map_err(|error| error.context(format!("[sink.{name}]")))?;
        for place in sink.places() {
            if let Some(other) = places.insert(place.clone(), name) {
                return Err(Error::config(format!("[sink.{other}] and [sink.{name}] both write `{place}`")));
            }
        }
        sinks.push(Box::new(sink));
    }
    Ok(sinks)
}

/// Returns the relations that `from` names, each once, in the order in which it names them.
fn carried(from: &[Carries], pipeline: &Pipeline) -> Result<Vec<Sheet>> {
    let relations: Vec<&str> = pipeline.relations().iter().map(|relation| relation.name).collect();
    let expect = |name: &str| match relations.contains(&name) {
        true => Ok(()),
        false => Err(Error::config(format!(
            "from: there is no dataset or table `{name}`; there are {}",
            relations.join(", ")
        ))),
    };
    let mut sheets: Vec<Sheet> = Vec::new();
    let mut add = |relation: &str, sheet: &str| {
        let sheet = Sheet { relation: relation.to_owned(), sheet: sheet.to_owned() };
        if !sheets.contains(&sheet) {
            sheets.push(sheet);
        }
    };
    let mut without = BTreeSet::new();
    for carries in from {
        match carries {
            Carries::Sheet { relation, sheet } => {
                expect(relation)?;
                add(relation, sheet);
            }
            Carries::Named(text) => match (text.strip_prefix(NOT), text.contains('*')) {
                (Some(name), _) => {
                    expect(name)?;
                    without.insert(name);
                }
                // A pattern means what is made for readers: not what is only clean, and not what is only said of it.
                (None, true) => {
                    let pattern = Pattern::parse(text).map_err(|error| error.context(format!("from: `{text}`")))?;
                    let tables = pipeline.tables.iter().filter(|step| !step.is_check() && pattern.matches(&step.name));
                    let names: BTreeSet<&str> = tables.map(|step| step.name.as_str()).collect();
                    if names.is_empty() {
                        return Err(Error::config(format!("from: no table matches `{text}`")));
                    }
                    names.into_iter().for_each(|name| add(name, name));
                }
                (None, false) => {
                    expect(text)?;
                    add(text, text);
                }
            },
        }
    }
    sheets.retain(|sheet| !without.contains(sheet.relation.as_str()));
    if sheets.is_empty() {
        return Err(Error::config("from: expected the name of at least one dataset or table"));
    }
    Ok(sheets)
}
