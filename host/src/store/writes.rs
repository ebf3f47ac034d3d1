//! Who is writing to a directory lake, so that what a killed writer left behind can be told from what a live one is about
//! to commit.
//!
//! Every writer holds a shared lock on one file and marks it. Whoever can lock it alone knows that no one else is writing;
//! a mark it then finds was left by a writer that died. The kernel drops the locks of a process that ends, however it ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Write as _};
use std::path::Path;

/// Held while objects are written and committed.
#[derive(Debug)]
pub struct Writes {
    lock: Option<File>,
    after_crash: bool,
}

impl Writes {
    /// For a store that cannot tell who is writing.
    pub fn unlocked() -> Self {
        Self { lock: None, after_crash: false }
    }

    /// Locks the file alone if no one else is writing, else together with the others.
    pub(super) fn lock(path: &Path) -> std::io::Result<Self> {
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        let mut after_crash = false;
        match file.try_lock() {
            Ok(()) => {
                let mut mark = String::new();
                file.read_to_string(&mut mark)?;
                after_crash = !mark.is_empty();
            }
            Err(TryLockError::WouldBlock) => file.lock_shared()?,
            Err(TryLockError::Error(error)) => return Err(error),
        }
        file.write_all(b"w")?;
        Ok(Self { lock: Some(file), after_crash })
    }

    /// Whether a writer died and no other one is at work: what no commit names can be deleted. True until
    /// [`Writes::share`].
    pub fn after_crash(&self) -> bool {
        self.after_crash
    }

    /// Lets others write too.
    pub fn share(&mut self) -> std::io::Result<()> {
        self.after_crash = false;
        match &self.lock {
            // Turning an exclusive lock into a shared one is not atomic; nothing has been written yet.
            Some(file) => {
                file.unlock()?;
                file.lock_shared()?;
                // Whoever ended in between took our mark for a former one and removed it.
                (&*file).write_all(b"w")
            }
            None => Ok(()),
        }
    }

    /// Everything that was written is committed or deleted. Without this the next writer looks for leftovers.
    pub fn done(self) -> std::io::Result<()> {
        let Some(file) = self.lock else { return Ok(()) };
        file.unlock()?;
        match file.try_lock() {
            // Others are still writing: the mark is theirs too.
            Err(TryLockError::WouldBlock) => Ok(()),
            Err(TryLockError::Error(error)) => Err(error),
            Ok(()) => file.set_len(0),
        }
    }
}
