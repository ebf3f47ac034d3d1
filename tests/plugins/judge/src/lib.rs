//! A check of purchases: none costs more than `limit`. `form` says in which table it says so, and what is wrong with it.

use smelt_sdk::prelude::*;

fn parameters() -> Parameters {
    let forms = ["whole", "clients", "tally", "mute", "loose"];
    Parameters::none()
        .choice(
            "form",
            forms,
            "whole",
            "One verdict, or one of each client; or how many verdicts of all checks failed.",
        )
        .integer("limit", 0..=1_000_000, 1_000, "The most cents that a purchase may cost.")
        .text("severity", "fail", "The severity of the verdicts.")
        .text("refuses", "", "The id of a purchase at which it fails.")
}

#[derive(Row)]
struct Purchase<'a> {
    purchase_id: &'a str,
    client_id: &'a str,
    amount: Money,
}

#[derive(Row)]
struct Told<'a> {
    check: &'a str,
    expectation: &'a str,
    passed: bool,
}

#[derive(Row)]
#[row(group(subject))]
struct OfSubject<'a> {
    subject: &'a str,
    #[sum]
    rows: i64,
    #[sum]
    over: i64,
}

/// All rows are one group, which is there without a row too.
#[derive(Row)]
#[row(group())]
struct OfAll<'a> {
    subject: &'a str,
    #[sum]
    rows: i64,
    #[sum]
    over: i64,
}

#[derive(Row)]
struct Verdict<'a> {
    subject: &'a str,
    expectation: Option<&'a str>,
    severity: Option<&'a str>,
    passed: Option<bool>,
    over: i64,
}

/// Without `passed`, so it is the table of no check.
#[derive(Row)]
struct Loose<'a> {
    subject: &'a str,
    expectation: Option<&'a str>,
    severity: Option<&'a str>,
}

fn judge(config: &Config) -> Result<Definition> {
    let limit = Money::from_units(config.integer("limit")?.into());
    let (severity, refuses) = (config.text("severity")?.to_owned(), config.text("refuses")?.to_owned());
    let over = move |purchase: &Purchase<'_>| match !refuses.is_empty() && purchase.purchase_id == refuses {
        true => Err(Fault::invalid_input("this purchase is refused")),
        false => Ok(i64::from(purchase.amount > limit)),
    };
    match config.text("form")? {
        "clients" => table(["subject"])
            .input::<Purchase>("rows", move |row, out| {
                out.add(OfSubject { subject: row.client_id, rows: 1, over: over(&row)? })
            })
            .stage::<OfSubject>()
            .each(move |OfSubject { subject, over, .. }, out| {
                let (expectation, severity) = (Some("affordable"), Some(severity.as_str()));
                out.add(Verdict { subject, expectation, severity, passed: Some(over == 0), over })
            })
            .define(),
        // Rows without an expectation are no verdicts.
        "tally" => table(["subject"])
            .input::<Told>("smelt.checks", |Told { check, expectation, passed }, out| {
                out.add(OfSubject { subject: &format!("{check} {expectation}"), rows: 1, over: i64::from(!passed) })
            })
            .stage::<OfSubject>()
            .each(|OfSubject { subject, over, .. }, out| {
                out.add(Verdict { subject, expectation: None, severity: None, passed: None, over })
            })
            .define(),
        "loose" => table(["subject"])
            .input::<Purchase>("rows", |row, out| {
                out.add(Loose { subject: row.purchase_id, expectation: None, severity: None })
            })
            .define(),
        form => {
            let mute = form == "mute";
            table(["subject"])
                .input::<Purchase>("rows", move |row, out| {
                    out.add(OfAll { subject: "all", rows: 1, over: over(&row)? })
                })
                .stage::<OfAll>()
                .group(move |rows, out| {
                    let over = rows.iter().map(|row| row.over).sum();
                    let (expectation, severity) = (Some("affordable"), Some(severity.as_str()));
                    let passed = Some(over == 0).filter(|_| !mute);
                    out.add(Verdict { subject: "all", expectation, severity, passed, over })?;
                    out.add(Verdict { subject: "note", expectation: None, severity: None, passed: None, over: 0 })
                })
                .define()
        }
    }
}

export_table!(judge, parameters);
