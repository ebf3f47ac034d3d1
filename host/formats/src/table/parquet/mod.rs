//! Tables as Apache Parquet.

mod read;
#[cfg(test)]
mod tests;
mod write;

pub use read::read_parquet;
pub(super) use read::visit_parquet;
pub(super) use write::ParquetWriter;
