//! KPIs by keys of every kind, and one that is also written by hand.

use crate::glue::{Accumulator, OfKpi, Reducer};
use crate::prelude::*;
use crate::testing::{cells, encode, evaluate_split};

/// A KPI whose key column and key are those that a test names.
macro_rules! sales_by {
    ($kpi:ident, $key:ty, $field:expr, $rows:ident => $read:expr) => {
        #[derive(Default)]
        struct $kpi;

        impl SumByKey for $kpi {
            type Key = $key;

            fn describe() -> KpiDescription {
                describe_kpi(identity!())
                    .input("sales", [$field, money("amount")])
                    .sums([$field], [int64("sales"), money("revenue")])
                    .output([$field, int64("sales"), money("revenue")])
            }

            fn update(&self, _input: &str, $rows: &Batch, totals: &mut Totals<$key>) -> Result<()> {
                let (key, amounts) = ($read, $rows.decimals("amount")?);
                totals.extend($rows.rows().map(|row| (key(row), 1, amounts.value(row))));
                Ok(())
            }
        }
    };
}

#[track_caller]
fn assert_table<T: SumByKey>(sales: &[[&str; 2]], table: &[[&str; 3]]) {
    let rows: Vec<_> = sales.iter().map(|&row| cells(row)).collect();
    let rows: Vec<&[_]> = rows.iter().map(|row| row.as_slice()).collect();
    assert_eq!(evaluate_split::<Summed<T>>("{}", &[("sales", &rows)]).expect("no fault"), table);
}

sales_by!(ByShop, str, text("shop"), rows => {
    let shops = rows.text("shop")?;
    move |row| shops.value(row)
});
sales_by!(ByDay, Date, date("day"), rows => {
    let days = rows.dates("day")?;
    move |row| days.value(row)
});
sales_by!(ByDayIfAny, Option<Date>, nullable(date("day")), rows => {
    let days = rows.dates("day")?;
    move |row| days.get(row)
});
sales_by!(ByCouponIfAny, Option<String>, nullable(text("coupon")), rows => {
    let coupons = rows.text("coupon")?;
    move |row| coupons.get(row).map(str::to_owned)
});
sales_by!(ByPrice, Decimal<4>, decimal("price", 4), rows => {
    let prices = rows.decimals::<4>("price")?;
    move |row| prices.value(row)
});
sales_by!(ByOnline, bool, boolean("online"), rows => {
    let online = rows.booleans("online")?;
    move |row| online.value(row)
});
sales_by!(ByInstant, Timestamp, timestamp("at"), rows => {
    let instants = rows.timestamps("at")?;
    move |row| instants.value(row)
});

#[test]
fn rows_are_counted_and_summed_by_a_key_of_every_type() {
    assert_table::<ByShop>(&[["b", "1.00"], ["a", "0.10"], ["b", "0.50"]], &[["a", "1", "0.10"], ["b", "2", "1.50"]]);
    assert_table::<ByDay>(
        &[["2025-01-02", "1.00"], ["1969-12-31", "0.00"], ["2025-01-02", "2.00"]],
        &[["1969-12-31", "1", "0.00"], ["2025-01-02", "2", "3.00"]],
    );
    assert_table::<ByPrice>(
        &[["9.9900", "1.00"], ["0.0001", "2.00"]],
        &[["0.0001", "1", "2.00"], ["9.9900", "1", "1.00"]],
    );
    assert_table::<ByOnline>(&[["true", "1.00"], ["false", "2.00"]], &[["false", "1", "2.00"], ["true", "1", "1.00"]]);
    assert_table::<ByInstant>(&[["2025-01-02T03:04:05Z", "1.00"]], &[["2025-01-02T03:04:05Z", "1", "1.00"]]);
}

#[test]
fn rows_without_a_key_have_a_total_of_their_own() {
    assert_table::<ByDayIfAny>(
        &[["", "1.00"], ["2025-01-02", "2.00"], ["", "4.00"]],
        &[["", "2", "5.00"], ["2025-01-02", "1", "2.00"]],
    );
    assert_table::<ByCouponIfAny>(
        &[["x", "1.00"], ["", "2.00"], ["x", "4.00"]],
        &[["", "1", "2.00"], ["x", "2", "5.00"]],
    );
}

#[test]
fn no_rows_give_no_totals() {
    assert_table::<ByShop>(&[], &[]);
}

sales_by!(ByDayButDescribedAsText, Date, text("day"), rows => {
    let days = rows.text("day")?;
    move |row| Date::parse(days.value(row)).unwrap_or_default()
});

#[test]
fn a_key_that_the_description_declares_with_another_type_is_a_fault() {
    let sale = cells(["2025-01-02", "1.00"]);
    let fault = evaluate_split::<Summed<ByDayButDescribedAsText>>("{}", &[("sales", &[&sale])]).expect_err("no table");
    assert_eq!(fault.message, "column `day` is DataType::Utf8, but was given date32");
}

/// Counts sales by day and by whether they were online.
#[derive(Default)]
struct ByDayAndOnline;

impl SumByKey for ByDayAndOnline {
    type Key = (Date, bool);

    fn describe() -> KpiDescription {
        describe_kpi(identity!())
            .input("sales", [date("day"), boolean("online"), money("amount")])
            .sums([date("day"), boolean("online")], [int64("sales"), money("revenue")])
            .output([money("revenue"), boolean("online"), date("day")])
            .key(["day", "online"])
    }

    fn update(&self, _input: &str, rows: &Batch, totals: &mut Totals<Self::Key>) -> Result<()> {
        let (days, online, amounts) = (rows.dates("day")?, rows.booleans("online")?, rows.decimals("amount")?);
        totals.extend(rows.rows().map(|row| ((days.value(row), online.value(row)), 1, amounts.value(row))));
        Ok(())
    }
}

#[test]
fn a_tuple_fills_several_columns_and_the_output_may_name_them_in_any_order() {
    let sales = [["2025-01-02", "true", "1.00"], ["2025-01-01", "true", "2.00"], ["2025-01-02", "false", "4.00"]];
    let rows = sales.map(cells);
    let rows: Vec<&[_]> = rows.iter().map(|row| row.as_slice()).collect();
    let table = evaluate_split::<Summed<ByDayAndOnline>>("{}", &[("sales", &rows)]).expect("no fault");
    let expected = [["2.00", "true", "2025-01-01"], ["4.00", "false", "2025-01-02"], ["1.00", "true", "2025-01-02"]];
    assert_eq!(table, expected);
}

/// The average of all sales that reach a least amount, from two inputs of which one takes away.
#[derive(Default)]
struct Average {
    least: i64,
}

impl SumByKey for Average {
    type Key = ();

    fn describe() -> KpiDescription {
        describe_kpi(identity!())
            .parameters(Parameters::none().integer("least", 0..=100, 2, "The least amount that counts, in cents."))
            .input("sales", [money("amount")])
            .input("refunds", [money("amount")])
            .sums([], [int64("sales"), money("revenue")])
            .output([nullable(money("average"))])
            .key([])
    }

    fn open(config: &Config) -> Result<Self> {
        Ok(Self { least: config.integer("least")? })
    }

    fn update(&self, input: &str, rows: &Batch, totals: &mut Totals<()>) -> Result<()> {
        let (amounts, least) = (rows.decimals("amount")?, Money::from_units(self.least.into()));
        let amounts = rows.rows().map(|row| amounts.value(row)).filter(|&amount| amount >= least);
        match input {
            "refunds" => totals.extend(amounts.map(|amount| ((), -1, -amount))),
            _ => totals.extend(amounts.map(|amount| ((), 1, amount))),
        }
        Ok(())
    }

    fn evaluate(&self, sums: &Batch, out: &mut Table) -> Result<()> {
        let (sales, revenue) = (sums.integers("sales")?, sums.decimals::<2>("revenue")?);
        sums.rows().for_each(|row| drop(out.row().decimal(revenue.value(row).divide(sales.value(row)))));
        Ok(())
    }
}

#[test]
fn a_kpi_may_have_parameters_inputs_and_a_table_of_its_own() {
    let rows = ["0.01", "3.00", "1.00", "1.00"].map(|amount| cells([amount]));
    let rows: Vec<&[_]> = rows.iter().map(|row| row.as_slice()).collect();
    let (sales, refunds) = rows.split_at(3);
    let average = |params| {
        evaluate_split::<Summed<Average>>(params, &[("sales", sales), ("refunds", refunds)]).expect("no fault")
    };
    assert_eq!(average("{}"), [["3.00"]]);
    assert_eq!(average(r#"{"least": 0}"#), [["1.51"]]);
}

/// [`ByShop`], written by hand.
#[derive(Default)]
struct ByShopByHand {
    shops: Totals<str>,
}

impl Kpi for ByShopByHand {
    fn describe() -> KpiDescription {
        ByShop::describe()
    }

    fn open(_: &Config) -> Result<Self> {
        Ok(Self::default())
    }

    fn update(&mut self, _input: &str, rows: &Batch) -> Result<()> {
        let (shops, amounts) = (rows.text("shop")?, rows.decimals("amount")?);
        self.shops.extend(rows.rows().map(|row| (shops.value(row), 1, amounts.value(row))));
        Ok(())
    }

    fn state(&self, out: &mut Table) -> Result<()> {
        for (shop, sales, revenue) in self.shops.iter() {
            out.row().text(shop).integer(sales).decimal(revenue);
        }
        Ok(())
    }

    fn evaluate(&self, sums: &Batch, out: &mut Table) -> Result<()> {
        let (shops, sales) = (sums.text("shop")?, sums.integers("sales")?);
        let revenue = sums.decimals::<2>("revenue")?;
        for row in sums.rows() {
            out.row().text(shops.value(row)).integer(sales.value(row)).decimal(revenue.value(row));
        }
        Ok(())
    }
}

#[test]
fn state_and_table_are_to_the_byte_those_of_a_kpi_by_hand() {
    fn state_and_table<T: Kpi>(sales: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let accumulator = Accumulator::open::<OfKpi<T>>(0, "{}", None).expect("it opens");
        accumulator.update_batch(sales).expect("it takes the rows in");
        // The rows of this state have different keys, so they are also rows of sums.
        let state = accumulator.state().expect("a state");
        assert!(Batch::read(&accumulator.state().expect("a state")).expect("a stream").is_empty(), "it forgets");
        let rows = Batch::read(&state).expect("a stream").len() as u32;
        let reducer = Reducer::open::<OfKpi<T>>(0, "{}", None, None).expect("it opens");
        let table = reducer.reduce(&state, &[rows]).expect("a table").rows;
        (state, table)
    }

    let sales: Vec<_> = (0..500).map(|sale| (format!("shop {}", sale * sale % 77), format!("{sale}.05"))).collect();
    let rows: Vec<_> = sales.iter().map(|(shop, amount)| [Some(shop.as_str()), Some(amount.as_str())]).collect();
    let rows: Vec<&[_]> = rows.iter().map(|row| row.as_slice()).collect();
    let sales = encode(&ByShop::describe().inputs[0].columns, &rows).expect("valid rows");
    assert_eq!(state_and_table::<Summed<ByShop>>(&sales), state_and_table::<ByShopByHand>(&sales));
}
