//! The flaws that a row can have, and their rates.

smelt_sdk_dice::flaws! {
    MissingCategory: "missing_category", 0.01, "Share of products without a category.";
    MissingPrice: "missing_price", 0.005, "Share of products without a price.";
    MissingVat: "missing_vat", 0.01, "Share of products without a VAT rate.";
    NegativeStock: "negative_stock", 0.01, "Share of products with a negative stock.";
    MissingEmail: "missing_email", 0.04, "Share of users without an e-mail.";
    InvalidEmail: "invalid_email", 0.01, "Share of users whose e-mail is no address.";
    MissingCountry: "missing_country", 0.03, "Share of users and sessions without a country.";
    LowerCountry: "lower_country", 0.03, "Share of users whose country is in lower case.";
    InvalidBirth:
        "invalid_birth", 0.02, "Share of users whose birth date is no date, or one before 1900 or after the sign-up.";
    MissingConsent: "missing_consent", 0.02, "Share of users without a consent.";
    Anonymous: "anonymous", 0.3, "Share of sessions without a user. Requests have four thirds of it, sales a tenth.";
    MissingEnd: "missing_end", 0.01, "Share of sessions without an end.";
    EndBeforeStart: "end_before_start", 0.01, "Share of sessions that end before they start.";
    MissingDevice: "missing_device", 0.01, "Share of sessions without a device.";
    MissingSource: "missing_source", 0.2, "Share of sessions without a source.";
    InvalidEvents: "invalid_events", 0.005, "Share of sessions whose events are none.";
    MissingBytes: "missing_bytes", 0.05, "Share of requests without a size.";
    MissingLatency: "missing_latency", 0.004, "Share of requests without a latency.";
    WrongTotal: "wrong_total", 0.01, "Share of sales whose total is not quantity × unit price − discount.";
    MissingTotal: "missing_total", 0.01, "Share of sales without a total.";
    MissingDiscount: "missing_discount", 0.03, "Share of sales without a discount.";
    InvalidQuantity: "invalid_quantity", 0.005, "Share of sales whose quantity is 0, negative or no whole number.";
    OrphanProduct: "orphan_product", 0.005, "Share of sales of a product that the shop does not have.";
    RepeatedSale: "repeated_sale", 0.01, "Sales that come twice in their file, as a share added to the others.";
    Malformed: "malformed", 0.004, "Share of lines of sessions, requests and sales that are cut off.";
}
