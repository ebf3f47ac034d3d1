//! KPI: the tables of judged files. The parameter `by` says which.
//!
//! | `by` | a row is | inputs |
//! |---|---|---|
//! | `object` | an object: its status, verdict, score and counts | `findings`, `smelt.objects` |
//! | `expectation` | an expectation of an object or of a dataset | `findings` |
//! | `failure` | a failing row of an expectation | `findings` |
//! | `column` | a column of an object | `findings` |
//! | `rule` | a rule of a cleaner that rejected or repaired rows of an object | `smelt.rules` |
//! | `dataset` | a dataset | `findings`, `smelt.objects` |
//! | `day` | a day and dataset | `findings`, `smelt.objects` |
//!
//! `findings` is the table of the check `expectations`.

mod lists;
mod objects;
#[cfg(test)]
mod tests;

use smelt_sdk::prelude::*;

fn parameters() -> Parameters {
    let choices = ["object", "expectation", "failure", "column", "rule", "dataset", "day"];
    Parameters::none().choice("by", choices, "object", "What a row of the table is about.")
}

fn quality_summary(config: &Config) -> Result<Definition> {
    match config.text("by")? {
        "expectation" => lists::expectations(),
        "failure" => lists::failures(),
        "column" => lists::columns(),
        "rule" => lists::rules(),
        "dataset" => objects::datasets(),
        "day" => objects::days(),
        _ => objects::objects(),
    }
}

export_table!(quality_summary, parameters);
