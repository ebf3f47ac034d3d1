//! The flaws that a row can have, and their rates.

smelt_sdk_dice::flaws! {
    MissingCustomerId: "missing_customer_id", 0.005, "Share of customers without an id.";
    MissingName: "missing_name", 0.01, "Share of customers without a first or last name.";
    MissingEmail: "missing_email", 0.05, "Share of customers without an e-mail.";
    MissingCountry: "missing_country", 0.03, "Share of customers without a country.";
    InvalidDate: "invalid_date", 0.03, "Share of customers with an impossible or missing sign-up date.";
    ReturningCustomer:
        "returning_customers", 0.02, "Customers of earlier ticks that come again, as a share added to the new ones.";
    MissingOrderId: "missing_order_id", 0.005, "Share of orders without an id.";
    AnonymousCustomer: "anonymous_customers", 0.01, "Share of orders and clicks without a customer.";
    UnknownCustomer: "unknown_customers", 0.02, "Share of orders and clicks whose customer no tick makes.";
    NegativeQuantity: "negative_quantity", 0.03, "Share of orders with a negative quantity.";
    InvalidNumber:
        "invalid_number", 0.01, "Share of orders with a quantity or price that is no number, or a negative \
            price or total.";
    MissingTotal: "missing_total", 0.05, "Share of orders without a total.";
    DuplicateOrder:
        "duplicate_orders", 0.02, "Orders of this tick that come again in the same object, as a share added to \
            the new ones.";
    LateDuplicate:
        "late_duplicates", 0.02, "Orders of earlier ticks that come again with other content, as a share added \
            to the new ones.";
    InvalidTimestamp: "invalid_timestamp", 0.03, "Share of orders and clicks with an impossible or missing instant.";
    InvalidIp: "invalid_ip", 0.05, "Share of clicks with an impossible or missing IP.";
    MalformedLine: "malformed_line", 0.02, "Share of clicks that are no JSON object.";
}
