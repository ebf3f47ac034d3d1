//! Tables as sheets of an Excel workbook.

mod cell;
mod name;
#[cfg(test)]
mod tests;
mod workbook;

pub use workbook::Workbook;
