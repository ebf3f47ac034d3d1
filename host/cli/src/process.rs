//! The command as a process: its arguments, standard output and error, panics, and the exit status that comes of all that.
//!
//! Whatever is shown goes through here, and what a terminal would obey is spelt out on the way.

use std::any::Any;
use std::ffi::OsString;
use std::io::{self, IsTerminal as _, Write as _};
use std::panic::{self, PanicHookInfo, UnwindSafe};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Parser as _;

use super::Cli;
use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use smelt_common::text;

/// Set once a write to standard output failed for another reason than that no one reads it.
static FAILED: AtomicBool = AtomicBool::new(false);
/// Set once no one reads standard output any more.
static CLOSED: AtomicBool = AtomicBool::new(false);
/// The messages and places of panics. Panics that a caller catches, from malformed streams of guests, are among them.
static PANICS: Mutex<Vec<(String, String)>> = Mutex::new(Vec::new());
/// The most that are remembered.
const PANICS_KEPT: usize = 64;

/// Runs the command. The exit status is 0, 1 or 2, whatever happens.
pub fn main() -> ExitCode {
    panic::set_hook(Box::new(remember));
    let code = ended(|| command(std::env::args_os().collect()));
    // A result that nobody could be told is a failure.
    if FAILED.load(Ordering::Relaxed) { ExitCode::FAILURE } else { code }
}

/// Does the work, says what went wrong, and returns the exit status.
fn ended(work: impl FnOnce() -> Result<ExitCode> + UnwindSafe) -> ExitCode {
    let done = panic::catch_unwind(work).unwrap_or_else(|payload| Err(Error::internal(panicked(&*payload))));
    done.unwrap_or_else(|error| {
        complain(&error);
        ExitCode::from(if error.kind() == Kind::InvalidConfig { 2 } else { 1 })
    })
}

fn command(arguments: Vec<OsString>) -> Result<ExitCode> {
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => return Ok(refuse(&error, &arguments)),
    };
    for (name, value) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if (name.starts_with("SMELT_") || name.starts_with("MINIO_")) && value.to_str().is_none() {
            return Err(Error::config(format!("the environment variable {name} is not UTF-8")));
        }
    }
    super::run(cli)
}

/// Says what clap has to say: what is wrong with the arguments, or how they are to be.
fn refuse(error: &clap::Error, arguments: &[OsString]) -> ExitCode {
    // It quotes arguments as they are, so it is made to quote them spelt out.
    let safe: Vec<_> =
        arguments.iter().map(|argument| text::one_line(&argument.to_string_lossy()).into_owned()).collect();
    let again = Cli::try_parse_from(&safe).err();
    let message = again.as_ref().map_or_else(|| error.render().to_string(), |error| error.render().to_string());
    // Colours are clap's own where nothing had to be spelt out.
    let plain = arguments.iter().zip(&safe).all(|(argument, safe)| argument.to_str() == Some(safe));
    let coloured = |terminal: bool| plain && terminal && std::env::var_os("NO_COLOR").is_none();
    match error.use_stderr() {
        true if coloured(io::stderr().is_terminal()) => say(&error.render().ansi().to_string()),
        true => say(&text::lines(&message)),
        false if coloured(io::stdout().is_terminal()) => write(&error.render().ansi().to_string()),
        false => write(&text::lines(&message)),
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

/// Writes text for people to standard output.
pub(super) fn print(text: &str) {
    write(&text::lines(text));
}

/// Writes a value as JSON for programs, on several lines, to standard output.
pub(super) fn print_json(value: &impl serde::Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Error::internal(error.to_string()))?;
    print_json_lines(&[text.as_str(), "\n"].concat());
    Ok(())
}

/// Writes JSON as it is, but for characters in it that a terminal would obey.
pub(super) fn print_json_lines(text: &str) {
    write(&text::json(text));
}

/// Returns whether the reader of standard output has gone away.
pub(super) fn is_unread() -> bool {
    CLOSED.load(Ordering::Relaxed)
}

/// Writes to standard output. A reader that has gone away, such as `head`, is no error; all else is, and is told once.
fn write(text: &str) {
    if FAILED.load(Ordering::Relaxed) || CLOSED.load(Ordering::Relaxed) {
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

/// Says on standard error what went wrong. Lines after the first are indented: what is quoted cannot pass for a message.
fn complain(error: &Error) {
    let report = if error.kind() == Kind::Internal { "; this is a bug in smelt: please report it" } else { "" };
    say(&format!("smelt: {}{report}\n", text::lines(&error.to_string()).replace('\n', "\n  ")));
}

/// Writes to standard error. Where that fails there is nobody left to tell.
fn say(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// The panic hook: nothing is printed before it is known whether anyone catches it.
fn remember(info: &PanicHookInfo<'_>) {
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    if let Ok(mut panics) = PANICS.lock()
        && panics.len() < PANICS_KEPT
    {
        panics.push((said(info.payload()), place));
    }
}

/// Returns the sentence for a panic that no caller caught.
fn panicked(payload: &(dyn Any + Send)) -> String {
    let what = said(payload);
    let panics = PANICS.lock().map(|panics| panics.clone()).unwrap_or_default();
    let place = panics.into_iter().rev().find(|(said, _)| *said == what).map(|(_, place)| format!(" at {place}"));
    format!("panicked{}: {what}", place.unwrap_or_default())
}

fn said(payload: &dyn Any) -> String {
    let text = payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no message").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_sentence_and_exit_status_1() {
        assert_eq!(ended(|| panic!("row {} is none", 7)), ExitCode::FAILURE);
        assert_eq!(ended(|| Err(Error::config("no such key"))), ExitCode::from(2));
        let payload = panic::catch_unwind(|| panic!("row {} is none", 7)).expect_err("it panics");
        assert_eq!(panicked(&*payload), "panicked: row 7 is none");
    }
}
