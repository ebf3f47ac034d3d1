//! The rules of the cleaners `clean-clients` and `clean-purchases`, written down a second time.

use std::sync::LazyLock;

use smelt_sdk::{Config, DateFlaw, DateRange, Number, Parameters};

use super::sheet::Row;

pub(super) const OF_CLIENTS: [&str; 8] = [
    "missing_client_id",
    "missing_signup_date",
    "invalid_signup_date",
    "signup_date_out_of_range",
    "signup_date_format",
    "invalid_email",
    "missing_country",
    "country_case",
];

pub(super) const OF_PURCHASES: [&str; 14] = [
    "missing_purchase_id",
    "missing_client_id",
    "missing_purchase_date",
    "invalid_purchase_date",
    "purchase_date_out_of_range",
    "invalid_quantity",
    "negative_unit_price",
    "negative_amount",
    "missing_amount",
    "purchase_date_format",
    "missing_product",
    "missing_quantity",
    "computed_amount",
    "computed_unit_price",
];

/// Returns the rule that rejects a client, or else those that repair it.
pub(super) fn of_client(row: &Row) -> Vec<&'static str> {
    if row["client_id"].trim().is_empty() {
        return vec!["missing_client_id"];
    }
    let mut repairs = match date(&row["signup_date"]) {
        Err(DateFlaw::Missing) => return vec!["missing_signup_date"],
        Err(DateFlaw::Invalid) => return vec!["invalid_signup_date"],
        Err(DateFlaw::OutOfRange) => return vec!["signup_date_out_of_range"],
        Ok(true) => vec!["signup_date_format"],
        Ok(false) => vec![],
    };
    let email = row["email"].trim();
    if !email.is_empty() && !is_address(email) {
        repairs.push("invalid_email");
    }
    match row["country"].trim() {
        "" => repairs.push("missing_country"),
        country if country.len() == 2 && country.bytes().any(|byte| byte.is_ascii_lowercase()) => {
            repairs.push("country_case");
        }
        country => assert_eq!(country.len(), 2, "`{country}` is a code"),
    }
    repairs
}

/// Returns the rule that rejects a purchase, or else those that repair it.
pub(super) fn of_purchase(row: &Row) -> Vec<&'static str> {
    if row["purchase_id"].trim().is_empty() {
        return vec!["missing_purchase_id"];
    }
    if row["client_id"].trim().is_empty() {
        return vec!["missing_client_id"];
    }
    let mut repairs = match date(&row["purchase_date"]) {
        Err(DateFlaw::Missing) => return vec!["missing_purchase_date"],
        Err(DateFlaw::Invalid) => return vec!["invalid_purchase_date"],
        Err(DateFlaw::OutOfRange) => return vec!["purchase_date_out_of_range"],
        Ok(true) => vec!["purchase_date_format"],
        Ok(false) => vec![],
    };
    let [quantity, price, amount] =
        ["quantity", "unit_price", "amount"].map(|column| Number::parse(row[column].trim()));
    if quantity.is_some_and(|quantity| !(1..=10_000).contains(&quantity.trunc()) || row["quantity"].contains('.')) {
        return vec!["invalid_quantity"];
    }
    if price.is_some_and(Number::is_negative) {
        return vec!["negative_unit_price"];
    }
    if amount.is_some_and(Number::is_negative) {
        return vec!["negative_amount"];
    }
    if row["product"].trim().is_empty() {
        repairs.push("missing_product");
    }
    if quantity.is_none() {
        repairs.push("missing_quantity");
    }
    match (price, amount) {
        (None, None) => return vec!["missing_amount"],
        (Some(_), None) => repairs.push("computed_amount"),
        (None, Some(_)) => repairs.push("computed_unit_price"),
        _ => {}
    }
    repairs
}

/// Returns whether a date has another form than the usual one, or its flaw.
fn date(cell: &str) -> Result<bool, DateFlaw> {
    static RANGE: LazyLock<DateRange> = LazyLock::new(|| {
        let schema = DateRange::declare(Parameters::none()).schema();
        DateRange::open(&Config::new("{}", &schema, None).unwrap()).unwrap()
    });
    let cell = cell.trim();
    RANGE.read((!cell.is_empty()).then_some(cell)).map(|(_, reformatted)| reformatted)
}

fn is_address(email: &str) -> bool {
    let parts: Vec<_> = email.split('@').collect();
    let [local, domain] = parts[..] else { return false };
    let within = domain.trim_matches('.');
    !local.is_empty() && within == domain && domain.contains('.') && !email.contains([' ', '\t'])
}
