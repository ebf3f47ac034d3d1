//! `/tables/<name>/rows.<format>`: the rows of a table that were asked for, as a file.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use smelt_common::error::Result;
use smelt_formats::{Formulas, TableFormat, TableOptions, table_writer};

use super::app::{App, Asked, refusal};
use crate::address::Parameters;
use crate::frame::BLOCK_ROWS;
use crate::lake::Seen;
use crate::links;
use crate::query::find;
use crate::shell::Refusal;

pub(super) async fn show(
    State(app): State<Arc<App>>,
    Path((name, file)): Path<(String, String)>,
    asked: Asked,
) -> Result<Response, Refusal> {
    let (format, content_type) = match file.as_str() {
        "rows.csv" => (TableFormat::Csv, "text/csv; charset=utf-8"),
        "rows.json" => (TableFormat::Json, "application/json"),
        "rows.jsonl" => (TableFormat::Jsonl, "application/jsonl"),
        "rows.parquet" => (TableFormat::Parquet, "application/vnd.apache.parquet"),
        _ => {
            return Err(Refusal::not_found(
                "a table's rows are at `rows.csv`, `rows.json`, `rows.jsonl` and `rows.parquet`",
            ));
        }
    };
    format.check_built().map_err(refusal)?;
    let saved = format!("{name}.{}", format.extension());
    app.bytes(content_type, Some(saved), move |seen| file_of(seen, &name, &asked.parameters, format)).await
}

/// Returns the rows of a table that the parameters ask for, as a file.
pub(super) fn file_of(seen: &Seen, name: &str, parameters: &Parameters, format: TableFormat) -> Result<Vec<u8>> {
    let frame = seen.table(name)?;
    let asked = links::asked(&frame, parameters);
    let found = find(&frame, &asked, frame.rows())?;
    let columns: Vec<usize> = (0..frame.schema().fields().len()).collect();
    let options = TableOptions { formulas: Formulas::Escape, ..TableOptions::default() };
    let mut writer = table_writer(format, Arc::clone(frame.schema()), &options, Vec::new())?;
    for rows in found.rows.chunks(BLOCK_ROWS) {
        writer.write(&frame.fetch(rows, &columns)?)?;
    }
    writer.finish()
}
