//! KPI: the stations whose last reading is some days old at the time that the host computes for.

use smelt_sdk::prelude::*;

struct StaleStations {
    /// A station that was last heard of before this time is stale.
    since: Timestamp,
    heard_of: Vec<(String, Timestamp)>,
}

impl Kpi for StaleStations {
    fn describe() -> KpiDescription {
        describe_kpi(identity!())
            .parameters(Parameters::none().integer("days", 1..=36_500, 30, "After how many days a station is stale."))
            .uses_as_of()
            .input("readings", [timestamp("taken_at"), text("station")])
            .fold_by([text("station")], [timestamp("taken_at")], [int64("readings")])
            .sums([text("station"), timestamp("last_heard_of")], [int64("stations")])
            .output([text("station"), timestamp("last_heard_of")])
            .key(["station"])
    }

    fn open(config: &Config) -> Result<Self> {
        Ok(Self { since: config.as_of()?.plus_seconds(-86_400 * config.integer("days")?), heard_of: Vec::new() })
    }

    fn update(&mut self, _input: &str, rows: &Batch) -> Result<()> {
        let (station, taken_at) = (rows.text("station")?, rows.timestamps("taken_at")?);
        self.heard_of.extend(rows.rows().map(|row| (station.value(row).to_owned(), taken_at.value(row))));
        Ok(())
    }

    fn state(&self, out: &mut Table) -> Result<()> {
        for (station, taken_at) in &self.heard_of {
            out.row().text(station.as_str()).timestamp(*taken_at).integer(1);
        }
        Ok(())
    }

    fn fold(&self, _stage: usize, groups: &Batch, out: &mut Table) -> Result<()> {
        let (station, taken_at) = (groups.text("station")?, groups.timestamps("taken_at")?);
        for readings in groups.groups(["station"])? {
            // The rows are sorted by key, and so by time.
            let last = readings.end - 1;
            out.row().text(station.value(last)).timestamp(taken_at.value(last)).integer(1);
        }
        Ok(())
    }

    fn evaluate(&self, sums: &Batch, out: &mut Table) -> Result<()> {
        let (station, last) = (sums.text("station")?, sums.timestamps("last_heard_of")?);
        for row in sums.rows().filter(|&row| last.value(row) < self.since) {
            out.row().text(station.value(row)).timestamp(last.value(row));
        }
        Ok(())
    }
}

export_kpi!(StaleStations);
