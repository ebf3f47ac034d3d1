//! The flaws that a row can have, and their rates.

use smelt_sdk::{Config, Parameters, Result};
use smelt_sdk_dice::{Dice, Rates};

use Flaw::*;

/// A flaw of a row. Each flaw has a parameter.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Flaw {
    MissingCustomerId,
    MissingName,
    MissingEmail,
    MissingCountry,
    InvalidDate,
    ReturningCustomer,
    MissingOrderId,
    AnonymousCustomer,
    UnknownCustomer,
    NegativeQuantity,
    InvalidNumber,
    MissingTotal,
    DuplicateOrder,
    LateDuplicate,
    InvalidTimestamp,
    InvalidIp,
    MalformedLine,
}

/// Each flaw with its parameter, the default share of rows that have it, and a summary.
const FLAWS: [(Flaw, &str, f64, &str); 17] = [
    (MissingCustomerId, "missing_customer_id", 0.005, "Share of customers without an id."),
    (MissingName, "missing_name", 0.01, "Share of customers without a first or last name."),
    (MissingEmail, "missing_email", 0.05, "Share of customers without an e-mail."),
    (MissingCountry, "missing_country", 0.03, "Share of customers without a country."),
    (InvalidDate, "invalid_date", 0.03, "Share of customers with an impossible or missing sign-up date."),
    (
        ReturningCustomer,
        "returning_customers",
        0.02,
        "Customers of earlier ticks that come again, as a share added to the new ones.",
    ),
    (MissingOrderId, "missing_order_id", 0.005, "Share of orders without an id."),
    (AnonymousCustomer, "anonymous_customers", 0.01, "Share of orders and clicks without a customer."),
    (UnknownCustomer, "unknown_customers", 0.02, "Share of orders and clicks whose customer no tick makes."),
    (NegativeQuantity, "negative_quantity", 0.03, "Share of orders with a negative quantity."),
    (
        InvalidNumber,
        "invalid_number",
        0.01,
        "Share of orders with a quantity or price that is no number, or a negative price or total.",
    ),
    (MissingTotal, "missing_total", 0.05, "Share of orders without a total."),
    (
        DuplicateOrder,
        "duplicate_orders",
        0.02,
        "Orders of this tick that come again in the same object, as a share added to the new ones.",
    ),
    (
        LateDuplicate,
        "late_duplicates",
        0.02,
        "Orders of earlier ticks that come again with other content, as a share added to the new ones.",
    ),
    (InvalidTimestamp, "invalid_timestamp", 0.03, "Share of orders and clicks with an impossible or missing instant."),
    (InvalidIp, "invalid_ip", 0.05, "Share of clicks with an impossible or missing IP."),
    (MalformedLine, "malformed_line", 0.02, "Share of clicks that are no JSON object."),
];

/// The rate of each flaw.
pub(crate) struct Flaws(Rates<{ FLAWS.len() }>);

/// Declares the parameters of all flaws.
pub(crate) fn declare(parameters: Parameters) -> Parameters {
    smelt_sdk_dice::declare(parameters, FLAWS.map(|(_, name, default, summary)| (name, default, summary)))
}

impl Flaws {
    /// Reads the rates from the parameters.
    pub(crate) fn open(config: &Config) -> Result<Self> {
        Ok(Self(Rates::open(config, FLAWS.map(|(flaw, name, ..)| (flaw as usize, name)))?))
    }

    /// Decides by the dice whether the flaw strikes this time.
    #[inline]
    pub(crate) fn strike(&self, flaw: Flaw, dice: &mut Dice) -> bool {
        self.0.strike(flaw as usize, dice)
    }
}
