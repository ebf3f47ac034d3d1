//! The command line: `--name value`, `--name=value`, flags and positional words. A word that no verb asked for is an
//! error.

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;

use anyhow::{Result, bail};

/// The error of a wrong command line; `main` exits with 2.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (see `cargo xtask --help`)", self.0)
    }
}

impl std::error::Error for Usage {}

pub(crate) struct Args(VecDeque<String>);

impl Args {
    pub(crate) fn from_env() -> Self {
        Self(std::env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect())
    }

    /// Returns the next word, if it is not an option. A verb must take its options before.
    pub(crate) fn positional(&mut self) -> Option<String> {
        self.0.pop_front_if(|word| !word.starts_with('-'))
    }

    pub(crate) fn wants_help(&self) -> bool {
        self.0.iter().any(|arg| arg == "--help" || arg == "-h")
    }

    pub(crate) fn flag(&mut self, name: &str) -> bool {
        let found = self.0.iter().position(|arg| arg == name);
        found.is_some_and(|at| self.0.remove(at).is_some())
    }

    /// Returns the parsed value of the option `name`.
    pub(crate) fn option<T: FromStr>(&mut self, name: &str) -> Result<Option<T>> {
        let Some(at) = self.0.iter().position(|arg| arg.split('=').next() == Some(name)) else {
            return Ok(None);
        };
        let taken = self.0.remove(at).expect("position is within the deque");
        let value = match taken.split_once('=') {
            Some((_, value)) => Some(value.to_owned()),
            None => self.0.remove(at),
        };
        let Some(value) = value else { bail!(Usage(format!("`{name}` needs a value"))) };
        match value.parse() {
            Ok(parsed) => Ok(Some(parsed)),
            Err(_) => bail!(Usage(format!("`{value}` is no value for `{name}`"))),
        }
    }

    pub(crate) fn finish(&self) -> Result<()> {
        match self.0.front() {
            None => Ok(()),
            Some(arg) => bail!(Usage(format!("unexpected `{arg}`"))),
        }
    }
}
