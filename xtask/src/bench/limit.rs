//! Measures the best that is possible: all cores read, hash and write the bytes that smelt reads and writes, and do
//! nothing else. It is a process of its own, so that it is measured as the others are.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};

use super::bronze;
use crate::args::Args;
use crate::process::tool;

/// The number of bytes that are read, hashed and written at a time.
const CHUNK: usize = 1 << 20;

enum Task {
    Read(PathBuf),
    Write(PathBuf, u64),
}

/// Returns the command that runs this program to read `bronze`, and to write to `out` files of the sizes that silver
/// and gold have in `lake`.
pub(super) fn command(bronze: &Path, lake: &Path, out: &Path) -> Result<Command> {
    let mut command = tool(std::env::current_exe()?);
    command.arg("bench-limit").arg("--bronze").arg(bronze).arg("--lake").arg(lake).arg("--out").arg(out);
    Ok(command)
}

/// Runs the work of [`command`].
pub(crate) fn run(args: &mut Args) -> Result<()> {
    let mut path = |name: &str| args.option::<PathBuf>(name)?.context("see `limit::command`");
    let (bronze, lake, out) = (path("--bronze")?, path("--lake")?, path("--out")?);
    args.finish()?;
    let mut tasks: VecDeque<_> = bronze::objects(&bronze)?.into_iter().map(Task::Read).collect();
    for layer in ["silver", "gold"] {
        let owners = fs::read_dir(lake.join(layer))?.collect::<Result<Vec<_>, _>>()?;
        for file in owners.iter().map(|owner| bronze::objects(&owner.path())).collect::<Result<Vec<_>>>()?.concat() {
            tasks.push_back(Task::Write(out.join(tasks.len().to_string()), fs::metadata(file)?.len()));
        }
    }
    let tasks = Mutex::new(tasks);
    let next = || tasks.lock().expect("no one panics while taking a task").pop_front();
    let work = || {
        let mut buffer = vec![1; CHUNK];
        while let Some(task) = next() {
            task.run(&mut buffer)?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..thread::available_parallelism()?.get()).map(|_| scope.spawn(work)).collect();
        threads.into_iter().try_for_each(|thread| thread.join().expect("a worker does not panic"))
    })
}

impl Task {
    fn run(self, buffer: &mut [u8]) -> Result<()> {
        let mut hash = Sha256::new();
        match self {
            Self::Read(path) => {
                let mut file = File::open(path)?;
                while let read @ 1.. = file.read(buffer)? {
                    hash.update(&buffer[..read]);
                }
            }
            Self::Write(path, mut left) => {
                let mut file = File::create_new(path)?;
                while left > 0 {
                    let part = &buffer[..buffer.len().min(usize::try_from(left)?)];
                    file.write_all(part)?;
                    hash.update(part);
                    left -= part.len() as u64;
                }
            }
        }
        // The compiler could leave out a hash that nothing uses.
        std::hint::black_box(hash.finalize());
        Ok(())
    }
}
