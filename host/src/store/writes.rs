//! Who is writing to a directory lake, so that what a killed writer left behind can be told from what a live one is about
//! to commit; and whether anyone else changed the lake since the last one was done.
//!
//! Every writer holds a shared lock on one file, to which it appends a letter when it begins and another when it has ended
//! well. Whoever can lock it alone knows that no one else is writing: if it then finds more beginnings than ends, a writer
//! died. The kernel drops the locks of a process that ends, however it ends. Before the letters stands a line that says how the
//! lake's directories were when the last writer was done.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

const BEGUN: &[u8] = b"b";
const ENDED: &[u8] = b"e";

/// How a lake's directories are, in a line.
pub(super) type Stamp = fn(&Path) -> std::io::Result<String>;

/// Held while objects are written and committed.
#[derive(Debug)]
pub struct Writes {
    /// None where nothing tells that a writer died: what it left is collected after a while.
    lock: Option<File>,
    /// The lake's directory, and what tells how it is.
    places: Option<(PathBuf, Stamp)>,
    /// Whether the lock is not shared yet, and the file not marked.
    alone: bool,
    after_crash: bool,
    after_others: bool,
}

impl Writes {
    /// Locks the file alone if no one else is writing, else together with the others. If `compare`, tells whether the lake is as
    /// the last writer left it.
    pub(super) fn lock(path: &Path, root: &Path, stamp: Stamp, compare: bool) -> std::io::Result<Self> {
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        let (mut after_crash, mut after_others) = (false, false);
        let alone = match file.try_lock() {
            Ok(()) => {
                let marks = Marks::read(&file)?;
                after_crash = !marks.all_ended;
                after_others = compare && marks.stamp != Some(stamp(root)?);
                true
            }
            Err(TryLockError::WouldBlock) => {
                file.lock_shared()?;
                file.write_all(BEGUN)?;
                false
            }
            Err(TryLockError::Error(error)) => return Err(error),
        };
        Ok(Self { lock: Some(file), places: Some((root.to_owned(), stamp)), alone, after_crash, after_others })
    }

    /// Where writers do not know of each other.
    pub(super) fn unmarked() -> Self {
        Self { lock: None, places: None, alone: false, after_crash: false, after_others: false }
    }

    /// Whether no one else is writing. True until [`Writes::share`].
    pub fn is_alone(&self) -> bool {
        self.alone
    }

    /// Whether a writer died and no other one is at work: what no commit names can be deleted. True until
    /// [`Writes::share`].
    pub fn after_crash(&self) -> bool {
        self.after_crash
    }

    /// Whether the lake is not known to be as the last writer left it, and no one is at work: it may have been restored from a
    /// backup, in part. True until [`Writes::share`].
    pub fn after_others(&self) -> bool {
        self.after_others
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
        (self.alone, self.after_crash, self.after_others) = (false, false, false);
        Ok(())
    }

    /// Everything that was written is committed or deleted. Without this the next writer looks for leftovers.
    pub fn done(self) -> std::io::Result<()> {
        let Some(mut file) = self.lock else { return Ok(()) };
        file.write_all(ENDED)?;
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
}

/// What the file says.
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
