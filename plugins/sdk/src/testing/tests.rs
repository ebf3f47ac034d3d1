//! `evaluate_split` finds KPIs that break the laws of the contract.

use super::evaluate_split;
use crate::prelude::*;
use crate::testing::cells;

/// Counts the readings of each station, then the stations with each number of readings. A parameter names the law that
/// it breaks.
struct Stations {
    law: String,
    readings: Vec<String>,
}

impl Kpi for Stations {
    fn describe() -> KpiDescription {
        describe_kpi(identity!())
            .parameters(Parameters::none().text("breaks", "", "The law that it breaks."))
            .input("readings", [text("station")])
            .fold_by([text("station")], [], [int64("readings")])
            .sums([int64("readings")], [int64("stations")])
            .output([int64("readings"), int64("stations")])
            .key(["readings"])
    }

    fn open(config: &Config) -> Result<Self> {
        Ok(Self { law: config.text("breaks")?.to_owned(), readings: Vec::new() })
    }

    fn update(&mut self, _input: &str, rows: &Batch) -> Result<()> {
        let station = rows.text("station")?;
        self.readings.extend(rows.rows().map(|row| station.value(row).to_owned()));
        Ok(())
    }

    fn state(&self, out: &mut Table) -> Result<()> {
        let most = if self.law == "state" { 2 } else { usize::MAX };
        self.readings.iter().take(most).for_each(|station| drop(out.row().text(station.as_str()).integer(1)));
        Ok(())
    }

    fn fold(&self, _stage: usize, groups: &Batch, out: &mut Table) -> Result<()> {
        let (readings, mut seen) = (groups.integers("readings")?, Vec::new());
        for station in groups.groups(["station"])? {
            let readings = readings.value(station.start);
            let counts = self.law != "fold" || !seen.contains(&readings);
            seen.push(readings);
            out.row().integer(readings).integer(i64::from(counts));
        }
        Ok(())
    }

    fn evaluate(&self, sums: &Batch, out: &mut Table) -> Result<()> {
        let (readings, stations) = (sums.integers("readings")?, sums.integers("stations")?);
        for row in sums.rows() {
            out.row().integer(readings.value(row)).integer(stations.value(row));
            if self.law == "key" {
                out.row().integer(readings.value(row)).integer(0);
            }
        }
        Ok(())
    }
}

fn stations(breaks: &str) -> Vec<Vec<String>> {
    let rows = ["a", "b", "c", "a", ""].map(|station| cells([station]).map(|cell| cell.or(Some(""))));
    let rows: Vec<&[_]> = rows.iter().map(|row| row.as_slice()).collect();
    evaluate_split::<Stations>(&format!(r#"{{"breaks": "{breaks}"}}"#), &[("readings", &rows)]).expect("no fault")
}

#[test]
fn stages_are_folded_one_after_the_other() {
    assert_eq!(stations(""), [["1", "3"], ["2", "1"]]);
}

#[test]
#[should_panic(expected = "the states of single rows do not add up to the state of all")]
fn a_state_that_is_no_sum_is_found() {
    stations("state");
}

#[test]
#[should_panic(expected = "groups of stage 0 give other rows")]
fn a_fold_that_looks_at_other_groups_is_found() {
    stations("fold");
}

#[test]
#[should_panic(expected = "rows of the table agree in the key [\"readings\"]")]
fn a_key_that_does_not_tell_rows_apart_is_found() {
    stations("key");
}
