//! KPI: the stations whose last reading is some days old, at the time the host computes for.

use std::collections::BTreeMap;

use smelt_sdk::prelude::*;

struct StaleStations {
    /// Stations last heard of before this are stale.
    since: Timestamp,
    last: BTreeMap<String, Timestamp>,
}

impl Kpi for StaleStations {
    fn describe() -> KpiDescription {
        describe_kpi(identity!())
            .parameters(Parameters::none().integer("days", 1..=36_500, 30, "After how many days a station is stale."))
            .uses_as_of()
            .input("readings", [timestamp("taken_at"), text("station")])
            .state([text("station"), timestamp("taken_at")])
            .output([text("station"), timestamp("last_heard_of")])
    }

    fn open(config: &Config) -> Result<Self> {
        Ok(Self { since: config.as_of()?.plus_seconds(-86_400 * config.integer("days")?), last: BTreeMap::new() })
    }

    fn update(&mut self, _input: &str, rows: &Batch) -> Result<()> {
        let (station, taken_at) = (rows.text("station")?, rows.timestamps("taken_at")?);
        for row in rows.rows() {
            let last = self.last.entry(station.value(row).to_owned()).or_insert(Timestamp(i64::MIN));
            *last = taken_at.value(row).max(*last);
        }
        Ok(())
    }

    fn state(&self, out: &mut Table) -> Result<()> {
        self.last.iter().for_each(|(station, last)| drop(out.row().text(station.as_str()).timestamp(*last)));
        Ok(())
    }

    fn merge(&mut self, state: &Batch) -> Result<()> {
        self.update("readings", state)
    }

    fn evaluate(&self, out: &mut Table) -> Result<()> {
        let stale = self.last.iter().filter(|(_, last)| **last < self.since);
        stale.for_each(|(station, last)| drop(out.row().text(station.as_str()).timestamp(*last)));
        Ok(())
    }
}

export_kpi!(StaleStations);
