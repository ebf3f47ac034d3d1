//! A KPI that counts rows and panics where its parameter tells it to.

use smelt_sdk::prelude::*;

struct SinfulCount {
    panic_in: String,
    rows: i64,
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
            .state([int64("rows")])
            .output([int64("rows")])
    }

    fn open(config: &Config) -> Result<Self> {
        let new = Self { panic_in: config.text("panic_in")?.to_owned(), rows: 0 };
        new.maybe("open");
        Ok(new)
    }

    fn update(&mut self, _input: &str, rows: &Batch) -> Result<()> {
        self.maybe("update");
        self.rows += rows.len() as i64;
        Ok(())
    }

    fn state(&self, out: &mut Table) -> Result<()> {
        self.maybe("state");
        out.row().integer(self.rows);
        Ok(())
    }

    fn merge(&mut self, state: &Batch) -> Result<()> {
        self.maybe("merge");
        let rows = state.integers("rows")?;
        self.rows += state.rows().map(|row| rows.value(row)).sum::<i64>();
        Ok(())
    }

    fn evaluate(&self, out: &mut Table) -> Result<()> {
        self.maybe("evaluate");
        out.row().integer(self.rows);
        Ok(())
    }
}

export_kpi!(SinfulCount);
