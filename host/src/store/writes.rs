//! Who is writing to a directory lake, so that what a killed writer left behind can be told from what a live one is about
//! to commit.
//!
//! Every writer holds a shared lock on one file, to which it appends a letter when it begins and another when it has ended
//! well. Whoever can lock it alone knows that no one else is writing: if it then finds more beginnings than ends, a writer
//! died. The kernel drops the locks of a process that ends, however it ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;

const BEGUN: &[u8] = b"b";
const ENDED: &[u8] = b"e";

/// Held while objects are written and committed.
#[derive(Debug)]
pub struct Writes {
    /// None where nothing tells that a writer died: what it left is collected after a while.
    lock: Option<File>,
    /// Whether the lock is not shared yet, and the file not marked.
    alone: bool,
    after_crash: bool,
}

impl Writes {
    /// Locks the file alone if no one else is writing, else together with the others.
    pub(super) fn lock(path: &Path) -> std::io::Result<Self> {
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        let (alone, after_crash) = match file.try_lock() {
            Ok(()) => (true, !all_ended(&file)?),
            Err(TryLockError::WouldBlock) => {
                file.lock_shared()?;
                file.write_all(BEGUN)?;
                (false, false)
            }
            Err(TryLockError::Error(error)) => return Err(error),
        };
        Ok(Self { lock: Some(file), alone, after_crash })
    }

    /// Where writers do not know of each other.
    pub(super) fn unmarked() -> Self {
        Self { lock: None, alone: false, after_crash: false }
    }

    /// Whether a writer died and no other one is at work: what no commit names can be deleted. True until
    /// [`Writes::share`].
    pub fn after_crash(&self) -> bool {
        self.after_crash
    }

    /// Lets others write too; only then may anything be written. What a dead writer left must have been removed.
    pub fn share(&mut self) -> std::io::Result<()> {
        let (true, Some(file)) = (self.alone, &mut self.lock) else { return Ok(()) };
        if self.after_crash {
            file.set_len(0)?;
        }
        // Turning an exclusive lock into a shared one is not atomic: marked before, we could be taken for dead in between.
        file.unlock()?;
        file.lock_shared()?;
        file.write_all(BEGUN)?;
        (self.alone, self.after_crash) = (false, false);
        Ok(())
    }

    /// Everything that was written is committed or deleted. Without this the next writer looks for leftovers.
    pub fn done(self) -> std::io::Result<()> {
        let Some(mut file) = self.lock else { return Ok(()) };
        file.write_all(ENDED)?;
        file.unlock()?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => Ok(()),
            Err(TryLockError::Error(error)) => Err(error),
            // So that it does not grow for ever.
            Ok(()) if all_ended(&file)? => file.set_len(0),
            Ok(()) => Ok(()),
        }
    }
}

/// Whether every writer that began has ended well.
fn all_ended(mut file: &File) -> std::io::Result<bool> {
    let mut marks = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut marks)?;
    let count = |mark: &[u8]| marks.iter().filter(|&&byte| byte == mark[0]).count();
    Ok(count(BEGUN) <= count(ENDED))
}
