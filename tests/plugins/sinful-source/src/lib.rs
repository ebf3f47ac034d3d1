//! A source that sins where its parameter tells it to.

use smelt_sdk::prelude::*;

struct SinfulSource;

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
            "up" => Ok(vec![object("../rows_1.csv".to_owned())]),
            "panic" => panic!("I make nothing"),
            _ => Ok(vec![object(name)]),
        }
    }
}

export_source!(SinfulSource);
