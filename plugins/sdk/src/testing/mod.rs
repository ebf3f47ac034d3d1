//! Unit tests of plugins: they run a plugin natively on rows of text, through the same bytes as in the sandbox.
//!
//! ```
//! use smelt_sdk::prelude::*;
//! use smelt_sdk::testing::{cells, evaluate_split};
//!
//! # #[derive(Default)]
//! # struct Revenue;
//! #
//! # impl SumByKey for Revenue {
//! #     type Key = str;
//! #     fn describe() -> KpiDescription {
//! #         describe_kpi(identity!())
//! #             .input("orders", [text("channel"), money("total_amount")])
//! #             .sums([text("channel")], [int64("orders"), money("revenue")])
//! #             .output([text("channel"), money("revenue")])
//! #     }
//! #     fn update(&self, _input: &str, orders: &Batch, totals: &mut Totals<str>) -> Result<()> {
//! #         let (channels, amounts) = (orders.text("channel")?, orders.decimals("total_amount")?);
//! #         totals.extend(orders.rows().map(|row| (channels.value(row), 1, amounts.value(row))));
//! #         Ok(())
//! #     }
//! # }
//! let orders = [["web", "0.10"], ["store", "2.00"], ["web", "0.20"]].map(cells);
//! let orders: Vec<&[_]> = orders.iter().map(|row| row.as_slice()).collect();
//! let table = evaluate_split::<Summed<Revenue>>("{}", &[("orders", &orders)]).unwrap();
//! assert_eq!(table, [["store", "2.00"], ["web", "0.30"]]);
//! ```

mod csv;
mod rows;
mod sums;
#[cfg(test)]
mod tests;
mod trial;

pub use rows::{AS_OF, CleanedRows, cells, clean, decode, encode, generate};
pub use trial::{Trial, evaluate, evaluate_split};
