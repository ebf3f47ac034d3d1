//! Another version of the cleaner `clean-clicks`. It keeps a click whatever its IP is, unless the click is of a day to
//! come. It writes pages without capitals.

use smelt_sdk::Identity;
use smelt_sdk::prelude::*;

const INVALID_TS: Rule = Rule::reject("invalid_ts", "The instant is missing or is no such instant.");
const TO_COME: Rule = Rule::reject("to_come", "The instant is more than a day after the day that is computed for.");
const LOWERED: Rule = Rule::repair("lowered", "The page had capitals.");

struct CleanClicks {
    latest: Timestamp,
}

impl Cleaner for CleanClicks {
    fn describe() -> CleanerDescription {
        describe_cleaner(Identity { name: "clean-clicks".to_owned(), ..identity!() })
            .input(["customer_id", "page", "ts"])
            .output([nullable(text("customer_id")), nullable(text("page")), timestamp("ts")])
            .rules([&INVALID_TS, &TO_COME, &LOWERED])
            .uses_as_of()
    }

    fn open(config: &Config) -> Result<Self> {
        Ok(Self { latest: config.as_of()?.plus_seconds(2 * 86_400) })
    }

    fn clean(&mut self, rows: &Batch, out: &mut Cleaned) -> Result<()> {
        let (customer, page, ts) = (rows.text("customer_id")?, rows.text("page")?, rows.text("ts")?);
        for row in rows.rows() {
            let Some(ts) = ts.trimmed(row).and_then(Timestamp::parse) else {
                out.reject(row, &INVALID_TS);
                continue;
            };
            if ts > self.latest {
                out.reject(row, &TO_COME);
                continue;
            }
            let lowered = page.trimmed(row).map(str::to_lowercase);
            if lowered.as_deref() != page.trimmed(row) {
                out.repair(&LOWERED);
            }
            out.keep(row).text(customer.trimmed(row)).text(lowered.as_deref()).timestamp(ts);
        }
        Ok(())
    }
}

export_cleaner!(CleanClicks);
