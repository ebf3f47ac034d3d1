//! Schemas of raw files: how each column is written, and what its cells say.
//!
//! A schema file describes the datasets of a pipeline. [`Schemas::parse`] reads it, and [`Column::read`] reads a cell as its
//! column says. [`Columns`] are those that a cleaner reads. Everything is exact and pure: numbers keep all their digits, and no cell is guessed at.
//!
//! ```
//! use smelt_sdk_schema::{Cell, Schema};
//!
//! let schema = Schema::parse(
//!     r#"{"columns": {"price": {"type": "decimal", "decimal": ",", "group": " ", "missing": ["NULL"]}}}"#,
//! )?;
//! let price = schema.column("price").expect("the schema has it");
//! assert_eq!(price.read(Some(" 1 234,5 ")).value().and_then(|value| value.number()), smelt_sdk_schema::number("1234.5"));
//! assert!(matches!(price.read(Some("1.5")), Cell::Unreadable("1.5")));
//! assert!(matches!(price.read(Some("NULL")), Cell::Missing));
//! # Ok::<(), smelt_sdk_schema::SchemaError>(())
//! ```

mod cell;
mod columns;
mod form;
mod json;
mod object;
mod schema;
mod value;

pub use cell::{Bound, Cell, number, offset};
pub use columns::{Cells, Columns};
pub use form::{DateForm, Group, InstantForm, Type};
pub use json::{Json, JsonError};
pub use object::{Members, SchemaError};
pub use schema::{Column, ExtraColumns, Schema, Schemas};
pub use value::{Number, Value, integer, round};
