//! The source of kind `directory`.

use std::io::Read;
use std::time::Duration;

use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use smelt_common::glob::Pattern;
use smelt_storage::{Durability, NewObject, unavailable};

use crate::place::{Directory, Surroundings};
use crate::source::{After, Moved, Rules, Source, There};

/// The ends of names that programs give to files that they are still writing.
const UNFINISHED: [&str; 3] = [".tmp", ".part", ".filepart"];

/// The files of a directory. Directories below it are left alone, and so are names that begin with `.` or say that the file is not
/// finished.
///
/// Without patterns, an object keeps the name of its file. With them, a file of the pattern `orders*.csv` becomes the object
/// `orders_<stamp>.csv`, and others are left alone.
pub struct DirectorySource {
    name: String,
    directory: Directory,
    patterns: Vec<Pattern>,
    rules: Rules,
}

impl DirectorySource {
    /// Opens the source of that name: the files of `from`, or those that match one of `files`. Nothing is read yet.
    ///
    /// # Errors
    /// `from` is no directory as [`Directory::find`] knows it, `files` has something else than patterns with a name in front, or
    /// rules do not fit together.
    pub fn open(
        name: &str,
        from: &str,
        files: Option<&[String]>,
        rules: Rules,
        around: Surroundings<'_>,
    ) -> Result<Self> {
        let directory = Directory::find(from, around).map_err(|error| error.context(format!("from = \"{from}\"")))?;
        let pattern = |text: &String| {
            let pattern = Pattern::parse(text).map_err(|error| error.context(format!("files: `{text}`")))?;
            match stem_of(&pattern).is_empty() || text.contains('/') {
                false => Ok(pattern),
                true => Err(Error::config(format!(
                    "files: `{text}`: expected a pattern that begins with the name of the objects, such as `orders*.csv`"
                ))),
            }
        };
        if files.is_some_and(<[String]>::is_empty) {
            return Err(Error::config("files: expected at least one pattern, such as `orders*.csv`"));
        }
        if files.is_some() && rules.stamped {
            return Err(Error::config(
                "`stamped` belongs to a source without `files`: with `files`, objects get a stamp when they arrive",
            ));
        }
        if rules.archive_for.is_some() && rules.after != After::Archive {
            return Err(Error::config("`archive_for` needs `after = \"archive\"`"));
        }
        let patterns = files.unwrap_or_default().iter().map(pattern).collect::<Result<Vec<_>>>()?;
        // An object of a bucket appears whole.
        let settle = if directory.store.is_remote() { Duration::ZERO } else { rules.settle };
        Ok(Self { name: name.to_owned(), directory, patterns, rules: Rules { settle, ..rules } })
    }

    fn pattern_of(&self, name: &str) -> Option<&Pattern> {
        self.patterns.iter().find(|pattern| pattern.matches(name))
    }

    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.directory.prefix)
    }

    /// Puts a copy of an opened file in its place. Returns whether it had the content that it should have.
    fn copy_to(&self, from: &str, mut reader: Box<dyn Read + Send>, sha256: &str, to: &str) -> Result<bool> {
        let (store, key) = (&*self.directory.store, self.key(to));
        let mut new = NewObject::create(store, &key)?;
        std::io::copy(&mut reader, &mut new).map_err(|error| unavailable("copy", from, &error).context(to))?;
        if new.sha256() != sha256 {
            return Ok(false);
        }
        let bytes = new.bytes();
        if new.put(&key, Durability::Durable)? || store.holds(&key, bytes, sha256)? {
            return Ok(true);
        }
        Err(Error::new(
            Kind::InvalidInput,
            format!("`{}` has another content than `{from}`, which belongs there; remove it", store.locate(&key)),
        ))
    }
}

/// Returns the name of the objects of a pattern, without what parts it from the stamp.
fn stem_of(pattern: &Pattern) -> &str {
    pattern.prefix().trim_end_matches(['_', '-', '.'])
}

impl Source for DirectorySource {
    fn name(&self) -> &str {
        &self.name
    }

    fn rules(&self) -> &Rules {
        &self.rules
    }

    fn files(&self) -> Result<Vec<There>> {
        let prefix = self.directory.prefix.as_str();
        let is_ours = |name: &str| {
            let is_finished = !name.starts_with('.') && !UNFINISHED.iter().any(|end| name.ends_with(end));
            !name.contains('/') && is_finished && (self.patterns.is_empty() || self.pattern_of(name).is_some())
        };
        // Nobody looks at the files of the archive and of other directories.
        let is_theirs = |key: &str| !key.strip_prefix(prefix).is_some_and(is_ours);
        let mut found = self.directory.store.list_new(prefix, "", &is_theirs)?;
        found.sort_by(|one, other| (one.modified, &one.key).cmp(&(other.modified, &other.key)));
        let there = found.into_iter().filter_map(|meta| {
            let name = meta.key.strip_prefix(prefix).filter(|name| is_ours(name))?.to_owned();
            Some(There { name, bytes: meta.bytes, version: meta.etag })
        });
        Ok(there.collect())
    }

    fn version(&self, name: &str) -> Result<Option<String>> {
        Ok(self.directory.store.look(&self.key(name))?.map(|meta| meta.etag))
    }

    fn open(&self, name: &str) -> Result<Box<dyn Read + Send>> {
        Ok(self.directory.store.open(&self.key(name))?.1)
    }

    fn object(&self, name: &str, stamp: &str, number: usize) -> Option<String> {
        let pattern = self.pattern_of(name)?;
        // A number sorts after the stamp alone, since `_` does after `.`.
        let number = if number == 0 { String::new() } else { format!("_{number:06}") };
        Some(format!("{}_{stamp}{number}{}", stem_of(pattern), pattern.suffix()))
    }

    fn put_away(&self, from: &str, version: Option<&str>, sha256: &str, to: Option<&str>) -> Result<Moved> {
        let (store, key) = (&*self.directory.store, self.key(from));
        let (meta, reader) = match store.open(&key) {
            Err(error) if error.kind() == Kind::Damaged => return Ok(Moved::Gone),
            opened => opened?,
        };
        if version.is_some_and(|version| version != meta.etag) {
            return Ok(Moved::Changed);
        }
        if to == Some(from) {
            return Ok(Moved::Done);
        }
        let is_same = match to {
            Some(to) => self.copy_to(from, reader, sha256, to)?,
            None => store.holds(&key, meta.bytes, sha256)?,
        };
        // No file system deletes a file only if it is unchanged, so this looks again at the last moment.
        match store.look(&key)? {
            // Another host was as far.
            None if is_same => Ok(Moved::Done),
            Some(now) if is_same && now.etag == meta.etag => store.delete(&key).map(|()| Moved::Done),
            _ => Ok(Moved::Changed),
        }
    }
}
