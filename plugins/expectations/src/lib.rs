//! Check: judges the objects of a dataset by the schemas, rules and thresholds of three files, before any row of them counts.
//! It knows no dataset: all it expects stands in the files.
//!
//! | stage | a group is | what becomes of it |
//! |---|---|---|
//! | 0 | a text that rows are compared by | rows that fail, and texts that several files have |
//! | 1 | an object | its counts, first failing rows and most frequent failing values |
//! | 2 | all objects by file and revision | verdicts, in a walk that remembers the objects that count |

mod cells;
mod condition;
mod config;
mod judge;
mod keys;
#[cfg(test)]
mod model;
mod number;
mod part;
mod pattern;
mod plan;
mod rows;
mod summary;
#[cfg(test)]
mod tests;
mod yaml;

use sha2::{Digest as _, Sha256};
use smelt_sdk::prelude::*;
use smelt_sdk::{Flow, Gather};

use crate::cells::CellTests;
use crate::config::Files;
use crate::judge::Walk;
use crate::keys::{Holders, KeyCells, Known};
use crate::part::{Part, SAME_CONTENT};
use crate::plan::{Plan, plan};
use crate::rows::{Bits, Bronze, Content, Finding, InOrder, Keyed, OfObject};
use crate::summary::Summing;

fn parameters() -> Parameters {
    Parameters::none()
        .required_text(
            "dataset",
            "The dataset whose objects are judged. The host gives it: the check runs once a dataset.",
        )
        .required_text("schemas", "The file `data_schemas.json`: how the columns of each dataset are written.")
        .text("rules", "", "The file `business_rules.yaml`: rules between cells, rows and datasets.")
        .text("thresholds", "", "The file `quality_thresholds.yaml`: bounds, weights, anomalies and drifts.")
}

/// The parts with which a definition is made: all of them, or the one that is opened.
#[derive(Default)]
struct Parts {
    keys: Option<part::Keys>,
    /// The dataset whose contents are compared.
    contents: Option<String>,
    cells: Option<part::Cells>,
    summary: Option<part::Summary>,
    /// The dataset whose objects are judged.
    objects: Option<String>,
    judging: Option<part::Judging>,
    /// Set if one part alone is defined, which has one input or none.
    is_part: bool,
}

fn expectations(config: &Config) -> Result<Definition> {
    let none = Parts { is_part: true, ..Parts::default() };
    define(match Part::told(config)? {
        // The inputs of keys are the first ones, in the order in which the part has them.
        Some(Part::Keys(keys)) => Parts { keys: Some(keys), is_part: false, ..none },
        Some(Part::Groups) => none,
        Some(Part::Contents(dataset)) => Parts { contents: Some(dataset), ..none },
        Some(Part::Cells(cells)) => Parts { cells: Some(cells), ..none },
        Some(Part::Summary(summary)) => Parts { summary: Some(summary), ..none },
        Some(Part::Objects(dataset)) => Parts { objects: Some(dataset), ..none },
        Some(Part::Judging(judging)) => Parts { judging: Some(*judging), ..none },
        None => {
            let [dataset, schemas] = [config.text("dataset")?, config.text("schemas")?];
            let [rules, thresholds] = [config.text("rules")?, config.text("thresholds")?];
            let files = Files::read(schemas, rules, thresholds, dataset).map_err(Fault::invalid_parameters)?;
            let Plan { keys, cells, summary, judging } = plan(&files, dataset, &digest([schemas, rules, thresholds]));
            Parts {
                keys: Some(keys),
                contents: Some(dataset.to_owned()),
                cells: Some(cells),
                summary: Some(summary),
                objects: Some(dataset.to_owned()),
                judging: Some(judging),
                is_part: false,
            }
        }
    })
}

/// Returns the sha256 of the files, one after the other.
fn digest(files: [&str; 3]) -> String {
    let digest = files.into_iter().fold(Sha256::new(), |digest, file| digest.chain_update(file)).finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn define(parts: Parts) -> Result<Definition> {
    let Parts { keys, contents, cells, summary, objects, judging, is_part } = parts;
    let mut flow: Flow<Keyed<'static>> = table(["dataset", "object", "kind", "place"]);
    if let Some(keys) = &keys {
        flow = keyed(flow, keys);
    }
    if let Some(dataset) = contents {
        let setting = Part::Contents(dataset.clone()).setting();
        flow = flow
            .input::<Content>("smelt.bronze", move |object: Content<'_>, out| match object.content_sha256 {
                Some(text) if object.dataset == dataset => out.add(Keyed::Used {
                    what: SAME_CONTENT,
                    text,
                    rule: 0,
                    object: object.object,
                    in_scope: true,
                    block: 0,
                    bits: Bits::from_units(1),
                }),
                _ => Ok(()),
            })
            .told_alone(setting);
    }
    let mut flow = flow
        .stage::<Keyed>()
        .walk_to_end(|holders: &mut Holders, row, out| holders.take(row, out), |holders, out| holders.end(out))
        .told_alone(Part::Groups.setting());
    if let Some(cells) = cells {
        let setting = Part::Cells(cells.clone()).setting();
        let relation = format!("bronze.{}", cells.dataset);
        let open = {
            let cells = cells.clone();
            move || Ok(Box::new(CellTests::open(&cells)?) as Box<dyn Gather<OfObject<'static>>>)
        };
        flow = flow.gather(&relation, cells::fields(&cells.columns), open).told_alone(setting);
    }
    let summary = summary.unwrap_or_default();
    let setting = Part::Summary(summary.clone()).setting();
    let mut flow = flow
        .stage::<OfObject>()
        .walk_to_end(
            move |summing: &mut Summing, row, out| summing.take(&summary, row, out),
            |summing, out| summing.end(out),
        )
        .told_alone(setting);
    if let Some(dataset) = objects {
        let setting = Part::Objects(dataset.clone()).setting();
        flow = flow
            .input::<Bronze>("smelt.bronze", move |object: Bronze<'_>, out| {
                if object.dataset == dataset { out.add(of_bronze(object)) } else { Ok(()) }
            })
            .told_alone(setting);
    }
    let judging = judging.unwrap_or_default();
    let (setting, tells_time) = (Part::Judging(Box::new(judging.clone())).setting(), judging.fresh.is_some());
    let judging = std::rc::Rc::new(judging);
    let at_end = std::rc::Rc::clone(&judging);
    let mut flow: Flow<Finding<'static>> = flow
        .stage::<InOrder>()
        .walk_to_end(
            move |walk: &mut Walk, row, out| walk.take(&judging, row, out),
            move |walk, out| walk.end(&at_end, out),
        )
        .told_alone(setting);
    if tells_time {
        flow = flow.as_of();
    }
    if is_part { flow.define_part() } else { flow.define() }
}

/// Adds the inputs whose texts are compared.
fn keyed(mut flow: Flow<Keyed<'static>>, keys: &part::Keys) -> Flow<Keyed<'static>> {
    let setting = Part::Keys(keys.clone()).setting();
    if !keys.rules.is_empty() {
        let relation = format!("bronze.{}", keys.dataset);
        let opened = keys.clone();
        let open = move || Ok(Box::new(KeyCells::open(&opened)?) as Box<dyn Gather<Keyed<'static>>>);
        flow = flow.gather(&relation, cells::fields(&keys.columns), open).told_alone(setting.clone());
    }
    for (target, (dataset, column)) in (0..).zip(&keys.targets) {
        let known = Known { target, column: column.clone() };
        let fields = known.fields();
        let open = move || Ok(Box::new(known) as Box<dyn Gather<Keyed<'static>>>);
        flow = flow.gather(dataset, fields, open).told_alone(setting.clone());
    }
    flow
}

fn of_bronze(bronze: Bronze<'_>) -> InOrder<'_> {
    InOrder::Object {
        file: bronze.file,
        revision: bronze.revision,
        object: bronze.object,
        stamp: bronze.stamp,
        sha256: bronze.sha256,
        bytes: bronze.bytes,
        unreadable: bronze.unreadable,
        content_bytes: bronze.content_bytes,
        header: bronze.header,
        records: bronze.records,
        malformed: bronze.malformed,
        decision: bronze.decision,
        why: bronze.why,
    }
}

export_table!(expectations, parameters);
