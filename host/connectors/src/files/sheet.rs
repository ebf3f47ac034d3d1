//! A relation on its way into a file.

/// A relation that becomes a file, or a sheet of a workbook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheet {
    /// The relation's name.
    pub relation: String,
    /// The name of the sheet.
    pub sheet: String,
}
