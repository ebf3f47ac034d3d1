//! The values that a column has.

use std::collections::HashSet;
use std::sync::Arc;

use arrow_array::Array as _;
use smelt_common::error::Result;

use crate::frame::{Cell, Frame, cell};

/// Returns the different values of a column as texts, in their order; `None` if there are more than `most`.
pub fn values_of(frame: &Frame, column: usize, most: usize) -> Result<Arc<Option<Vec<String>>>> {
    frame.remembered(&format!("values {column} {most}"), || {
        let (mut texts, mut values) = (HashSet::new(), Vec::new());
        for block in 0..frame.blocks() {
            let chunk = frame.chunk(block, column)?;
            for value in (0..chunk.len()).map(|row| cell(&chunk, row)) {
                let text = value.text();
                if !text.is_empty() && !texts.contains(&text) {
                    if values.len() == most {
                        return Ok(None);
                    }
                    texts.insert(text.clone());
                    values.push((value, text));
                }
            }
        }
        // Texts of equal values, as of 0 and -0, have an order too.
        values.sort_by(|(one, text), (other, other_text)| one.compare(other).then_with(|| text.cmp(other_text)));
        Ok(Some(values.into_iter().map(|(_, text)| text).collect()))
    })
}

/// Returns the least and the greatest value of a column; `None` if it has none.
pub fn ends_of(frame: &Frame, column: usize) -> Result<Arc<Option<(Cell, Cell)>>> {
    frame.remembered(&format!("ends {column}"), || {
        let mut ends: Option<(Cell, Cell)> = None;
        for block in 0..frame.blocks() {
            let chunk = frame.chunk(block, column)?;
            for value in (0..chunk.len()).map(|row| cell(&chunk, row)).filter(|value| *value != Cell::Missing) {
                match &mut ends {
                    Some((least, _)) if value.compare(least).is_lt() => *least = value,
                    Some((_, greatest)) if value.compare(greatest).is_gt() => *greatest = value,
                    Some(_) => {}
                    None => ends = Some((value.clone(), value)),
                }
            }
        }
        Ok(ends)
    })
}
