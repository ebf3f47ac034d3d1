//! KPI: the hottest reading of each station, the earliest if there are several.

use std::collections::BTreeMap;

use smelt_sdk::prelude::*;

struct Hottest {
    limit: usize,
    stations: BTreeMap<String, Reading>,
}

#[derive(Clone, Copy)]
struct Reading {
    celsius: f64,
    taken_at: Timestamp,
    raining: Option<bool>,
}

impl Hottest {
    fn take(&mut self, rows: &Batch) -> Result<()> {
        let (station, taken_at) = (rows.text("station")?, rows.timestamps("taken_at")?);
        let (celsius, raining) = (rows.floats("celsius")?, rows.booleans("raining")?);
        for row in rows.rows() {
            let Some(celsius) = celsius.get(row) else { continue };
            let new = Reading { celsius, taken_at: taken_at.value(row), raining: raining.get(row) };
            let held = self.stations.entry(station.value(row).to_owned()).or_insert(new);
            let order = new.celsius.total_cmp(&held.celsius).then(held.taken_at.cmp(&new.taken_at));
            if order.is_gt() {
                *held = new;
            }
        }
        Ok(())
    }

    fn write<'s>(readings: impl IntoIterator<Item = (&'s String, &'s Reading)>, out: &mut Table) {
        for (station, Reading { celsius, taken_at, raining }) in readings {
            out.row().text(station.as_str()).float(*celsius).timestamp(*taken_at).boolean(*raining);
        }
    }
}

impl Kpi for Hottest {
    fn describe() -> KpiDescription {
        let columns = || [text("station"), float64("celsius"), timestamp("taken_at"), nullable(boolean("raining"))];
        describe_kpi(identity!())
            .parameters(Parameters::none().integer("limit", 1..=1000, 10, "How many stations there are at most."))
            .input(
                "readings",
                [text("station"), timestamp("taken_at"), nullable(float64("celsius")), nullable(boolean("raining"))],
            )
            .state(columns())
            .output(columns())
    }

    fn open(config: &Config) -> Result<Self> {
        Ok(Self { limit: config.integer("limit")? as usize, stations: BTreeMap::new() })
    }

    fn update(&mut self, _input: &str, rows: &Batch) -> Result<()> {
        self.take(rows)
    }

    fn state(&self, out: &mut Table) -> Result<()> {
        Self::write(&self.stations, out);
        Ok(())
    }

    fn merge(&mut self, state: &Batch) -> Result<()> {
        self.take(state)
    }

    fn evaluate(&self, out: &mut Table) -> Result<()> {
        let mut all: Vec<_> = self.stations.iter().collect();
        all.sort_by(|(_, a), (_, b)| b.celsius.total_cmp(&a.celsius));
        Self::write(all.into_iter().take(self.limit), out);
        Ok(())
    }
}

export_kpi!(Hottest);
