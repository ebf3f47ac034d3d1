//! The verdict of a test.

use super::record::Failure;

/// The most characters that a failure repeats of what was sent, and of what came back.
const LETTERS: usize = 4000;

/// The verdict of a test.
pub(crate) enum Verdict {
    /// The plugin keeps this part of the contract. Notes are for its author.
    Passed { detail: String, notes: Vec<String> },
    /// The plugin breaks this part of the contract.
    Failed(Vec<Failure>),
    /// The test could not run, for this reason.
    CouldNotRun(String),
}

/// Returns the verdict of a test that passed without notes.
pub(crate) fn passed(detail: impl Into<String>) -> Verdict {
    Verdict::Passed { detail: detail.into(), notes: vec![] }
}

/// Returns the verdict of a test with one failure.
pub(crate) fn failed(sent: impl Into<String>, came_back: impl Into<String>, contract: impl Into<String>) -> Verdict {
    Verdict::Failed(vec![failure(sent, came_back, contract)])
}

/// Returns a failure, with long texts cut.
pub(crate) fn failure(sent: impl Into<String>, came_back: impl Into<String>, contract: impl Into<String>) -> Failure {
    Failure { sent: limited(sent.into()), came_back: limited(came_back.into()), contract: contract.into() }
}

/// Cuts a text that is too long, since a plugin may say a lot.
fn limited(text: String) -> String {
    match text.char_indices().nth(LETTERS) {
        Some((end, _)) => format!("{}… ({} bytes)", &text[..end], text.len()),
        None => text,
    }
}
