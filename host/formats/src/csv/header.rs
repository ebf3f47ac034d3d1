//! The header line: finds out which field of a record belongs to which declared column.

use std::collections::HashMap;

use crate::batch::Warning;
use crate::sniff;

/// The column index of fields that are not declared.
const UNDECLARED: u32 = u32::MAX;

/// Returns the declared column of each field of records that have no header. A name that is not declared is that of no
/// column.
pub(super) fn named(names: &[String], columns: &[String]) -> Vec<u32> {
    let column = |name: &String| columns.iter().position(|column| column == name);
    names.iter().map(|name| column(name).map_or(UNDECLARED, |column| column as u32)).collect()
}

/// Returns the declared column of each field of the header. Names are trimmed; if a name comes twice, the first one
/// counts.
pub(super) fn fields(
    line: &[u8],
    names: &[Vec<u8>],
    columns: &[String],
    delimiter: u8,
    warnings: &mut Vec<Warning>,
) -> Vec<u32> {
    let mut declared = HashMap::new();
    for (i, name) in columns.iter().enumerate().rev() {
        declared.insert(name.as_bytes(), (i as u32, false));
    }
    let mut fields = Vec::with_capacity(names.len());
    for name in names {
        let name = name.trim_ascii();
        fields.push(match declared.get_mut(name) {
            Some((column, found @ false)) => {
                *found = true;
                *column
            }
            Some((column, true)) => {
                Warning::DuplicateColumn(columns[*column as usize].clone()).note(warnings);
                UNDECLARED
            }
            None => UNDECLARED,
        });
    }
    let found = declared.values().filter(|(_, found)| *found).count();
    if found < declared.len() {
        warn_of_format(line, columns, delimiter, found, warnings);
    }
    for name in columns {
        if declared.get(name.as_bytes()).is_some_and(|(_, found)| !found) {
            Warning::MissingColumn(name.clone()).note(warnings);
        }
    }
    fields
}

/// Adds a warning if a header that lacks columns looks like one of another format or with another delimiter. `found` is
/// how many of the columns it has.
pub(super) fn warn_of_format(
    line: &[u8],
    columns: &[String],
    delimiter: u8,
    found: usize,
    warnings: &mut Vec<Warning>,
) {
    if let Some(looks) = sniff::delimiter(line, delimiter, columns, found) {
        Warning::Delimiter { looks, set: delimiter.into() }.note(warnings);
    } else if let Some(what) = sniff::not_csv(line).filter(|_| found == 0) {
        Warning::OtherFormat(what).note(warnings);
    }
}

/// Returns a warning if the record has `fields` cells with another delimiter.
#[cold]
pub(super) fn separated(record: &[u8], delimiter: u8, fields: usize) -> Option<Warning> {
    let looks = sniff::separated(record, delimiter, fields)?;
    Some(Warning::Delimiter { looks, set: delimiter.into() })
}
