//! The rows of a file, before they are written.

/// Rows of text. What an empty cell is, the layout says.
pub(crate) struct Table {
    pub(crate) columns: &'static [&'static str],
    pub(crate) rows: Vec<Vec<String>>,
}

impl Table {
    /// Returns the index of a column. The columns of a dataset are known.
    pub(crate) fn column(&self, name: &str) -> usize {
        self.columns.iter().position(|column| *column == name).expect("the dataset has the column")
    }
}
