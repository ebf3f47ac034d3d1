//! Tests a cleaner with single batches.

use arrow_array::RecordBatch;

use super::contract::{ACCOUNT, FORM, TAKES_ANY};
use super::rules::{Rules, count};
use crate::report::{Failure, Verdict, failed, failure, passed};
use crate::rows::{cut, joined};
use crate::{shrink, text};
use smelt_common::error::{Breach, Kind, Result};
use smelt_runtime::Session;

/// The results of all batches that were sent.
#[derive(Default)]
pub(super) struct Tried {
    /// The rows of batches that were cleaned, for further tests.
    pub(super) rows: Vec<RecordBatch>,
    /// Batches whose output lacked its form or its account.
    pub(super) broken: Vec<(Breach, Failure)>,
    /// The number of batches whose output had the declared form.
    pub(super) formed: usize,
    /// The number of batches whose rows were all accounted for.
    pub(super) accounted: usize,
}

/// Tests whether the cleaner takes the batch, and keeps the result for the tests of output and account.
pub(super) fn batch<'p>(
    name: &str,
    rows: &RecordBatch,
    open: &impl Fn() -> Result<Session<'p>>,
    tried: &mut Tried,
    rules: &mut Rules,
) -> Verdict {
    let clean = |rows: &RecordBatch| open().and_then(|mut session| session.clean(rows));
    let told = passed(text::counted(rows.num_rows()));
    let error = match clean(rows) {
        Ok(cleaned) => {
            (tried.formed, tried.accounted) = (tried.formed + 1, tried.accounted + 1);
            if !["huge texts", "many rows"].contains(&name) {
                tried.rows.push(rows.clone());
            }
            count(&cleaned, rules);
            return told;
        }
        Err(error) => error,
    };
    let single: Vec<_> = cut(rows, 1).collect();
    let same =
        |some: &[RecordBatch]| clean(&joined(rows.schema_ref(), some)).is_err_and(|e| e.broken() == error.broken());
    // Leaves rows out as long as the rest fails alike. A call that ran into its deadline takes too long to try again.
    let few = match error.kind() {
        Kind::LimitExceeded => single,
        _ if single.len() > 1 => shrink::fewest(&single, same),
        _ => single,
    };
    let few = joined(rows.schema_ref(), &few);
    let came_back = clean(&few).err().unwrap_or(error);
    let sent = format!("`{name}`, {}", text::rows(&few));
    match came_back.broken() {
        None => return failed(sent, came_back.to_string(), TAKES_ANY),
        Some(Breach::Form) => tried.broken.push((Breach::Form, failure(sent, came_back.to_string(), FORM))),
        Some(Breach::Account) => {
            tried.formed += 1;
            tried.broken.push((Breach::Account, failure(sent, came_back.to_string(), ACCOUNT)));
        }
    }
    told
}
