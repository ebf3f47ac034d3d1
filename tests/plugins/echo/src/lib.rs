//! A KPI whose keys and table are the rows that it received: every type, with and without missing values.

use smelt_sdk::bindings::types::DecimalType;
use smelt_sdk::prelude::*;
use smelt_sdk::{DataType, Field};

/// Makes one struct field, one schema column, one reader and one writer for each column.
macro_rules! echo {
    ($($column:ident: $value:ty = $field:expr, $read:ident $(::<$scale:literal>)?, $write:ident, $copy:expr;)*) => {
        struct Row {
            $($column: Option<$value>,)*
        }

        fn columns() -> Vec<Field> {
            vec![$({
                let mut field = $field;
                field.name = stringify!($column).to_owned();
                field
            }),*]
        }

        fn take(batch: &Batch) -> Result<Vec<Row>> {
            $(let $column = batch.$read$(::<$scale>)?(stringify!($column))?;)*
            Ok(batch.rows().map(|row| Row { $($column: $column.get(row).map($copy),)* }).collect())
        }

        impl Row {
            fn give<'t>(&self, out: &'t mut Table) -> smelt_sdk::Row<'t> {
                out.row()$(.$write(borrowed(&self.$column)))*
            }
        }
    };
}

fn borrowed<'v, T: Borrowed>(value: &'v Option<T>) -> Option<T::As<'v>> {
    value.as_ref().map(T::borrowed)
}

/// The value that a row takes in place of an owned value.
trait Borrowed {
    type As<'v>
    where
        Self: 'v;
    fn borrowed(&self) -> Self::As<'_>;
}

impl Borrowed for String {
    type As<'v> = &'v str;
    fn borrowed(&self) -> &str {
        self
    }
}

macro_rules! copied {
    ($([$($scale:ident)?] $value:ty),*) => {
        $(impl $(<const $scale: u8>)? Borrowed for $value {
            type As<'v> = $value;
            fn borrowed(&self) -> $value {
                *self
            }
        })*
    };
}

copied!([] bool, [] i64, [] f64, [] Date, [] Timestamp, [SCALE] Decimal<SCALE>);

fn same<T>(value: T) -> T {
    value
}

fn decimal_of(precision: u8, scale: u8) -> Field {
    Field { name: String::new(), data_type: DataType::Decimal128(DecimalType { precision, scale }), nullable: false }
}

struct Echo {
    rows: Vec<Row>,
}

echo! {
    boolean: bool = boolean(""), booleans, boolean, same;
    int64: i64 = int64(""), integers, integer, same;
    float64: f64 = float64(""), floats, float, same;
    utf8: String = text(""), text, text, str::to_owned;
    date32: Date = date(""), dates, date, same;
    instant: Timestamp = timestamp(""), timestamps, timestamp, same;
    money: Money = money(""), decimals::<2>, decimal, same;
    whole: Decimal<0> = decimal_of(38, 0), decimals::<0>, decimal, same;
    small: Decimal<3> = decimal_of(5, 3), decimals::<3>, decimal, same;
    fraction: Decimal<38> = decimal_of(38, 38), decimals::<38>, decimal, same;
    boolean_or: bool = nullable(boolean("")), booleans, boolean, same;
    int64_or: i64 = nullable(int64("")), integers, integer, same;
    float64_or: f64 = nullable(float64("")), floats, float, same;
    utf8_or: String = nullable(text("")), text, text, str::to_owned;
    date32_or: Date = nullable(date("")), dates, date, same;
    instant_or: Timestamp = nullable(timestamp("")), timestamps, timestamp, same;
    money_or: Money = nullable(money("")), decimals::<2>, decimal, same;
    whole_or: Decimal<0> = nullable(decimal_of(38, 0)), decimals::<0>, decimal, same;
}

impl Kpi for Echo {
    fn describe() -> KpiDescription {
        let mut description = describe_kpi(identity!()).input("rows", []).sums([], [int64("rows")]);
        description.inputs[0].columns = columns();
        description.stages[0].key = columns();
        KpiDescription { output: columns(), ..description }
    }

    fn open(_: &Config) -> Result<Self> {
        Ok(Self { rows: Vec::new() })
    }

    fn update(&mut self, _input: &str, rows: &Batch) -> Result<()> {
        self.rows.extend(take(rows)?);
        Ok(())
    }

    fn state(&self, out: &mut Table) -> Result<()> {
        self.rows.iter().for_each(|row| drop(row.give(out).integer(1)));
        Ok(())
    }

    fn evaluate(&self, sums: &Batch, out: &mut Table) -> Result<()> {
        take(sums)?.iter().for_each(|row| drop(row.give(out)));
        Ok(())
    }
}

export_kpi!(Echo);
