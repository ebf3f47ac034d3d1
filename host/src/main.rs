//! The `smelt` command.

use std::process::ExitCode;

use clap::Parser as _;
use smelt::cli::Cli;
use smelt::error::Kind;

fn main() -> ExitCode {
    match smelt::cli::run(Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("smelt: {error}");
            ExitCode::from(if error.kind() == Kind::InvalidConfig { 2 } else { 1 })
        }
    }
}
