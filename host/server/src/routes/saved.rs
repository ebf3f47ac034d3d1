//! Names of files that browsers save.

use axum::http::HeaderValue;

/// Returns the header that a browser saves an answer by, under that name. What could end the name in the header, or lead out of a
/// folder, is left out.
pub(super) fn saved_as(file: &str) -> HeaderValue {
    let plain = |letter: char| if letter.is_ascii_alphanumeric() || "._-".contains(letter) { letter } else { '_' };
    let file: String = file.chars().map(plain).collect();
    let header = format!("attachment; filename=\"{file}\"");
    HeaderValue::try_from(header).unwrap_or_else(|_| HeaderValue::from_static("attachment"))
}
