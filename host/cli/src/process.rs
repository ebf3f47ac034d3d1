//! The command as a process: its arguments, its panics, and the exit status.

use std::any::Any;
use std::ffi::OsString;
use std::io::{self, IsTerminal as _};
use std::panic::{self, PanicHookInfo, UnwindSafe};
use std::process::ExitCode;
use std::sync::Mutex;

use clap::Parser;

use crate::output;
use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use smelt_common::text;

/// The messages of panics, and where each began. A caller may have caught some, such as those of Arrow on malformed streams.
static PANICS: Mutex<Vec<(String, String)>> = Mutex::new(Vec::new());
/// The most panics that [`PANICS`] keeps.
const PANICS_KEPT: usize = 64;

/// Runs `command` with the arguments of this process. Returns the exit status: 0, 1 or 2, whatever happens.
pub(crate) fn run(command: impl FnOnce(&[OsString]) -> Result<ExitCode> + UnwindSafe) -> ExitCode {
    panic::set_hook(Box::new(remember));
    let exit = ended(|| command(&std::env::args_os().collect::<Vec<_>>()));
    // A result that nobody could read is a failure.
    if output::has_failed() { ExitCode::FAILURE } else { exit }
}

/// Does the work, reports an error or a panic of it, and returns the exit status.
fn ended(work: impl FnOnce() -> Result<ExitCode> + UnwindSafe) -> ExitCode {
    let done = panic::catch_unwind(work).unwrap_or_else(|payload| Err(Error::internal(panicked(&*payload))));
    done.unwrap_or_else(|error| {
        output::complain(&error);
        ExitCode::from(if error.kind() == Kind::InvalidConfig { 2 } else { 1 })
    })
}

/// Parses the arguments. If they are wrong or ask for help, writes clap's message, and returns the exit status as the error.
pub(crate) fn parse<P: Parser>(arguments: &[OsString]) -> Result<P, ExitCode> {
    P::try_parse_from(arguments).map_err(|error| refuse::<P>(&error, arguments))
}

fn refuse<P: Parser>(error: &clap::Error, arguments: &[OsString]) -> ExitCode {
    // clap quotes arguments as they are. So it gets them again with every character escaped that a terminal would obey.
    let safe: Vec<_> =
        arguments.iter().map(|argument| text::one_line(&argument.to_string_lossy()).into_owned()).collect();
    let again = P::try_parse_from(&safe).err();
    let message = again.as_ref().map_or_else(|| error.render().to_string(), |error| error.render().to_string());
    // If nothing was escaped, the message may have clap's own colours.
    let plain = arguments.iter().zip(&safe).all(|(argument, safe)| argument.to_str() == Some(safe));
    let coloured = |terminal: bool| plain && terminal && std::env::var_os("NO_COLOR").is_none();
    match error.use_stderr() {
        true if coloured(io::stderr().is_terminal()) => output::write_error(&error.render().ansi().to_string()),
        true => output::write_error(&text::lines(&message)),
        false if coloured(io::stdout().is_terminal()) => output::write(&error.render().ansi().to_string()),
        false => output::write(&text::lines(&message)),
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

/// Keeps the panic for [`panicked`]. The panic hook prints nothing, because a caller may still catch the panic.
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
