//! Cleaner: users with a pseudonym for the e-mail and the year of birth, one row for each `user_id`. Names and phone numbers
//! never leave bronze.

use std::borrow::Cow;

use smelt_sdk::prelude::*;
use smelt_sdk_schema::{Cell, Columns};

const MISSING_USER_ID: Rule = Rule::reject("missing_user_id", "The user has no id.");
const INVALID_SIGNUP_DATE: Rule =
    Rule::reject("invalid_signup_date", "The sign-up date is missing, or not written as the schema says.");
const INVALID_BIRTH_DATE: Rule = Rule::repair(
    "invalid_birth_date",
    "The birth date is unreadable, after the sign-up or before 1900; the year of birth becomes missing.",
);
const MISSING_COUNTRY: Rule = Rule::repair("missing_country", "The country is missing; it becomes `NA`.");
const LOWER_CASE_COUNTRY: Rule =
    Rule::repair("lower_case_country", "The country has letters a to z; they become upper case.");
const MISSING_CONSENT: Rule =
    Rule::repair("missing_consent", "The consent is missing or unreadable; it becomes false.");

const SCHEMA: &str = r#"{"columns": {
  "user_id": {"type": "text"},
  "email": {"type": "text", "personal": true},
  "country": {"type": "text"},
  "signup_date": {"type": "date"},
  "birth_date": {"type": "date", "personal": true},
  "consent": {"type": "boolean"}
}}"#;

/// The first year in which anybody who signs up was born.
const EARLIEST_BIRTH: i32 = 1900;

struct CleanUsers(Columns);

impl Cleaner for CleanUsers {
    fn describe() -> CleanerDescription {
        describe_cleaner(identity!())
            .parameters(Columns::declare(Parameters::none(), SCHEMA))
            .input(["user_id", "email", "country", "signup_date", "birth_date", "consent"])
            .output([
                text("user_id"),
                nullable(text("email_h")),
                text("country"),
                date("signup_date"),
                nullable(int64("birth_year")),
                smelt_sdk::boolean("consent"),
            ])
            .key(["user_id"])
            .rules([
                &MISSING_USER_ID,
                &INVALID_SIGNUP_DATE,
                &INVALID_BIRTH_DATE,
                &MISSING_COUNTRY,
                &LOWER_CASE_COUNTRY,
                &MISSING_CONSENT,
            ])
    }

    fn open(config: &Config) -> Result<Self> {
        Columns::open(config, SCHEMA).map(Self)
    }

    fn clean(&mut self, rows: &Batch, out: &mut Cleaned) -> Result<()> {
        let cells = |name| self.0.cells(rows, name);
        let (id, email, country) = (cells("user_id")?, cells("email")?, cells("country")?);
        let (signup, birth, consent) = (cells("signup_date")?, cells("birth_date")?, cells("consent")?);

        // One call to the host has every e-mail of the batch, also of rows that are rejected below.
        let emails: Vec<_> = rows.rows().filter_map(|row| email.text(row)).map(str::to_lowercase).collect();
        let mut pseudonyms = pseudonymise(&emails).into_iter();

        for row in rows.rows() {
            let email_h = email.text(row).and_then(|_| pseudonyms.next());
            let Some(id) = id.text(row) else {
                out.reject(row, &MISSING_USER_ID);
                continue;
            };
            let Some(signup) = signup.date(row) else {
                out.reject(row, &INVALID_SIGNUP_DATE);
                continue;
            };
            let birth = match birth.get(row) {
                Cell::Missing => None,
                cell => {
                    let date = cell.value().and_then(|value| value.date());
                    let date = date.filter(|&date| date <= signup && date.ymd().0 >= EARLIEST_BIRTH);
                    if date.is_none() {
                        out.repair(&INVALID_BIRTH_DATE);
                    }
                    date
                }
            };
            let country = match country.text(row) {
                None => {
                    out.repair(&MISSING_COUNTRY);
                    Cow::Borrowed("NA")
                }
                Some(country) if country.bytes().any(|byte| byte.is_ascii_lowercase()) => {
                    out.repair(&LOWER_CASE_COUNTRY);
                    Cow::Owned(country.to_ascii_uppercase())
                }
                Some(country) => Cow::Borrowed(country),
            };
            let consent = consent.boolean(row).unwrap_or_else(|| {
                out.repair(&MISSING_CONSENT);
                false
            });
            out.keep(row)
                .text(id)
                .text(email_h.as_deref())
                .text(&*country)
                .date(signup)
                .integer(birth.map(|date| i64::from(date.ymd().0)))
                .boolean(consent);
        }
        Ok(())
    }
}

export_cleaner!(CleanUsers);

#[cfg(test)]
mod tests;
