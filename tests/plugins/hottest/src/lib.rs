//! KPI: the hottest reading of each station; if there are several, the earliest of them.
//!
//! A maximum cannot be added up, so it is a key: readings are counted by their values. Then the readings of a station
//! are folded into the hottest of those that are left.

use smelt_sdk::prelude::*;

struct Hottest {
    limit: usize,
    readings: Vec<Reading>,
}

struct Reading {
    station: String,
    celsius: f64,
    taken_at: Timestamp,
    raining: Option<bool>,
}

impl Hottest {
    /// Copies a row of a batch to a row of a table, up to its columns of values.
    fn copy<'t>(rows: &Batch, row: usize, out: &'t mut Table) -> Result<smelt_sdk::Row<'t>> {
        let (station, taken_at) = (rows.text("station")?, rows.timestamps("taken_at")?);
        let (celsius, raining) = (rows.floats("celsius")?, rows.booleans("raining")?);
        Ok(out
            .row()
            .text(station.value(row))
            .float(celsius.value(row))
            .timestamp(taken_at.value(row))
            .boolean(raining.get(row)))
    }
}

impl Kpi for Hottest {
    fn describe() -> KpiDescription {
        let reading = || [float64("celsius"), timestamp("taken_at"), nullable(boolean("raining"))];
        let [celsius, taken_at, raining] = reading();
        describe_kpi(identity!())
            .parameters(Parameters::none().integer("limit", 1..=1000, 10, "How many stations there are at most."))
            .input(
                "readings",
                [text("station"), timestamp("taken_at"), nullable(float64("celsius")), nullable(boolean("raining"))],
            )
            .fold_by([text("station")], reading(), [int64("readings")])
            .sums([text("station"), celsius.clone(), taken_at.clone(), raining.clone()], [int64("stations")])
            .output([text("station"), celsius, taken_at, raining])
            .key(["station"])
    }

    fn open(config: &Config) -> Result<Self> {
        Ok(Self { limit: config.integer("limit")? as usize, readings: Vec::new() })
    }

    fn update(&mut self, _input: &str, rows: &Batch) -> Result<()> {
        let (station, taken_at) = (rows.text("station")?, rows.timestamps("taken_at")?);
        let (celsius, raining) = (rows.floats("celsius")?, rows.booleans("raining")?);
        self.readings.extend(rows.rows().filter_map(|row| {
            Some(Reading {
                station: station.value(row).to_owned(),
                celsius: celsius.get(row)?,
                taken_at: taken_at.value(row),
                raining: raining.get(row),
            })
        }));
        Ok(())
    }

    fn state(&self, out: &mut Table) -> Result<()> {
        for Reading { station, celsius, taken_at, raining } in &self.readings {
            out.row().text(station.as_str()).float(*celsius).timestamp(*taken_at).boolean(*raining).integer(1);
        }
        Ok(())
    }

    fn fold(&self, _stage: usize, groups: &Batch, out: &mut Table) -> Result<()> {
        let (celsius, taken_at) = (groups.floats("celsius")?, groups.timestamps("taken_at")?);
        for station in groups.groups(["station"])? {
            let hottest = station.max_by(|&a, &b| {
                let colder = celsius.value(a).total_cmp(&celsius.value(b));
                colder.then(taken_at.value(b).cmp(&taken_at.value(a)))
            });
            let hottest = hottest.ok_or_else(|| Fault::internal("a group without rows"))?;
            Self::copy(groups, hottest, out)?.integer(1);
        }
        Ok(())
    }

    fn evaluate(&self, sums: &Batch, out: &mut Table) -> Result<()> {
        let celsius = sums.floats("celsius")?;
        let mut stations: Vec<_> = sums.rows().collect();
        stations.sort_by(|&a, &b| celsius.value(b).total_cmp(&celsius.value(a)));
        for station in stations.into_iter().take(self.limit) {
            Self::copy(sums, station, out)?;
        }
        Ok(())
    }
}

export_kpi!(Hottest);
