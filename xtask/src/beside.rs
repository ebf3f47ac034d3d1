//! Jobs side by side, each in a thread of its own. Each line that their commands write begins with the name of the job.

use std::cell::RefCell;
use std::io::{BufRead as _, BufReader, IsTerminal as _};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result, anyhow};

/// A job: its name, and what its thread does.
pub(crate) type Job<'a> = (&'static str, Box<dyn FnOnce() -> Result<()> + Send + 'a>);

thread_local! {
    /// The job of this thread, if it runs beside others.
    static OWN: RefCell<Option<Own>> = const { RefCell::new(None) };
}

#[derive(Clone)]
struct Own {
    name: &'static str,
    running: Arc<Running>,
}

/// The commands of all jobs.
#[derive(Default)]
struct Running(Mutex<State>);

#[derive(Default)]
struct State {
    processes: Vec<u32>,
    is_stopped: bool,
}

/// Runs all jobs. If one fails, ends the others' commands and returns that error.
pub(crate) fn all(jobs: Vec<Job<'_>>) -> Result<()> {
    let running = Arc::new(Running::default());
    let first = Mutex::new(None);
    std::thread::scope(|scope| {
        for (name, job) in jobs {
            let own = Own { name, running: running.clone() };
            let (running, first) = (&running, &first);
            scope.spawn(move || {
                OWN.set(Some(own));
                if let Err(error) = job() {
                    first.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                    running.stop();
                }
            });
        }
    });
    first.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
}

/// Returns the text with which this thread's lines begin.
pub(crate) fn name() -> String {
    OWN.with_borrow(|own| own.as_ref().map_or_else(String::new, |own| format!("{}: ", own.name)))
}

/// Runs a command to its end. It has xtask's own standard streams, unless there are jobs beside this one.
pub(crate) fn status(command: &mut Command) -> Result<ExitStatus> {
    let Some(Own { name, running }) = OWN.with_borrow(Clone::clone) else { return Ok(command.status()?) };
    if std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
        command.env("CARGO_TERM_COLOR", "always");
    }
    let mut child = running.start(command.stdin(Stdio::null()).stderr(Stdio::piped()))?;
    for line in BufReader::new(child.stderr.take().context("standard error is piped")?).split(b'\n') {
        eprintln!("{name:>10} | {}", String::from_utf8_lossy(&line?));
    }
    // This comes before `wait`, after which the number may belong to another process.
    running.ended(child.id());
    Ok(child.wait()?)
}

impl Running {
    fn start(&self, command: &mut Command) -> Result<std::process::Child> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.is_stopped {
            return Err(anyhow!("another job failed"));
        }
        let child = command.spawn()?;
        state.processes.push(child.id());
        Ok(child)
    }

    fn ended(&self, process: u32) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).processes.retain(|other| *other != process);
    }

    fn stop(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.is_stopped = true;
        for process in state.processes.drain(..) {
            end(process);
        }
    }
}

/// Asks a process that a job started to end.
#[cfg(unix)]
fn end(process: u32) {
    if let Ok(process) = libc::pid_t::try_from(process) {
        // SAFETY: it takes two numbers, and touches no memory of this process.
        unsafe { libc::kill(process, libc::SIGTERM) };
    }
}

#[cfg(not(unix))]
fn end(_: u32) {}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::sync::atomic::{AtomicBool, Ordering};

    use anyhow::bail;

    use super::{all, name, status};

    #[test]
    fn jobs_have_their_names_and_all_are_done() {
        let job = |expected: &'static str| {
            Box::new(move || {
                assert!(status(&mut Command::new("true"))?.success());
                assert_eq!(name(), format!("{expected}: "));
                Ok(())
            })
        };
        all(vec![("host", job("host")), ("components", job("components"))]).expect("both succeed");
        assert_eq!(name(), "");
    }

    #[test]
    fn a_job_that_fails_ends_the_others() {
        let is_ended = AtomicBool::new(false);
        let long = || {
            // This is an error if the other job failed before this one began.
            let is_over = status(Command::new("sleep").arg("600")).is_ok_and(|status| status.success());
            is_ended.store(!is_over, Ordering::Relaxed);
            Ok(())
        };
        let error = all(vec![("long", Box::new(long)), ("short", Box::new(|| bail!("it failed")))]);
        assert_eq!(error.expect_err("one failed").to_string(), "it failed");
        assert!(is_ended.into_inner());
    }
}
