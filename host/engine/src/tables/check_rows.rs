//! The rows of the relation of all verdicts, as a view over the tables of the checks.

use std::sync::Arc;

use arrow_array::builder::BooleanBuilder;
use arrow_array::cast::AsArray as _;
use arrow_array::{ArrayRef, RecordBatch, StringArray, new_null_array};
use arrow_schema::{DataType, Schema, SchemaRef};
use arrow_select::filter::filter_record_batch;

use super::aggregation::Aggregation;
use super::kept;
use super::row_stage::RowStage;
use crate::history::changes_since;
use crate::host_relation::{Given, HostRelation};
use crate::pipeline::{COLUMNS, TableStep, are_verdicts};
use crate::silver;
use smelt_catalog::{Commit, Gold, ObjectRef, Relation};
use smelt_common::Error;
use smelt_common::error::Result;
use smelt_runtime::sums::Sign;

/// Returns the verdicts among the rows of a check's table, as rows of the relation of all verdicts.
pub(super) fn verdicts(step: &TableStep, table: &RecordBatch) -> Result<RecordBatch> {
    let internal = |error: arrow_schema::ArrowError| Error::internal(error.to_string());
    let rows = filter_record_batch(table, &are_verdicts(table)?).map_err(internal)?;
    let own = |name: &str| {
        rows.column_by_name(name).cloned().ok_or_else(|| Error::internal(format!("a check's table lacks `{name}`")))
    };
    let [expectation, severity, passed] = COLUMNS.map(|(name, _)| own(name));
    // Each verdict has passed or has not, though the column may allow for more.
    let mut is_passed = BooleanBuilder::new();
    passed?.as_boolean().iter().for_each(|passed| is_passed.append_value(passed.unwrap_or_default()));
    // A check of objects has a table for each dataset, with the dataset's name after its own.
    let check = step.section.strip_prefix("check.").unwrap_or(&step.name);
    let nothing = || new_null_array(&DataType::Utf8, rows.num_rows());
    let dataset = step
        .on
        .as_ref()
        .map(|dataset| -> ArrayRef { Arc::new(StringArray::from(vec![dataset.as_str(); rows.num_rows()])) });
    let object = step.on.as_ref().map(|_| own("object")).transpose()?;
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(vec![check; rows.num_rows()])),
        dataset.unwrap_or_else(nothing),
        object.unwrap_or_else(nothing),
        expectation?,
        severity?,
        Arc::new(is_passed.finish()),
    ];
    RecordBatch::try_new(HostRelation::Checks.schema(), columns).map_err(internal)
}

impl Aggregation<'_> {
    /// Returns all verdicts or, with `revisions`, those that came and left since the checks' tables were at these commits.
    /// Returns `None` if that cannot be followed.
    ///
    /// # Errors
    /// The rows of a check cannot be read; with its name.
    pub(super) fn check_rows(
        &self,
        pending: &Commit,
        revisions: Option<&[u64]>,
    ) -> Result<Option<Vec<Given>>, (String, Error)> {
        let mut given = Vec::new();
        let checks = self.pipeline.tables.iter().filter(|step| step.has_verdicts());
        let there = checks.filter_map(|step| Some((step, self.state.gold.get(&step.name)?)));
        let mut there: Vec<(&TableStep, &Gold)> = there.collect();
        there.sort_by_key(|(step, _)| &step.name);
        for (at, (step, gold)) in there.into_iter().enumerate() {
            let of = |error| (step.name.clone(), error);
            let rows = match revisions.and_then(|revisions| revisions.get(at)) {
                Some(&revision) => self.since(pending, step, &gold.relation, revision).map_err(of)?,
                None => Some(self.all(step, gold).map_err(of)?),
            };
            let Some(rows) = rows else { return Ok(None) };
            given.extend(rows);
        }
        Ok(Some(given))
    }

    fn all(&self, step: &TableStep, gold: &Gold) -> Result<Vec<Given>> {
        let mut rows = Vec::new();
        if let Some(kept) = gold.rows() {
            RowStage::of(step.plugin.spec()).scan(self.store, kept, kept::ALL, |batch| {
                rows.push((verdicts(step, batch)?, Sign::Plus));
                Ok(())
            })?;
        }
        Ok(rows)
    }

    fn since(
        &self,
        pending: &Commit,
        step: &TableStep,
        relation: &Relation,
        revision: u64,
    ) -> Result<Option<Vec<Given>>> {
        let Some(changes) = changes_since(self.store, pending, &step.name, relation, revision)? else {
            return Ok(None);
        };
        let schema = &step.plugin.spec().output;
        let is_wanted =
            |name: &str| COLUMNS.iter().any(|(wanted, _)| *wanted == name) || step.on.is_some() && name == "object";
        let fields = schema.fields().iter().filter(|field| is_wanted(field.name()));
        let columns: SchemaRef = Arc::new(Schema::new(fields.cloned().collect::<Vec<_>>()));
        let mut rows = Vec::new();
        let mut read = |object: &ObjectRef, sign| -> Result<()> {
            for batch in silver::read(self.store, object, schema, &columns)? {
                rows.push((verdicts(step, &batch)?, sign));
            }
            Ok(())
        };
        for change in changes {
            change.added.iter().try_for_each(|object| read(object, Sign::Plus))?;
            change.removed.iter().try_for_each(|removed| read(&removed.rows, Sign::Minus))?;
        }
        Ok(Some(rows))
    }
}
