//! Reads fields of a server's answers.

use aws_sdk_s3::primitives::DateTime;

use super::fault::Fault;

/// Returns an etag without its quotes.
pub(super) fn etag(quoted: Option<&str>) -> String {
    quoted.unwrap_or_default().trim_matches('"').to_owned()
}

/// Returns the time at which an object was written, in microseconds since the epoch. It has whole seconds only, as in
/// the answer to a GET.
pub(super) fn modified(at: Option<&DateTime>) -> Result<i64, Fault> {
    let at = at.ok_or_else(|| Fault::Odd("the server does not say when the object was written".to_owned()))?;
    Ok(at.secs().saturating_mul(1_000_000))
}
