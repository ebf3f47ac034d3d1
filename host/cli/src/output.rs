//! Standard output and standard error. All that smelt shows goes through here, so that a terminal obeys nothing in it.

use std::io::{self, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use smelt_common::text;

/// Set once a write to standard output failed, unless its reader has gone away.
static FAILED: AtomicBool = AtomicBool::new(false);
/// Set once the reader of standard output has gone away.
static CLOSED: AtomicBool = AtomicBool::new(false);

/// Writes text for people to standard output.
pub(crate) fn print(text: &str) {
    write(&text::lines(text));
}

/// Writes a value as JSON for programs, on several lines, to standard output.
pub(crate) fn print_json(value: &impl serde::Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Error::internal(error.to_string()))?;
    print_json_lines(&[text.as_str(), "\n"].concat());
    Ok(())
}

/// Writes text that is JSON already to standard output. Characters that a terminal would obey are escaped.
pub(crate) fn print_json_lines(text: &str) {
    write(&text::json(text));
}

/// Returns whether the reader of standard output has gone away.
pub(crate) fn is_unread() -> bool {
    CLOSED.load(Ordering::Relaxed)
}

/// Returns whether something could not be written to standard output, though it has a reader.
pub(crate) fn has_failed() -> bool {
    FAILED.load(Ordering::Relaxed)
}

/// Writes to standard output. If the reader has gone away, as `head` does, that is no error. Any other failure is reported once.
pub(crate) fn write(text: &str) {
    if has_failed() || is_unread() {
        return;
    }
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => CLOSED.store(true, Ordering::Relaxed),
        Err(error) => {
            FAILED.store(true, Ordering::Relaxed);
            complain(&Error::new(Kind::Unavailable, format!("cannot write to standard output: {error}")));
        }
    }
}

/// Writes an error to standard error. Lines after the first are indented, so that no quoted text looks like a message of smelt.
pub(crate) fn complain(error: &Error) {
    let report = if error.kind() == Kind::Internal { "; this is a bug in smelt: please report it" } else { "" };
    write_error(&format!("smelt: {}{report}\n", text::lines(&error.to_string()).replace('\n', "\n  ")));
}

/// Writes to standard error. A failure is ignored, because nothing else could report it.
pub(crate) fn write_error(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}
