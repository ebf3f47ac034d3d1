//! Cleaner: clients with a typed sign-up date and a country, one row for each `client_id`. Of their e-mail only a
//! pseudonym remains, and nothing of their name.

use smelt_sdk::prelude::*;
use smelt_sdk::{DateFlaw, DateRange};

const MISSING_CLIENT_ID: Rule = Rule::reject("missing_client_id", "The client has no id.");
const MISSING_SIGNUP_DATE: Rule = Rule::reject("missing_signup_date", "The sign-up date is missing.");
const INVALID_SIGNUP_DATE: Rule =
    Rule::reject("invalid_signup_date", "The sign-up date has no form of a date, or is no such day.");
const SIGNUP_DATE_OUT_OF_RANGE: Rule =
    Rule::reject("signup_date_out_of_range", "The sign-up date is before `earliest` or after `latest`.");
const SIGNUP_DATE_FORMAT: Rule = Rule::repair(
    "signup_date_format",
    "The sign-up date is written in another form than `YYYY-MM-DD`; it becomes that day in this form.",
);
const INVALID_EMAIL: Rule = Rule::repair("invalid_email", "The e-mail is no address; it becomes missing.");
const MISSING_COUNTRY: Rule = Rule::repair("missing_country", "The country is missing; it becomes `NA`.");
const COUNTRY_CASE: Rule =
    Rule::repair("country_case", "The country is a code of two letters, but not in upper case; it becomes upper case.");

struct CleanClients {
    range: DateRange,
}

impl Cleaner for CleanClients {
    fn describe() -> CleanerDescription {
        describe_cleaner(identity!())
            .parameters(DateRange::declare(Parameters::none()))
            .input(["client_id", "email", "signup_date", "country"])
            .output([text("client_id"), nullable(text("email_h")), date("signup_date"), text("country")])
            .key(["client_id"])
            .rules([
                &MISSING_CLIENT_ID,
                &MISSING_SIGNUP_DATE,
                &INVALID_SIGNUP_DATE,
                &SIGNUP_DATE_OUT_OF_RANGE,
                &SIGNUP_DATE_FORMAT,
                &INVALID_EMAIL,
                &MISSING_COUNTRY,
                &COUNTRY_CASE,
            ])
    }

    fn open(config: &Config) -> Result<Self> {
        Ok(Self { range: DateRange::open(config)? })
    }

    fn clean(&mut self, rows: &Batch, out: &mut Cleaned) -> Result<()> {
        let (id, email) = (rows.text("client_id")?, rows.text("email")?);
        let (signup, country) = (rows.text("signup_date")?, rows.text("country")?);

        // One call to the host has every e-mail of the batch, also of rows that are rejected below.
        let address = |row| email.trimmed(row).filter(|text| is_address(text));
        let addresses: Vec<_> = rows.rows().filter_map(address).map(str::to_lowercase).collect();
        let mut pseudonyms = pseudonymise(&addresses).into_iter();

        for row in rows.rows() {
            let address = address(row);
            let email_h = address.and_then(|_| pseudonyms.next());
            let Some(id) = id.trimmed(row) else {
                out.reject(row, &MISSING_CLIENT_ID);
                continue;
            };
            let (signup, reformatted) = match self.range.read(signup.trimmed(row)) {
                Ok(read) => read,
                Err(flaw) => {
                    out.reject(row, rule_of(flaw));
                    continue;
                }
            };
            if reformatted {
                out.repair(&SIGNUP_DATE_FORMAT);
            }
            if address.is_none() && email.trimmed(row).is_some() {
                out.repair(&INVALID_EMAIL);
            }
            let country = country.trimmed(row).unwrap_or_else(|| {
                out.repair(&MISSING_COUNTRY);
                "NA"
            });
            let code = upper_case_code(country);
            if code.is_some() {
                out.repair(&COUNTRY_CASE);
            }
            out.keep(row).text(id).text(email_h.as_deref()).date(signup).text(code.as_deref().unwrap_or(country));
        }
        Ok(())
    }
}

/// Returns the rule that rejects a client with that flaw of the sign-up date.
fn rule_of(flaw: DateFlaw) -> &'static Rule {
    match flaw {
        DateFlaw::Missing => &MISSING_SIGNUP_DATE,
        DateFlaw::Invalid => &INVALID_SIGNUP_DATE,
        DateFlaw::OutOfRange => &SIGNUP_DATE_OUT_OF_RANGE,
    }
}

/// Returns whether a trimmed text looks like an e-mail address: text, one `@`, and a domain with a `.` within. It is
/// no check of RFC 5321: only a message to an address shows whether it exists.
fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    !local.is_empty()
        && domain.contains('.')
        && !domain.starts_with('.')
        && !domain.ends_with('.')
        && !domain.contains('@')
        && !text.contains([' ', '\t'])
}

/// Returns the country in upper case if it is a code of two ASCII letters that are not both in upper case.
fn upper_case_code(country: &str) -> Option<String> {
    let code = country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_alphabetic());
    (code && country.bytes().any(|byte| byte.is_ascii_lowercase())).then(|| country.to_ascii_uppercase())
}

export_cleaner!(CleanClients);

#[cfg(test)]
mod tests;
