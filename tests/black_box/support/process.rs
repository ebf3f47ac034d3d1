//! `smelt` as a process that is waited for, killed or signalled.

use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{WaitId, WaitIdOptions, waitid};

pub use rustix::process::Signal;

use super::Lake;

/// Longer than any command of a test takes, on a busy machine too.
const LONG: Duration = Duration::from_secs(120);
/// The time between two looks at a process.
const PAUSE: Duration = Duration::from_micros(200);

/// A running `smelt`; killed at the latest with the value.
pub struct Running(Child);

/// Returns numbers from 0 up to below `most`, spread evenly however many are taken.
pub fn spread(most: u64) -> impl Iterator<Item = u64> {
    (1..).map(move |number: u32| (most as f64 * (f64::from(number) * 0.618_034 % 1.0)) as u64)
}

/// Runs `smelt <arguments>` on the lake again and again, and kills it at moments that are spread over `calls`, the calls of a run
/// that is left alone. After a run that ended before its moment, `arrive` brings more input; the runs end with the input, or after
/// `most`.
#[track_caller]
pub fn kill_runs(lake: &Lake, arguments: &[&str], calls: u64, most: usize, mut arrive: impl FnMut() -> bool) {
    let mut killed = 0;
    // Bounded, because a run over much bronze may never get to its end.
    for moment in spread(calls).take(most) {
        let mut running = Running::start(lake, arguments);
        let runs = running.runs_until(moment);
        running.kill();
        if runs {
            killed += 1;
        } else if !arrive() {
            break;
        }
    }
    assert!(killed > 0, "every run had ended before it was killed");
}

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

    /// Returns whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.0.try_wait().expect("a child can be asked").is_some()
    }

    /// Returns how many calls of `read` and `write` it has made so far. They are its clock in a test: after the same number of
    /// calls it is at the same place, however busy the machine is.
    pub fn calls(&self) -> u64 {
        let counts =
            std::fs::read_to_string(format!("/proc/{}/io", self.0.id())).expect("Linux counts what a child does");
        let calls = counts.lines().filter_map(|line| line.strip_prefix("syscr: ").or(line.strip_prefix("syscw: ")));
        calls.map(|count| count.parse::<u64>().expect("a number")).sum()
    }

    /// Waits for its end, which must be a success. Returns how many calls of `read` and `write` it has made in all.
    pub fn calls_in_all(self) -> u64 {
        // The kernel forgets the counts once the child's exit status is read.
        let ended = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        waitid(WaitId::Pid(self.pid()), ended).expect("a child can be waited for");
        let calls = self.calls();
        assert!(self.wait(LONG).success(), "smelt fails");
        calls
    }

    /// Waits until it has made so many calls, or has ended. Returns whether it still runs.
    pub fn runs_until(&mut self, calls: u64) -> bool {
        assert!(
            wait_until(LONG, || self.calls() >= calls || self.has_ended()),
            "smelt stands still before {calls} calls"
        );
        !self.has_ended()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        rustix::process::kill_process(self.pid(), signal).expect("a child can be signalled");
    }

    fn pid(&self) -> rustix::process::Pid {
        rustix::process::Pid::from_child(&self.0)
    }

    /// Waits until it ends, which it must within `most`. Returns its exit status.
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

/// Waits until the condition holds. Returns whether it held before `most` was over, which should be long: on a busy machine all
/// takes longer.
pub fn wait_until(most: Duration, mut is_so: impl FnMut() -> bool) -> bool {
    let began = Instant::now();
    while !is_so() {
        if began.elapsed() > most {
            return false;
        }
        pause();
    }
    true
}

#[expect(
    clippy::disallowed_methods,
    reason = "another process is looked at again and again, since nothing tells of a change"
)]
fn pause() {
    std::thread::sleep(PAUSE);
}
