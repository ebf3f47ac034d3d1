//! `smelt` as a process that is waited for, killed or signalled.

use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

pub use rustix::process::Signal;

use super::Lake;

/// A running `smelt`; killed at the latest with the value.
pub struct Running(Child);

impl Running {
    /// Starts `smelt <arguments>` on the lake; what it says is dropped.
    pub fn start(lake: &Lake, arguments: &[&str]) -> Self {
        Self::spawn(&mut lake.command(arguments))
    }

    /// Starts a command.
    pub fn spawn(command: &mut Command) -> Self {
        Self(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("smelt starts"))
    }

    /// Ends it as `kill -9` does, if it has not ended by itself.
    pub fn kill(mut self) {
        self.0.kill().expect("a child can be killed");
        self.0.wait().expect("a child can be waited for");
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.0.try_wait().expect("a child can be asked").is_some()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        let process = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process(process, signal).expect("a child can be signalled");
    }

    /// How it ended; it must do so in time.
    pub fn wait(mut self, most: Duration) -> ExitStatus {
        assert!(wait_until(most, || self.has_ended()), "smelt still runs after {most:?}");
        self.0.wait().expect("a child can be waited for")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already, or a test has failed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until that is so; whether it was so in time.
pub fn wait_until(most: Duration, mut is_so: impl FnMut() -> bool) -> bool {
    let began = Instant::now();
    while !is_so() {
        if began.elapsed() > most {
            return false;
        }
        pause(Duration::from_micros(200));
    }
    true
}

/// Lets the child run for a while.
#[expect(clippy::disallowed_methods, reason = "another process is given time, which nothing here could wait on")]
pub fn pause(time: Duration) {
    std::thread::sleep(time);
}
