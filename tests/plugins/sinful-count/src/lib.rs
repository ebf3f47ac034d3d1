//! A KPI that counts rows and panics where its parameter tells it to.

use smelt_sdk::prelude::*;

struct SinfulCount {
    panic_in: String,
    ids: Vec<String>,
}

impl SinfulCount {
    fn maybe(&self, call: &str) {
        assert_ne!(self.panic_in, call, "I cannot");
    }
}

impl Kpi for SinfulCount {
    fn describe() -> KpiDescription {
        describe_kpi(identity!())
            .parameters(Parameters::none().text("panic_in", "", "The call that panics."))
            .input("rows", [text("id")])
            .fold_by([text("id")], [], [int64("rows")])
            .sums([], [int64("rows")])
            .output([int64("rows")])
    }

    fn open(config: &Config) -> Result<Self> {
        let new = Self { panic_in: config.text("panic_in")?.to_owned(), ids: Vec::new() };
        new.maybe("open");
        Ok(new)
    }

    fn update(&mut self, _input: &str, rows: &Batch) -> Result<()> {
        self.maybe("update");
        let ids = rows.text("id")?;
        self.ids.extend(rows.rows().map(|row| ids.value(row).to_owned()));
        Ok(())
    }

    fn state(&self, out: &mut Table) -> Result<()> {
        self.maybe("state");
        self.ids.iter().for_each(|id| drop(out.row().text(id.as_str()).integer(1)));
        Ok(())
    }

    fn fold(&self, _stage: usize, groups: &Batch, out: &mut Table) -> Result<()> {
        self.maybe("fold");
        let rows = groups.integers("rows")?;
        out.row().integer(groups.rows().map(|row| rows.value(row)).sum::<i64>());
        Ok(())
    }

    fn evaluate(&self, sums: &Batch, out: &mut Table) -> Result<()> {
        self.maybe("evaluate");
        let rows = sums.integers("rows")?;
        out.row().integer(sums.rows().map(|row| rows.value(row)).sum::<i64>());
        Ok(())
    }
}

export_kpi!(SinfulCount);
