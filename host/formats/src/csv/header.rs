//! The header line: which field of a record is which declared column.

use std::collections::HashMap;

use super::super::decode::{Warning, delimiter, not_csv};

/// The column index of fields that are not declared.
const UNDECLARED: u32 = u32::MAX;

/// For each field of the header its declared column. Names are trimmed; of equal ones the first counts.
pub(super) fn fields(line: &[u8], names: &[Vec<u8>], columns: &[String], warnings: &mut Vec<Warning>) -> Vec<u32> {
    let mut places = HashMap::new();
    for (i, name) in columns.iter().enumerate().rev() {
        places.insert(name.as_bytes(), (i as u32, false));
    }
    let mut fields = Vec::with_capacity(names.len());
    for name in names {
        let name = name.trim_ascii();
        fields.push(match places.get_mut(name) {
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
    let found = places.values().filter(|(_, found)| *found).count();
    if found < places.len() {
        told(line, columns, found, warnings);
    }
    for name in columns {
        if places.get(name.as_bytes()).is_some_and(|(_, found)| !found) {
            Warning::MissingColumn(name.clone()).note(warnings);
        }
    }
    fields
}

/// Tells what a line that lacks columns looks like, if it can be told.
pub(super) fn told(line: &[u8], columns: &[String], found: usize, warnings: &mut Vec<Warning>) {
    if let Some(how) = delimiter(line, columns, found) {
        Warning::Delimiter(how).note(warnings);
    } else if let Some(what) = not_csv(line).filter(|_| found == 0) {
        Warning::OtherFormat(what).note(warnings);
    }
}
