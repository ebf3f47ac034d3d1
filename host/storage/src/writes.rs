//! Knows who is writing to a directory lake. So a host can tell orphans of a killed writer from objects that a live
//! writer is about to commit. It also notices that something else changed the lake since the last writer was done.
//!
//! Every writer holds a shared lock on one file. It appends a letter to the file when it begins, and another one when
//! it has ended well. A writer that gets the exclusive lock knows that no one else is writing. If it then finds more
//! beginnings than ends, a writer died: the kernel drops the locks of every process that ends. Before the letters, a
//! line describes the lake's directories as the last writer left them.
//!
//! A process that is stopped keeps its lock. So a writer waits for the lock for a limited time, and then works beside
//! the holder.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use smelt_common::files;

const BEGUN: &[u8] = b"b";
const ENDED: &[u8] = b"e";

/// Describes a lake's directories in one line.
pub(super) type Stamp = fn(&Path) -> std::io::Result<String>;

/// The time that a writer waits for the holder of the exclusive lock before it works beside it. The holder removes
/// orphans, which takes moments, or it is stopped.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// The pause between two attempts to get the lock.
const PAUSE: Duration = Duration::from_millis(10);

/// A writer's part in the lock. A host holds it while it writes and commits objects.
#[derive(Debug)]
pub struct Writes {
    /// The locked file. `None` in buckets, where nothing tells that a writer died; orphans are collected there after a
    /// while.
    lock: Option<File>,
    /// The lake's directory, and the function that describes it.
    places: Option<(PathBuf, Stamp)>,
    /// The time to wait for the lock.
    patience: Duration,
    /// True while the lock is exclusive; the file has no mark of this writer yet.
    alone: bool,
    after_crash: bool,
    after_others: bool,
    beside: bool,
}

impl Writes {
    /// Takes the exclusive lock if no one else is writing, and the shared lock otherwise. If another process keeps the
    /// exclusive lock for longer than `patience`, the writer has no lock and works beside it. With `compare`, compares
    /// the lake with how the last writer left it.
    pub(super) fn lock(
        path: &Path,
        patience: Duration,
        root: &Path,
        stamp: Stamp,
        compare: bool,
    ) -> std::io::Result<Self> {
        let (file, _) = files::open_with(path, OpenOptions::new().read(true).append(true).create(true))?;
        let mut alone = false;
        // If neither lock is free, someone has the exclusive one: a writer that has just begun, or one that removes
        // orphans.
        let locked = within(patience, || {
            alone = is_locked(file.try_lock())?;
            Ok(alone || is_locked(file.try_lock_shared())?)
        })?;
        let (mut after_crash, mut after_others) = (false, false);
        if alone {
            let marks = Marks::read(&file)?;
            after_crash = !marks.all_ended;
            after_others = compare && marks.stamp != Some(stamp(root)?);
        }
        let places = Some((root.to_owned(), stamp));
        let mut writes = Self { lock: Some(file), places, patience, alone, after_crash, after_others, beside: !locked };
        if !alone {
            writes.mark(BEGUN)?;
        }
        Ok(writes)
    }

    /// Returns the part of a writer in a store where writers do not know of each other.
    #[cfg(feature = "s3")]
    pub(super) fn unmarked() -> Self {
        Self {
            lock: None,
            places: None,
            patience: Duration::ZERO,
            alone: false,
            after_crash: false,
            after_others: false,
            beside: false,
        }
    }

    /// Returns whether anyone holds the lock. If so, an object that no commit references may be about to be committed.
    /// Takes the lock for a moment; no writer mistakes that for another writer.
    pub(super) fn are_under_way(path: &Path) -> std::io::Result<bool> {
        match File::open(path) {
            // Nobody has ever written to this lake.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(true),
            // Some file systems lock only files that are open for writing.
            opened => Ok(!matches!(opened?.try_lock(), Ok(()))),
        }
    }

    /// Returns whether no one else is writing. True until [`Writes::share`].
    pub fn is_alone(&self) -> bool {
        self.alone
    }

    /// Returns whether a writer died and no other one is at work. If so, orphans can be deleted. True until
    /// [`Writes::share`].
    pub fn after_crash(&self) -> bool {
        self.after_crash
    }

    /// Returns whether no one is at work and the lake may differ from how the last writer left it. Someone may have
    /// restored a part of it from a backup. True until [`Writes::share`].
    pub fn after_others(&self) -> bool {
        self.after_others
    }

    /// Returns whether another process has the exclusive lock and may be removing orphans. If so, this writer must
    /// announce itself by a commit before it writes anything.
    pub fn is_beside(&self) -> bool {
        self.beside
    }

    /// Keeps the mark of a dead writer in the file, since its orphans are still there.
    pub fn leave_marks(&mut self) -> std::io::Result<()> {
        if std::mem::take(&mut self.after_crash) { Ok(()) } else { self.mark(BEGUN) }
    }

    /// Lets other writers begin. A writer must call this before it writes anything, and after it has removed orphans.
    pub fn share(&mut self) -> std::io::Result<()> {
        let (true, Some(file)) = (self.alone, &self.lock) else { return Ok(()) };
        if self.after_crash {
            file.set_len(0)?;
        }
        // Turning an exclusive lock into a shared one is not atomic. Had we marked the file before, others could take
        // us for dead in between.
        file.unlock()?;
        self.beside = !within(self.patience, || is_locked(file.try_lock_shared()))?;
        (self.alone, self.after_crash, self.after_others) = (false, false, false);
        self.mark(BEGUN)
    }

    /// Waits until no one else is writing, and keeps others from beginning. If that takes too long, shares the lock
    /// again. Others may take this writer for dead meanwhile, so it must no longer need anything that it wrote.
    pub fn insist(&mut self) -> std::io::Result<()> {
        let Some(file) = &self.lock else { return Ok(()) };
        file.unlock()?;
        let locked = within(self.patience, || is_locked(file.try_lock()))?;
        self.beside = !locked && !within(self.patience, || is_locked(file.try_lock_shared()))?;
        Ok(())
    }

    /// Takes the shared lock if the holder of the exclusive one is gone. Others may have taken this writer for dead
    /// before, but not from then on.
    pub fn rejoin(&mut self) -> std::io::Result<()> {
        if let (true, Some(file)) = (self.beside, &self.lock) {
            self.beside = !is_locked(file.try_lock_shared())?;
        }
        Ok(())
    }

    /// Ends the writer's part well: everything that it wrote is committed or deleted. Without this call the next writer
    /// looks for orphans.
    pub fn done(mut self) -> std::io::Result<()> {
        self.mark(ENDED)?;
        let Some(mut file) = self.lock else { return Ok(()) };
        file.unlock()?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(error),
            Ok(()) => {}
        }
        let marks = Marks::read(&file)?;
        if !marks.all_ended {
            return Ok(());
        }
        let stamp = self.places.map(|(root, stamp)| stamp(&root)).transpose()?;
        // The file is cut here so that it does not grow for ever.
        match stamp {
            Some(stamp) if marks.stamp.as_ref() == Some(&stamp) => file.set_len(stamp.len() as u64 + 1),
            Some(stamp) => {
                file.set_len(0)?;
                file.write_all(format!("{stamp}\n").as_bytes())
            }
            None => file.set_len(0),
        }
    }

    fn mark(&mut self, mark: &[u8]) -> std::io::Result<()> {
        self.lock.as_mut().map_or(Ok(()), |file| file.write_all(mark))
    }
}

fn is_locked(tried: Result<(), TryLockError>) -> std::io::Result<bool> {
    match tried {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Calls `done` at least once, until it returns `true` or the time is over. Returns whether it did.
fn within(time: Duration, mut done: impl FnMut() -> std::io::Result<bool>) -> std::io::Result<bool> {
    let mut left = time;
    loop {
        if done()? {
            return Ok(true);
        }
        if left.is_zero() {
            return Ok(false);
        }
        pause(PAUSE.min(left));
        left = left.saturating_sub(PAUSE);
    }
}

#[expect(clippy::disallowed_methods, reason = "gives another process time; a wait for its lock might never end")]
fn pause(time: Duration) {
    thread::sleep(time);
}

/// The content of the lock file.
struct Marks {
    /// The description of the lake as the last writer left it, if there is one.
    stamp: Option<String>,
    /// True if every writer that began has ended well.
    all_ended: bool,
}

impl Marks {
    fn read(mut file: &File) -> std::io::Result<Self> {
        let mut body = Vec::new();
        file.rewind()?;
        file.read_to_end(&mut body)?;
        let (stamp, marks) = match body.iter().position(|&byte| byte == b'\n') {
            Some(end) => (Some(String::from_utf8_lossy(&body[..end]).into_owned()), &body[end + 1..]),
            None => (None, &body[..]),
        };
        let count = |mark: &[u8]| marks.iter().filter(|&&byte| byte == mark[0]).count();
        Ok(Self { stamp, all_ended: count(BEGUN) <= count(ENDED) })
    }
}
