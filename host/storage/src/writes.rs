//! Who is writing to a directory lake, so that what a killed writer left behind can be told from what a live one is about
//! to commit; and whether anyone else changed the lake since the last one was done.
//!
//! Every writer holds a shared lock on one file, to which it appends a letter when it begins and another when it has ended
//! well. Whoever can lock it alone knows that no one else is writing: if it then finds more beginnings than ends, a writer
//! died. The kernel drops the locks of a process that ends, however it ends. Before the letters stands a line that says how the
//! lake's directories were when the last writer was done.
//!
//! A process that is stopped keeps its lock. So no one waits for the lock for longer than a while: whoever has waited so
//! long works beside its holder.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use smelt_common::files;

const BEGUN: &[u8] = b"b";
const ENDED: &[u8] = b"e";

/// How a lake's directories are, in a line.
pub(super) type Stamp = fn(&Path) -> std::io::Result<String>;

/// How long one waits for whoever has the lock alone before one works beside it: it tidies up, which takes moments, or is
/// stopped.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// How long one waits before the lock is tried again.
const PAUSE: Duration = Duration::from_millis(10);

/// Held while objects are written and committed.
#[derive(Debug)]
pub struct Writes {
    /// None where nothing tells that a writer died: what it left is collected after a while.
    lock: Option<File>,
    /// The lake's directory, and what tells how it is.
    places: Option<(PathBuf, Stamp)>,
    /// How long to wait for the lock.
    patience: Duration,
    /// Whether the lock is not shared yet, and the file not marked.
    alone: bool,
    after_crash: bool,
    after_others: bool,
    beside: bool,
}

impl Writes {
    /// Locks the file alone if no one else is writing, else together with the others; beside whoever has it alone and does
    /// not let go of it in that time. If `compare`, tells whether the lake is as the last writer left it.
    pub(super) fn lock(
        path: &Path,
        patience: Duration,
        root: &Path,
        stamp: Stamp,
        compare: bool,
    ) -> std::io::Result<Self> {
        let (file, _) = files::open_with(path, OpenOptions::new().read(true).append(true).create(true))?;
        let mut alone = false;
        // If it can be had neither alone nor together, someone has it alone: who has just begun, or tidies up.
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

    /// Where writers do not know of each other.
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

    /// Returns whether anyone holds the lock: then what no commit names yet may be about to be committed. Takes the lock for a moment,
    /// which no writer takes for another writer's.
    pub(super) fn are_under_way(path: &Path) -> std::io::Result<bool> {
        match File::open(path) {
            // No one has ever written.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(true),
            // Some file systems lock only what is open for writing.
            opened => Ok(!matches!(opened?.try_lock(), Ok(()))),
        }
    }

    /// Returns whether no one else is writing. True until [`Writes::share`].
    pub fn is_alone(&self) -> bool {
        self.alone
    }

    /// Whether a writer died and no other one is at work: what no commit names can be deleted. True until
    /// [`Writes::share`].
    pub fn after_crash(&self) -> bool {
        self.after_crash
    }

    /// Returns whether no one is at work and the lake is not known to be as the last writer left it: it may have been restored from a
    /// backup, in part. True until [`Writes::share`].
    pub fn after_others(&self) -> bool {
        self.after_others
    }

    /// Returns whether someone else has the lock alone and may be tidying up: before anything is written, a commit must tell that
    /// someone is.
    pub fn is_beside(&self) -> bool {
        self.beside
    }

    /// Leaves the mark of a dead writer in place, since its leftovers are still there.
    pub fn leave_marks(&mut self) -> std::io::Result<()> {
        if std::mem::take(&mut self.after_crash) { Ok(()) } else { self.mark(BEGUN) }
    }

    /// Lets others write too; only then may anything be written. What a dead writer left must have been removed.
    pub fn share(&mut self) -> std::io::Result<()> {
        let (true, Some(file)) = (self.alone, &self.lock) else { return Ok(()) };
        if self.after_crash {
            file.set_len(0)?;
        }
        // Turning an exclusive lock into a shared one is not atomic: marked before, we could be taken for dead in between.
        file.unlock()?;
        self.beside = !within(self.patience, || is_locked(file.try_lock_shared()))?;
        (self.alone, self.after_crash, self.after_others) = (false, false, false);
        self.mark(BEGUN)
    }

    /// Waits until no one else is writing, and keeps others from beginning; if that takes too long, goes on with them. Only
    /// for when nothing that was written is wanted any more: others may take us for dead meanwhile.
    pub fn insist(&mut self) -> std::io::Result<()> {
        let Some(file) = &self.lock else { return Ok(()) };
        file.unlock()?;
        let locked = within(self.patience, || is_locked(file.try_lock()))?;
        self.beside = !locked && !within(self.patience, || is_locked(file.try_lock_shared()))?;
        Ok(())
    }

    /// Takes part again if whoever had the lock alone is gone. Others may have taken us for dead meanwhile, but do not from
    /// then on.
    pub fn rejoin(&mut self) -> std::io::Result<()> {
        if let (true, Some(file)) = (self.beside, &self.lock) {
            self.beside = !is_locked(file.try_lock_shared())?;
        }
        Ok(())
    }

    /// Everything that was written is committed or deleted. Without this the next writer looks for leftovers.
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
        // So that it does not grow for ever.
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

/// Tries until it is done or that time is over; at least once. Returns whether it is done.
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

#[expect(clippy::disallowed_methods, reason = "another process is given time; to wait for its lock would have no end")]
fn pause(time: Duration) {
    thread::sleep(time);
}

/// The content of the lock file.
struct Marks {
    /// How the lake was when the last writer was done, if that is known.
    stamp: Option<String>,
    /// Whether every writer that began has ended well.
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
