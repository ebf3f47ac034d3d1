//! Cleaner: events with an exact amount. Of all rows with one id, the host keeps the one with the latest instant.

use smelt_sdk::prelude::*;

const MISSING_ID: Rule = Rule::reject("missing_id", "The event has no id.");
const INVALID_AT: Rule = Rule::reject("invalid_at", "The instant is missing or is no such instant.");
const INVALID_AMOUNT: Rule = Rule::reject("invalid_amount", "The amount is missing or not numeric.");
const MISSING_KIND: Rule = Rule::repair("missing_kind", "The kind is missing; it becomes `unknown`.");

struct Plugin;

impl Cleaner for Plugin {
    fn describe() -> CleanerDescription {
        describe_cleaner(identity!())
            .input(["id", "kind", "amount", "at"])
            .output([text("id"), text("kind"), money("amount"), timestamp("at")])
            .key(["id"])
            .prefer(Preference::Greatest, "at")
            .rules([&MISSING_ID, &INVALID_AT, &INVALID_AMOUNT, &MISSING_KIND])
    }

    fn open(_: &Config) -> Result<Self> {
        Ok(Self)
    }

    fn clean(&mut self, rows: &Batch, out: &mut Cleaned) -> Result<()> {
        let (id, kind, amount, at) = (rows.text("id")?, rows.text("kind")?, rows.text("amount")?, rows.text("at")?);
        for row in rows.rows() {
            let Some(id) = id.trimmed(row) else {
                out.reject(row, &MISSING_ID);
                continue;
            };
            let Some(at) = at.trimmed(row).and_then(Timestamp::parse) else {
                out.reject(row, &INVALID_AT);
                continue;
            };
            let Some(amount) = amount.trimmed(row).and_then(Number::parse).and_then(Number::round::<2>) else {
                out.reject(row, &INVALID_AMOUNT);
                continue;
            };
            let kind = kind.trimmed(row).unwrap_or_else(|| {
                out.repair(&MISSING_KIND);
                "unknown"
            });
            out.keep(row).text(id).text(kind).decimal(amount).timestamp(at);
        }
        Ok(())
    }
}

export_cleaner!(Plugin);

#[cfg(test)]
mod tests {
    use smelt_sdk::testing::{cells, clean};

    use super::*;

    #[test]
    fn an_amount_that_is_not_numeric_is_rejected() {
        let rows = [["1", "visit", "12.5", "2025-11-13 10:35:00"], ["2", "visit", "NaN", "2025-11-13T10:35:00Z"]];
        let rows = rows.map(cells);
        let rows: Vec<&[_]> = rows.iter().map(|row| row.as_slice()).collect();
        let cleaned = clean::<Plugin>("{}", &rows).unwrap();
        assert_eq!(cleaned.kept, [["1", "visit", "12.50", "2025-11-13T10:35:00Z"]]);
        assert_eq!(cleaned.rejected, [(1, "invalid_amount".to_owned())]);
    }
}
