//! The port through which tables leave a lake.

use std::collections::BTreeSet;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use smelt_common::error::Result;
use smelt_formats::Formulas;

/// A dataset or table, as a sink carries it.
#[derive(Debug, Clone)]
pub struct Relation {
    /// The columns.
    pub schema: SchemaRef,
    /// The columns by which the rows are sorted, the first one first. Empty if they come as they were written.
    pub key: Vec<usize>,
    /// The number of rows.
    pub rows: u64,
    /// The way to write text that a spreadsheet would take for a formula.
    pub formulas: Formulas,
    /// A text that is another one whenever the rows or their order may be others.
    pub version: String,
}

/// The relations that a lake has published, as of one commit.
pub trait Published {
    /// Returns the number of the commit.
    fn commit(&self) -> u64;

    /// Returns the relation of that name; `None` if the lake has not published it yet.
    fn relation(&self, name: &str) -> Result<Option<Relation>>;

    /// Gives the rows of a relation, batch by batch, in the order of its key.
    ///
    /// # Errors
    /// The rows are gone or damaged, or `take` fails.
    fn read(&self, name: &str, take: &mut dyn FnMut(&RecordBatch) -> Result<()>) -> Result<()>;
}

/// A place outside of the lake's own objects that gets what the lake has published.
pub trait Sink: Send + Sync {
    /// Returns the name in the manifest.
    fn name(&self) -> &str;

    /// Returns the names of the relations that it carries.
    fn relations(&self) -> BTreeSet<&str>;

    /// Returns the number of the commit that the place holds; `None` if it holds none.
    fn holds(&self) -> Result<Option<u64>>;

    /// Brings the place to that commit, whether what it holds is older, newer or of another lake. If it is there already,
    /// nothing is written. With `thorough`, also finds what others have removed or cut off there. Returns what was written, for
    /// people.
    ///
    /// # Errors
    /// [`Kind::Conflict`](smelt_common::error::Kind::Conflict) if another process brought the place to a commit meanwhile: it is
    /// to be told again, what is published then. After any other error the next call makes good what is missing.
    fn publish(&self, published: &dyn Published, thorough: bool) -> Result<Vec<String>>;
}
