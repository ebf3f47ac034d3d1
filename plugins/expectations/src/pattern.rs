//! Patterns of columns: regular expressions that must match a whole text.

use regex::{Regex, RegexBuilder};

/// Returns the regular expression of a pattern that must match a whole text.
pub(crate) fn compile(pattern: &str) -> std::result::Result<Regex, String> {
    let build = |pattern: &str| RegexBuilder::new(pattern).size_limit(1 << 20).build();
    // By itself first, since an unclosed bracket of the pattern would swallow what is put around it.
    let error = |error: regex::Error| match error {
        regex::Error::Syntax(text) => {
            let reason = text.lines().last().unwrap_or_default();
            format!("`{pattern}` is no regular expression: {}", reason.strip_prefix("error: ").unwrap_or(reason))
        }
        _ => format!("`{pattern}` is too large a regular expression"),
    };
    build(pattern).map_err(error)?;
    build(&format!(r"\A(?:{pattern})\z")).map_err(error)
}
