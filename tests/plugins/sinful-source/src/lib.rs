//! A source that breaks the contract ("sins") in the way that its parameter names.

use std::sync::atomic::{AtomicU32, Ordering};

use smelt_sdk::prelude::*;

struct SinfulSource;

static CALLS: AtomicU32 = AtomicU32::new(0);

impl Source for SinfulSource {
    fn describe() -> SourceDescription {
        describe_source(identity!()).parameters(Parameters::none().text("sin", "", "The sin.")).objects(["rows_*.csv"])
    }

    fn generate(config: &Config, tick: Tick) -> Result<Vec<Object>> {
        let sin = config.text("sin")?;
        let object = |name: String| Object { name, bytes: format!("id\n{}\n", tick.seed).into_bytes() };
        let name = format!("rows_{}.csv", tick.number);
        match sin {
            "other family" => Ok(vec![object(format!("lines_{}.csv", tick.number))]),
            "twice" => Ok(vec![object(name.clone()), object(name)]),
            "tenth call" if CALLS.fetch_add(1, Ordering::Relaxed) == 9 => Ok(vec![]),
            "one name" => Ok(vec![object("rows_all.csv".to_owned())]),
            "up" => Ok(vec![object("../rows_1.csv".to_owned())]),
            "panic" => panic!("I make nothing"),
            _ => Ok(vec![object(name)]),
        }
    }
}

export_source!(SinfulSource);
