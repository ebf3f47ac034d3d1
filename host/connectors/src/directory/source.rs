//! The source of kind `directory`.

use std::io::Read;

use smelt_common::Error;
use smelt_common::error::Result;
use smelt_common::glob::Pattern;

use crate::place::{Directory, Surroundings};
use crate::source::{Source, There};

/// The ends of names that programs give to files that they are still writing.
const UNFINISHED: [&str; 3] = [".tmp", ".part", ".filepart"];

/// The files of a directory whose names match patterns. Directories below it are left alone, and so are names that begin with `.`
/// or say that the file is not finished.
///
/// A file of the pattern `orders*.csv` becomes the object `orders_<stamp>.csv`. It is taken in again whenever its content changes,
/// as an object of its own.
pub struct DirectorySource {
    name: String,
    directory: Directory,
    patterns: Vec<Pattern>,
}

impl DirectorySource {
    /// Opens the source of that name: the files of `from` that match one of `files`. Nothing is read yet.
    ///
    /// # Errors
    /// `from` is no directory as [`Directory::find`] knows it, or `files` has something else than patterns with a name in front.
    pub fn open(name: &str, from: &str, files: &[String], around: Surroundings<'_>) -> Result<Self> {
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
        let patterns = files.iter().map(pattern).collect::<Result<Vec<_>>>()?;
        match patterns.is_empty() {
            false => Ok(Self { name: name.to_owned(), directory, patterns }),
            true => Err(Error::config("files: expected at least one pattern, such as `orders*.csv`")),
        }
    }

    fn pattern_of(&self, name: &str) -> Option<&Pattern> {
        self.patterns.iter().find(|pattern| pattern.matches(name))
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

    fn files(&self) -> Result<Vec<There>> {
        let prefix = &self.directory.prefix;
        let mut found = self.directory.store.list(prefix, "")?;
        found.sort_by(|one, other| (one.modified, &one.key).cmp(&(other.modified, &other.key)));
        let there = found.into_iter().filter_map(|meta| {
            let name = meta.key.strip_prefix(prefix.as_str())?.to_owned();
            let is_finished = !name.starts_with('.') && !UNFINISHED.iter().any(|end| name.ends_with(end));
            let is_ours = is_finished && self.pattern_of(&name).is_some();
            is_ours.then_some(There { name, bytes: meta.bytes, version: meta.etag })
        });
        Ok(there.collect())
    }

    fn open(&self, name: &str) -> Result<Box<dyn Read + Send>> {
        Ok(self.directory.store.open(&format!("{}{name}", self.directory.prefix))?.1)
    }

    fn object(&self, name: &str, stamp: &str, number: usize) -> String {
        let Some(pattern) = self.pattern_of(name) else { return name.to_owned() };
        // A number sorts after the stamp alone, since `_` does after `.`.
        let number = if number == 0 { String::new() } else { format!("_{number:06}") };
        format!("{}_{stamp}{number}{}", stem_of(pattern), pattern.suffix())
    }
}
