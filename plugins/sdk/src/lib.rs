//! The SDK for smelt plugins in Rust. A plugin is one type that implements one trait, or one function that defines a
//! table, and one macro exports it:
//!
//! | kind | trait or function | macro | purpose |
//! |---|---|---|---|
//! | source | [`Source`] | [`export_source!`] | makes bronze objects |
//! | cleaner | [`Cleaner`] | [`export_cleaner!`] | turns bronze rows into silver rows |
//! | table, check, KPI | a function, see [`table`](table()) | [`export_table!`] | turns rows of relations into a table |
//! | KPI | [`SumByKey`] or [`Kpi`] | [`export_kpi!`] | turns silver rows into a gold table |
//!
//! Built for `wasm32-unknown-unknown`, a plugin is a component that keeps the contract in `wit/0.3.0`. Built natively,
//! it is an ordinary library: its unit tests call it through [`testing`].
//!
//! All plugins are written with the same few types:
//!
//! - [`describe_source`], [`describe_cleaner`] and [`describe_kpi`] begin a description: the columns that the plugin
//!   reads and writes, its rules and its [`Parameters`].
//! - [`Batch`] holds the rows that the host sends, as typed columns. [`Table`] takes the rows that the plugin writes.
//! - [`Money`], [`Decimal`] and [`Number`] are exact. [`Date`] and [`Timestamp`] are read strictly.
//! - [`rows`] are structs and enums whose fields are columns, for [`table`](table()). [`Ratio`] is an exact quotient,
//!   rounded once, and [`Exact`] an integer for products that exceed 128 bits.
//! - [`saved`] makes bytes of the state of a walk, so that a change in a large group costs its neighbourhood.
//! - [`Totals`] counts rows and sums money by a key, and never overflows.
//! - [`Fault`] is an error with a message. It fails the call, and so does a panic; nothing else stops.
//!
//! This KPI counts the rainy readings of each day:
//!
//! ```
//! use smelt_sdk::prelude::*;
//!
//! #[derive(Default)]
//! struct RainyDays(Vec<Date>);
//!
//! impl Kpi for RainyDays {
//!     fn describe() -> KpiDescription {
//!         describe_kpi(identity!())
//!             .input("readings", [date("day"), boolean("raining")])
//!             .sums([date("day")], [int64("readings")])
//!             .output([date("day"), int64("readings")])
//!             .key(["day"])
//!     }
//!     fn open(_: &Config) -> Result<Self> {
//!         Ok(Self::default())
//!     }
//!     fn update(&mut self, _input: &str, rows: &Batch) -> Result<()> {
//!         let (days, raining) = (rows.dates("day")?, rows.booleans("raining")?);
//!         self.0.extend(rows.rows().filter(|&row| raining.value(row)).map(|row| days.value(row)));
//!         Ok(())
//!     }
//!     fn state(&self, out: &mut Table) -> Result<()> {
//!         for &day in &self.0 {
//!             out.row().date(day).integer(1);
//!         }
//!         Ok(())
//!     }
//!     fn evaluate(&self, sums: &Batch, out: &mut Table) -> Result<()> {
//!         out.copy_rows(sums, sums.rows())
//!     }
//! }
//!
//! export_kpi!(RainyDays);
//! ```

// Derived code names this crate by its name, in this crate too.
extern crate self as smelt_sdk;

/// The examples of the guide to tables, which are compiled as tests.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/write-a-table.md")]
struct Guide;

mod batch;
pub mod bindings;
mod cleaner;
mod column;
mod config;
mod date_range;
mod decimal;
mod definition;
mod describe;
mod exact;
mod fault;
pub mod glue;
mod host;
mod index;
mod ipc;
mod kpi;
#[cfg(all(feature = "native", not(target_family = "wasm")))]
pub mod native;
mod ratio;
pub mod rows;
mod rule;
pub mod saved;
mod short;
mod source;
mod sum_by_key;
mod table;
pub mod testing;
mod time;
mod totals;

pub use batch::{Batch, Booleans, Dates, Decimals, Floats, Integers, Text, Timestamps};
pub use cleaner::{Cleaned, Cleaner};
pub use config::{Config, Parameters};
pub use date_range::{DateFlaw, DateRange};
pub use decimal::{Decimal, Money, Number};
pub use definition::{Definition, Flow, Gather, Grouped, Out, table};
pub use describe::{
    CleanerDescription, DataType, Field, Identity, KpiDescription, Preference, SourceDescription, boolean, date,
    decimal, describe_cleaner, describe_kpi, describe_source, float64, int64, money, nullable, text, timestamp,
};
pub use exact::Exact;
pub use fault::{Fault, FaultKind, Result};
pub use host::{Level, log, pseudonymise};
pub use kpi::Kpi;
pub use ratio::Ratio;
pub use rows::{Desc, Sum};
pub use rule::Rule;
pub use short::Short;
pub use smelt_sdk_macros::{export_cleaner, export_kpi, export_source, export_table};
pub use source::{Object, Source, Tick};
pub use sum_by_key::{KeyCells, SumByKey, Summed};
pub use table::{Row, Table};
pub use time::{Date, Timestamp};
pub use totals::{Key, Totals};
#[doc(hidden)]
pub use wit_bindgen;

/// All that a plugin normally needs: `use smelt_sdk::prelude::*;`.
pub mod prelude {
    pub use crate::rows::Row;
    pub use crate::saved::Saved;
    pub use crate::{
        Batch, Cleaned, Cleaner, CleanerDescription, Config, Date, Decimal, Definition, Desc, Exact, Fault, Kpi,
        KpiDescription, Level, Money, Number, Object, Out, Parameters, Preference, Ratio, Result, Rule, Short, Source,
        SourceDescription, Sum, SumByKey, Summed, Table, Tick, Timestamp, Totals, boolean, date, decimal,
        describe_cleaner, describe_kpi, describe_source, export_cleaner, export_kpi, export_source, export_table,
        float64, identity, int64, log, money, nullable, pseudonymise, table, text, timestamp,
    };
}
