//! KPI: the number of events of each kind, and the sum of their amounts.

use smelt_sdk::prelude::*;

#[derive(Default)]
struct Plugin {
    kinds: Totals<str>,
}

impl Kpi for Plugin {
    fn describe() -> KpiDescription {
        describe_kpi(identity!())
            .input("events", [text("kind"), money("amount")])
            .sums([text("kind")], [int64("events"), money("total")])
            .output([text("kind"), int64("events"), money("total")])
            .key(["kind"])
    }

    fn open(_: &Config) -> Result<Self> {
        Ok(Self::default())
    }

    fn update(&mut self, _input: &str, rows: &Batch) -> Result<()> {
        let (kinds, amounts) = (rows.text("kind")?, rows.decimals("amount")?);
        self.kinds.extend(rows.rows().map(|row| (kinds.value(row), 1, amounts.value(row))));
        Ok(())
    }

    fn state(&self, out: &mut Table) -> Result<()> {
        for (kind, events, total) in self.kinds.iter() {
            out.row().text(kind).integer(events).decimal(total);
        }
        Ok(())
    }

    fn evaluate(&self, sums: &Batch, out: &mut Table) -> Result<()> {
        let (kinds, events) = (sums.text("kind")?, sums.integers("events")?);
        let totals = sums.decimals::<2>("total")?;
        for row in sums.rows() {
            out.row().text(kinds.value(row)).integer(events.value(row)).decimal(totals.value(row));
        }
        Ok(())
    }
}

export_kpi!(Plugin);

#[cfg(test)]
mod tests {
    use smelt_sdk::testing::{cells, evaluate_split};

    use super::*;

    #[test]
    fn events_are_counted_by_kind() {
        let rows = [["visit", "1.50"], ["sale", "2.00"], ["visit", "0.50"]].map(cells);
        let rows: Vec<&[_]> = rows.iter().map(|row| row.as_slice()).collect();
        let table = evaluate_split::<Plugin>("{}", &[("events", &rows)]).unwrap();
        assert_eq!(table, [["sale", "1", "2.00"], ["visit", "2", "2.00"]]);
    }
}
