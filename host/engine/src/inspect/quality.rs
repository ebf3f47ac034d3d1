//! The objects that checks judge, with what the checks and people say of them.

use std::collections::BTreeMap;

use arrow_array::cast::AsArray as _;
use arrow_array::{Array as _, BooleanArray, RecordBatch};
use arrow_select::filter::filter_record_batch;
use serde::Serialize;

use crate::pipeline::bronze_name;
use crate::run::Host;
use crate::tables::visit_rows;
use smelt_catalog::{Decision, Entries, Entry, State, Status, look};
use smelt_common::Error;
use smelt_common::error::Result;

/// The expectations that failed and those that warned, by object.
type Verdicts = BTreeMap<String, (Vec<String>, Vec<String>)>;

/// An object that checks judge.
#[derive(Debug, Clone, Serialize)]
pub struct JudgedObject {
    /// The dataset that is made of it.
    pub dataset: String,
    /// The name.
    pub object: String,
    /// The sha256 of its bytes.
    pub sha256: String,
    /// What came of the verdicts; `None` until it is judged.
    pub status: Option<Status>,
    /// The number of records, malformed ones included.
    pub read: u64,
    /// The number of malformed records.
    pub malformed: u64,
    /// The reason why nothing of it can be read, if so.
    pub unreadable: Option<String>,
    /// The decision of a person, if there is one.
    pub decision: Option<Decision>,
    /// The expectations that failed.
    pub failed: Vec<String>,
    /// The expectations that warned.
    pub warned: Vec<String>,
}

impl Host {
    /// Returns the objects that checks judge, in the order of their datasets and names.
    ///
    /// # Errors
    /// The lake or the table of a check cannot be read.
    pub fn judged_objects(&self) -> Result<Vec<JudgedObject>> {
        look(self.store(), |state| {
            let mut all = Vec::new();
            for step in self.pipeline().datasets.iter().filter(|step| !step.judged_by.is_empty()) {
                let Some(records) = state.datasets.get(&bronze_name(&step.name)) else { continue };
                let cleaned = state.datasets.get(&step.name).map(|cleaned| Entries::of(self.store(), cleaned).all());
                let cleaned: BTreeMap<String, Entry> = cleaned.transpose()?.unwrap_or_default().into_iter().collect();
                let verdicts = self.verdicts_by_object(state, &step.judged_by)?;
                for (object, entry) in Entries::of(self.store(), records).all()? {
                    let staged = entry.staged.unwrap_or_default();
                    let status = cleaned.get(&object).filter(|cleaned| cleaned.sha256 == entry.sha256);
                    let (failed, warned) = verdicts.get(&object).cloned().unwrap_or_default();
                    all.push(JudgedObject {
                        dataset: step.name.clone(),
                        sha256: entry.sha256,
                        status: status.and_then(|cleaned| cleaned.status),
                        read: entry.read,
                        malformed: staged.malformed,
                        unreadable: staged.unreadable,
                        decision: staged.decision,
                        failed,
                        warned,
                        object,
                    });
                }
            }
            Ok(all)
        })
    }

    /// Returns the rows of the checks' tables that are about an object, by check.
    ///
    /// # Errors
    /// The lake or the table of a check cannot be read.
    pub fn judgement_of(&self, object: &str) -> Result<Vec<(String, RecordBatch)>> {
        look(self.store(), |state| {
            let mut found = Vec::new();
            let checks = self.pipeline().tables.iter().filter(|step| step.on.is_some());
            for (step, gold) in checks.filter_map(|step| Some((step, state.gold.get(&step.name)?))) {
                visit_rows(self.store(), step, gold, &mut |rows| {
                    let is_it: BooleanArray =
                        text(rows, "object")?.iter().map(|name| Some(name == Some(object))).collect();
                    let rows = filter_record_batch(rows, &is_it).map_err(|error| Error::internal(error.to_string()))?;
                    if rows.num_rows() > 0 {
                        found.push((step.name.clone(), rows));
                    }
                    Ok(())
                })?;
            }
            Ok(found)
        })
    }

    /// Returns the expectations that failed and those that warned, by object.
    fn verdicts_by_object(&self, state: &State, checks: &[String]) -> Result<Verdicts> {
        let mut verdicts = Verdicts::new();
        for name in checks {
            let Some((step, gold)) = self.pipeline().table(name).zip(state.gold.get(name)) else { continue };
            visit_rows(self.store(), step, gold, &mut |rows| {
                let (object, expectation) = (text(rows, "object")?, text(rows, "expectation")?);
                let severity = text(rows, "severity")?;
                let passed = rows.column_by_name("passed").map(|column| column.as_boolean());
                for row in (0..rows.num_rows()).filter(|&row| object.is_valid(row) && expectation.is_valid(row)) {
                    if passed.is_some_and(|passed| passed.is_valid(row) && passed.value(row)) {
                        continue;
                    }
                    let (failed, warned) = verdicts.entry(object.value(row).to_owned()).or_default();
                    let list = if severity.is_valid(row) && severity.value(row) == "warn" { warned } else { failed };
                    list.push(expectation.value(row).to_owned());
                }
                Ok(())
            })?;
        }
        Ok(verdicts)
    }
}

fn text<'r>(rows: &'r RecordBatch, name: &str) -> Result<&'r arrow_array::StringArray> {
    let column = rows.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
    column.ok_or_else(|| Error::internal(format!("a check's table lacks `{name}`")))
}
