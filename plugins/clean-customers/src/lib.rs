//! Cleaner: customers with a typed sign-up date. Only initials remain of their names, and a pseudonym of their e-mail.
//!
//! An initial is the first character of the name in the full upper case of Unicode: the initial of `ß` is `SS`.

use smelt_sdk::prelude::*;

const MISSING_CUSTOMER_ID: Rule = Rule::reject("missing_customer_id", "The customer has no id.");
const INVALID_SIGNUP_DATE: Rule = Rule::reject("invalid_signup_date", "The sign-up date is missing or is no such day.");
const MISSING_COUNTRY: Rule = Rule::repair("missing_country", "The country is missing; it becomes `NA`.");

struct CleanCustomers;

impl Cleaner for CleanCustomers {
    fn describe() -> CleanerDescription {
        describe_cleaner(identity!())
            .input(["customer_id", "first_name", "last_name", "email", "country", "signup_date"])
            .output([
                text("customer_id"),
                nullable(text("email_h")),
                nullable(text("first_initial")),
                nullable(text("last_initial")),
                text("country"),
                date("signup_date"),
            ])
            .key(["customer_id"])
            .rules([&MISSING_CUSTOMER_ID, &INVALID_SIGNUP_DATE, &MISSING_COUNTRY])
    }

    fn open(_: &Config) -> Result<Self> {
        Ok(Self)
    }

    fn clean(&mut self, rows: &Batch, out: &mut Cleaned) -> Result<()> {
        let (id, email) = (rows.text("customer_id")?, rows.text("email")?);
        let (first, last) = (rows.text("first_name")?, rows.text("last_name")?);
        let (country, signup) = (rows.text("country")?, rows.text("signup_date")?);

        // One call to the host has every e-mail of the batch, also of rows that are rejected below.
        let emails: Vec<_> = rows.rows().filter_map(|row| email.trimmed(row)).map(str::to_lowercase).collect();
        let mut pseudonyms = pseudonymise(&emails).into_iter();

        for row in rows.rows() {
            let email_h = email.trimmed(row).and_then(|_| pseudonyms.next());
            let Some(id) = id.trimmed(row) else {
                out.reject(row, &MISSING_CUSTOMER_ID);
                continue;
            };
            let Some(signup) = signup.trimmed(row).and_then(Date::parse) else {
                out.reject(row, &INVALID_SIGNUP_DATE);
                continue;
            };
            let country = country.trimmed(row).unwrap_or_else(|| {
                out.repair(&MISSING_COUNTRY);
                "NA"
            });
            out.keep(row)
                .text(id)
                .text(email_h.as_deref())
                .text(initial(first.trimmed(row)).as_deref())
                .text(initial(last.trimmed(row)).as_deref())
                .text(country)
                .date(signup);
        }
        Ok(())
    }
}

/// Returns the initial of a name.
fn initial(name: Option<&str>) -> Option<String> {
    name?.chars().next().map(|first| first.to_uppercase().collect())
}

export_cleaner!(CleanCustomers);

#[cfg(test)]
mod tests;
