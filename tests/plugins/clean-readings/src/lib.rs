//! Cleaner for the readings of weather stations: keeps one for each station and instant.

use smelt_sdk::prelude::*;

const MISSING_STATION: Rule = Rule::reject("missing_station", "Nobody knows where it was read.");
const INVALID_TAKEN_AT: Rule = Rule::reject("invalid_taken_at", "The instant is missing or is no such instant.");
const INVALID_REVISION: Rule = Rule::reject("invalid_revision", "The revision is missing or is no whole number.");
const TOO_COLD: Rule = Rule::reject("too_cold", "It is colder than the parameter `coldest` allows.");
const FAHRENHEIT: Rule = Rule::repair("fahrenheit", "The temperature is in degrees Fahrenheit; it becomes Celsius.");
const UNREADABLE: Rule = Rule::repair("unreadable", "The temperature is no number; it becomes missing.");

struct CleanReadings {
    coldest: f64,
}

impl Cleaner for CleanReadings {
    fn describe() -> CleanerDescription {
        describe_cleaner(identity!())
            .parameters(Parameters::none().number("coldest", -273.15..=0.0, -90.0, "The least degrees Celsius."))
            .input(["station", "taken_at", "revision", "celsius", "raining"])
            .output([
                text("station"),
                timestamp("taken_at"),
                int64("revision"),
                nullable(float64("celsius")),
                nullable(boolean("raining")),
                boolean("final"),
            ])
            .key(["station", "taken_at"])
            .prefer(Preference::Greatest, "revision")
            .prefer(Preference::Least, "celsius")
            .rules([&MISSING_STATION, &INVALID_TAKEN_AT, &INVALID_REVISION, &TOO_COLD, &FAHRENHEIT, &UNREADABLE])
    }

    fn open(config: &Config) -> Result<Self> {
        Ok(Self { coldest: config.number("coldest")? })
    }

    fn clean(&mut self, rows: &Batch, out: &mut Cleaned) -> Result<()> {
        let (station, taken_at) = (rows.text("station")?, rows.text("taken_at")?);
        let (revision, celsius) = (rows.text("revision")?, rows.text("celsius")?);
        let raining = rows.text("raining")?;
        for row in rows.rows() {
            let Some(station) = station.trimmed(row) else {
                out.reject(row, &MISSING_STATION);
                continue;
            };
            let Some(taken_at) = taken_at.trimmed(row).and_then(Timestamp::parse) else {
                out.reject(row, &INVALID_TAKEN_AT);
                continue;
            };
            let Some(revision) = revision.trimmed(row).and_then(|text| text.parse::<i64>().ok()) else {
                out.reject(row, &INVALID_REVISION);
                continue;
            };
            let (celsius, repair) = temperature(celsius.trimmed(row));
            if celsius.is_some_and(|celsius| celsius < self.coldest) {
                out.reject(row, &TOO_COLD);
                continue;
            }
            if let Some(repair) = repair {
                out.repair(repair);
            }
            out.keep(row)
                .text(station)
                .timestamp(taken_at)
                .integer(revision)
                .float(celsius)
                .boolean(raining.trimmed(row).and_then(|text| text.parse::<bool>().ok()))
                .boolean(revision > 1);
        }
        Ok(())
    }
}

/// Returns the temperature in degrees Celsius, and the rule that changed what was written, if one did.
fn temperature(written: Option<&str>) -> (Option<f64>, Option<&'static Rule>) {
    let Some(written) = written else { return (None, None) };
    let (number, rule) = match written.strip_suffix('F') {
        Some(fahrenheit) => (fahrenheit.parse().map(|degrees: f64| (degrees - 32.0) * 5.0 / 9.0), Some(&FAHRENHEIT)),
        None => (written.parse(), None),
    };
    match number {
        Ok(celsius) if celsius.is_finite() => (Some(celsius), rule),
        _ => (None, Some(&UNREADABLE)),
    }
}

export_cleaner!(CleanReadings);
