//! Messages on standard error, by `tracing`.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt as _;
use tracing_subscriber::fmt::format::debug_fn;

use smelt_common::text::one_line;

/// Writes messages to standard error from now on: warnings and errors, with `verbose` 1 also infos, from 2 on all.
pub(crate) fn to_stderr(verbose: u8) {
    // Only smelt's own crates: others could log the headers of requests, which have credentials.
    let filter = match verbose {
        0 => "smelt=warn",
        1 => "smelt=info",
        _ => "smelt=debug",
    };
    // A message is one line, whatever it quotes.
    let fields = debug_fn(|writer, field, value| {
        let value = format!("{value:?}");
        match field.name() {
            "message" => write!(writer, "{}", one_line(&value)),
            name => write!(writer, "{name}={}", one_line(&value)),
        }
    });
    // This fails only if a test in the same process has called it before.
    let _ = tracing_subscriber::fmt()
        .fmt_fields(fields.delimited(" "))
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        // tracing would panic if standard error cannot be written to.
        .log_internal_errors(false)
        .try_init();
}
