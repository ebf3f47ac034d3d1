//! Silver and gold in whatever format they are.

use std::borrow::Cow;

use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use smelt_engine::manifest::{Manifest, OutputFormat};
use smelt_formats::{Formulas, encode_table};

/// The variable that has the lakes of a process write silver and gold in another format than CSV.
pub const OUTPUT: &str = "SMELT_OUTPUT";

/// Returns the other format, if there is one.
pub fn output() -> Option<String> {
    std::env::var(OUTPUT).ok()
}

/// Returns the text of a manifest with the other format, if there is one.
pub fn as_asked(manifest: &str) -> Cow<'_, str> {
    let Some(format) = output() else { return manifest.into() };
    let section = |format: &str| format!("[output]\nsilver = \"{format}\"\ngold = \"{format}\"\n");
    match manifest.contains("[output]") {
        true => manifest.replace(&section("csv"), &section(&format)).into(),
        false => format!("{manifest}\n{}", section(&format)).into(),
    }
}

/// Makes a manifest that was read from a file have the other format, if there is one.
pub fn ask(manifest: &mut Manifest) {
    if output().is_some() {
        (manifest.output.silver, manifest.output.gold) = (OutputFormat::Parquet, OutputFormat::Parquet);
    }
}

/// Returns the table in the file of that name as the CSV that smelt makes of it.
pub fn as_csv(name: &str, body: Vec<u8>, formulas: Formulas) -> String {
    if name.ends_with(".csv") {
        return String::from_utf8(body).expect("CSV is text");
    }
    assert!(name.ends_with(".parquet"), "`{name}` is neither CSV nor Parquet");
    let file = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(body)).expect("it is Parquet");
    let schema = file.schema().clone();
    let batches: Vec<_> = file.build().expect("it can be read").map(|batch| batch.expect("it can be read")).collect();
    let csv = encode_table(&schema, &batches, formulas).expect("its types have a text form");
    String::from_utf8(csv).expect("CSV is text")
}
