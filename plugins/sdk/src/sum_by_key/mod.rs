//! KPIs that count rows and sum money by a key: the author says what a row adds, and the SDK does the rest.

mod key_cells;
#[cfg(test)]
mod tests;

pub use key_cells::KeyCells;

use crate::{Batch, Config, Kpi, KpiDescription, Result, Table, Totals};

/// A KPI that counts rows and sums money by one key. Most KPIs are of this kind: "revenue by channel", "sales by day".
///
/// The author writes the description, and what each row adds to the [`Totals`]. [`Summed`] makes a [`Kpi`] of it, which
/// [`export_kpi!`](crate::export_kpi) exports:
///
/// ```
/// use smelt_sdk::prelude::*;
///
/// #[derive(Default)]
/// struct SalesByDay;
///
/// impl SumByKey for SalesByDay {
///     type Key = Date;
///
///     fn describe() -> KpiDescription {
///         describe_kpi(identity!())
///             .input("orders", [date("order_date"), money("total_amount")])
///             .sums([date("order_date")], [int64("orders"), money("revenue")])
///             .output([date("order_date"), money("revenue")])
///             .key(["order_date"])
///     }
///
///     fn update(&self, _input: &str, orders: &Batch, totals: &mut Totals<Date>) -> Result<()> {
///         let (days, amounts) = (orders.dates("order_date")?, orders.decimals("total_amount")?);
///         totals.extend(orders.rows().map(|row| (days.value(row), 1, amounts.value(row))));
///         Ok(())
///     }
/// }
///
/// export_kpi!(Summed<SalesByDay>);
/// # let rows = [["2025-11-13", "0.10"], ["2025-11-13", "0.20"]].map(smelt_sdk::testing::cells);
/// # let rows: Vec<&[_]> = rows.iter().map(|row| row.as_slice()).collect();
/// # let table = smelt_sdk::testing::evaluate_split::<Summed<SalesByDay>>("{}", &[("orders", &rows)]);
/// # assert_eq!(table.unwrap(), [["2025-11-13", "0.30"]]);
/// ```
///
/// A KPI that needs several stages, or other sums than a count and an amount of money, implements [`Kpi`] itself.
pub trait SumByKey: Default + 'static {
    /// The type of the key: `str` for text, else a value such as [`Date`](crate::Date) or `i64`, or a tuple of values.
    /// With `()`, all rows count towards one total.
    type Key: KeyCells + ?Sized;

    /// Describes the KPI. It has one stage, whose columns are those of [`Key`](Self::Key), an `int64` column for the
    /// count, and a [`money`](crate::money) column for the sum.
    fn describe() -> KpiDescription;

    /// Opens the KPI with its parameters. By default it is [`Default::default`], which suits a KPI without parameters.
    fn open(_config: &Config) -> Result<Self> {
        Ok(Self::default())
    }

    /// Adds rows of the input called `input` to the totals. The rows have the columns that the description declares.
    fn update(&self, input: &str, rows: &Batch, totals: &mut Totals<Self::Key>) -> Result<()>;

    /// Writes the KPI's table from all sums, as [`Kpi::evaluate`] does. By default the table has a row for each key, in
    /// the order of the keys; its columns are those of the sums that the output names.
    fn evaluate(&self, sums: &Batch, out: &mut Table) -> Result<()> {
        out.copy_rows(sums, sums.rows())
    }
}

/// The [`Kpi`] that a [`SumByKey`] describes, with the totals of the rows so far.
pub struct Summed<T: SumByKey> {
    kpi: T,
    totals: Totals<T::Key>,
}

impl<T: SumByKey> Kpi for Summed<T> {
    fn describe() -> KpiDescription {
        T::describe()
    }

    fn open(config: &Config) -> Result<Self> {
        Ok(Self { kpi: T::open(config)?, totals: Totals::default() })
    }

    fn update(&mut self, input: &str, rows: &Batch) -> Result<()> {
        self.kpi.update(input, rows, &mut self.totals)
    }

    fn state(&self, out: &mut Table) -> Result<()> {
        for (key, count, sum) in self.totals.iter() {
            key.write(out.row()).integer(count).decimal(sum);
        }
        Ok(())
    }

    fn forget(&mut self, _config: &Config) -> Result<()> {
        self.totals.clear();
        Ok(())
    }

    fn evaluate(&self, sums: &Batch, out: &mut Table) -> Result<()> {
        self.kpi.evaluate(sums, out)
    }
}
