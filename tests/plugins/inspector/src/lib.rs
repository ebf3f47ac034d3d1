//! A check that judges the objects of a dataset: at most so many of a hundred records may be malformed, lack a cell of
//! `column`, or have one there that `refers` does not know.

use smelt_sdk::Gather;
use smelt_sdk::prelude::*;

fn parameters() -> Parameters {
    Parameters::none()
        .required_text("dataset", "The dataset whose objects it judges.")
        .required_text("column", "The column that every record needs.")
        .text("refers", "", "The column of the input `known` that has the values which the column may have.")
        .integer("warn", 0..=100, 0, "The most bad records of a hundred before it warns.")
        .integer("fail", 0..=100, 10, "The most bad records of a hundred before it fails.")
}

/// An object as it came.
#[derive(Row)]
struct Came<'a> {
    dataset: &'a str,
    object: &'a str,
    unreadable: Option<&'a str>,
}

/// Values that are compared. A group is a text; what is known of it sorts before the records that have it.
#[derive(Row)]
#[row(group(text))]
#[rustfmt::skip]
enum ByText<'a> {
    Known { text: &'a str, #[sum] rows: i64 },
    Used { text: &'a str, object: &'a str, #[sum] rows: i64 },
}

#[derive(Row)]
#[row(group(object))]
#[rustfmt::skip]
enum OfObject<'a> {
    Came { object: &'a str, is_readable: bool, #[sum] rows: i64 },
    Records { object: &'a str, #[sum] records: i64, #[sum] bad: i64 },
}

#[derive(Row)]
struct Verdict<'a> {
    object: &'a str,
    expectation: &'a str,
    severity: &'a str,
    passed: bool,
    records: i64,
    bad: i64,
}

/// Takes the records of bronze.
struct Records {
    column: String,
}

impl Gather<ByText<'static>> for Records {
    fn update(&mut self, rows: &Batch<'_>, out: &mut Out<ByText<'static>>) -> Result<()> {
        let (objects, cells) = (rows.text("smelt.object")?, rows.text(&self.column)?);
        for row in rows.rows() {
            // A text that is not there is known to nobody.
            let text = cells.trimmed(row).unwrap_or_default();
            out.add(ByText::Used { text, object: objects.value(row), rows: 1 })?;
        }
        Ok(())
    }
}

/// Takes the values that records may have.
struct Known {
    column: String,
}

impl Gather<ByText<'static>> for Known {
    fn update(&mut self, rows: &Batch<'_>, out: &mut Out<ByText<'static>>) -> Result<()> {
        let known = rows.text(&self.column)?;
        rows.rows().try_for_each(|row| out.add(ByText::Known { text: known.value(row), rows: 1 }))
    }
}

fn inspector(config: &Config) -> Result<Definition> {
    let dataset = config.text("dataset")?.to_owned();
    let (column, refers) = (config.text("column")?.to_owned(), config.text("refers")?.to_owned());
    let (warn, fail) = (config.integer("warn")?, config.integer("fail")?);
    let columns = vec![text("smelt.object"), nullable(text(&column))];
    let refers_to_any = !refers.is_empty();
    let mut flow = table(["object", "expectation"])
        .gather(&format!("bronze.{dataset}"), columns, || Ok(Box::new(Records { column })))
        .setting(["dataset", "column", "refers"]);
    if refers_to_any {
        let columns = vec![text(&refers)];
        flow = flow
            .gather("known", columns, || Ok(Box::new(Known { column: refers })))
            .setting(["dataset", "column", "refers"]);
    }
    flow.stage::<ByText>()
        .walk(move |is_known: &mut bool, row, out| match row {
            ByText::Known { .. } => {
                *is_known = true;
                Ok(())
            }
            ByText::Used { text, object, rows } => {
                let is_bad = text.is_empty() || refers_to_any && !*is_known;
                out.add(OfObject::Records { object, records: rows, bad: if is_bad { rows } else { 0 } })
            }
        })
        .setting(["dataset", "column", "refers"])
        .input::<Came>("smelt.bronze", move |Came { dataset: of, object, unreadable }, out| {
            if of != dataset {
                return Ok(());
            }
            out.add(OfObject::Came { object, is_readable: unreadable.is_none(), rows: 1 })
        })
        .setting(["dataset", "column", "refers"])
        .stage::<OfObject>()
        .group(move |rows, out| {
            let (mut of, mut all, mut wrong) = (None, 0, 0);
            for row in rows {
                match *row {
                    OfObject::Came { object, is_readable, .. } => of = Some((object, is_readable)),
                    OfObject::Records { records, bad, .. } => (all, wrong) = (all + records, wrong + bad),
                }
            }
            let Some((object, is_readable)) = of else { return Ok(()) };
            let past = |bound: i64| wrong * 100 > bound * all;
            let severity = if past(fail) || !past(warn) { "fail" } else { "warn" };
            let verdict = Verdict {
                object,
                expectation: "readable",
                severity: "fail",
                passed: is_readable,
                records: all,
                bad: wrong,
            };
            out.add(verdict)?;
            out.add(Verdict {
                object,
                expectation: "good",
                severity,
                passed: !past(warn.min(fail)),
                records: all,
                bad: wrong,
            })
        })
        .define()
}

export_table!(inspector, parameters);
