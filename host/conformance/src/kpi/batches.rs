//! Tests a KPI with single batches.

use super::calls::Calls;
use super::contract::TAKES_ANY;
use crate::report::{Failure, Verdict, failed, failure, passed};
use crate::rows::{InputRows, joined, single};
use crate::{shrink, text};
use smelt_common::error::Kind;

/// Joins the batches of each input.
pub(super) fn rows_of_inputs(made: &[&Vec<InputRows>], inputs: usize) -> Vec<InputRows> {
    let of = |input| {
        let parts: Vec<_> = made.iter().flat_map(|parts| parts.iter()).filter(|part| part.input == input).collect();
        let first = parts.first()?;
        Some(InputRows { input, rows: joined(first.rows.schema_ref(), parts.iter().map(|part| &part.rows)) })
    };
    (0..inputs).filter_map(of).collect()
}

/// Returns the number of rows of all inputs.
pub(super) fn count(parts: &[InputRows]) -> usize {
    parts.iter().map(|part| part.rows.num_rows()).sum()
}

/// Joins neighbours of the same input.
pub(super) fn gathered(some: &[InputRows]) -> Vec<InputRows> {
    let mut parts: Vec<InputRows> = Vec::new();
    for InputRows { input, rows } in some {
        match parts.last_mut() {
            Some(last) if last.input == *input => last.rows = joined(rows.schema_ref(), [&last.rows, rows]),
            _ => parts.push(InputRows { input: *input, rows: rows.clone() }),
        }
    }
    parts
}

/// Tests whether the KPI takes the batch. If its output lacks the declared form, keeps the first such failure in
/// `broken`.
pub(super) fn batch(
    name: &str,
    calls: &Calls<'_>,
    parts: &[InputRows],
    inputs: &[&str],
    broken: &mut Option<Failure>,
) -> Verdict {
    let told = passed(text::counted(count(parts)));
    let Err(error) = calls.whole(parts) else { return told };
    let fails = |some: &[InputRows]| calls.whole(&gathered(some)).is_err_and(|other| other.broken() == error.broken());
    let single = single(parts);
    let few = match error.kind() {
        Kind::LimitExceeded => parts.to_vec(),
        _ if single.len() > 1 => gathered(&shrink::fewest(&single, fails)),
        _ => parts.to_vec(),
    };
    let came_back = calls.whole(&few).err().unwrap_or(error);
    let sent = format!("`{name}`, {}", text::parts(&few, inputs));
    match came_back.broken() {
        None => failed(sent, came_back.to_string(), TAKES_ANY),
        Some(_) => {
            broken.get_or_insert(failure(sent, came_back.to_string(), calls.contract().form));
            told
        }
    }
}

/// Sends each row alone. A sum that its column cannot hold is an error by contract, so an error is only noted.
pub(super) fn limits(calls: &Calls<'_>, parts: &[InputRows], inputs: &[&str]) -> Verdict {
    let rows = single(parts);
    let told = |part: &InputRows| {
        let error = calls.whole(std::slice::from_ref(part)).err()?;
        Some(format!("{}: {error}", text::parts(std::slice::from_ref(part), inputs).replace('\n', " ")))
    };
    let notes: Vec<_> = rows.iter().filter_map(told).collect();
    Verdict::Passed { detail: format!("{}, each alone", text::counted(rows.len())), notes }
}
