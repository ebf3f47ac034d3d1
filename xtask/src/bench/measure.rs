//! Measures what a whole process costs, as the kernel accounts for it.

use std::fmt;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::paths::shown;
use crate::process::{output, tool};

/// The cost of one run of one program.
#[derive(Clone, Copy)]
pub(super) struct Cost {
    pub(super) wall: Duration,
    /// User and system time of all its threads.
    pub(super) cpu: Duration,
    /// The most memory that was resident at once, in bytes.
    pub(super) peak: u64,
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { wall, cpu, peak } = self;
        write!(f, "{:.2} s, {:.2} s of CPU, {} MiB", wall.as_secs_f64(), cpu.as_secs_f64(), peak >> 20)
    }
}

/// Runs `command` with its output going to `log`. First waits until everything that was written before is on the disk;
/// otherwise this program would pay for what the previous one wrote.
pub(super) fn measure(command: &mut Command, log: &Path) -> Result<Cost> {
    output(&mut tool("sync"))?;
    let file = File::create(log).with_context(|| format!("can't write {}", log.display()))?;
    command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
    let start = Instant::now();
    let child = command.spawn().with_context(|| format!("can't run `{}`", command.get_program().display()))?;
    let (status, cpu, peak) = wait(&child)?;
    let wall = start.elapsed();
    if !status.success() {
        let text = fs::read_to_string(log).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        let tail = lines[lines.len().saturating_sub(15)..].join("\n");
        bail!("`{}` failed ({status}); {} ends with:\n{tail}", command.get_program().display(), shown(log));
    }
    Ok(Cost { wall, cpu, peak })
}

#[cfg(unix)]
fn wait(child: &Child) -> Result<(ExitStatus, Duration, u64)> {
    use std::mem::MaybeUninit;
    use std::os::unix::process::ExitStatusExt;

    let pid = libc::pid_t::try_from(child.id())?;
    let mut status = 0;
    let mut usage = MaybeUninit::<libc::rusage>::uninit();
    loop {
        // SAFETY: both pointers are valid for writes for the length of the call.
        if unsafe { libc::wait4(pid, &raw mut status, 0, usage.as_mut_ptr()) } == pid {
            break;
        }
        let error = std::io::Error::last_os_error();
        if error.kind() != std::io::ErrorKind::Interrupted {
            return Err(error.into());
        }
    }
    // SAFETY: `wait4` has returned the child, and so has filled it in.
    let usage = unsafe { usage.assume_init() };
    let time = |t: libc::timeval| Duration::new(t.tv_sec.unsigned_abs(), t.tv_usec.unsigned_abs() as u32 * 1000);
    // macOS counts in bytes, other systems in KiB.
    let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
    let peak = usage.ru_maxrss.unsigned_abs() * unit;
    Ok((ExitStatus::from_raw(status), time(usage.ru_utime) + time(usage.ru_stime), peak))
}

#[cfg(not(unix))]
fn wait(_: &Child) -> Result<(ExitStatus, Duration, u64)> {
    bail!("this system does not tell what a process cost; run the benchmark on Linux or macOS")
}
