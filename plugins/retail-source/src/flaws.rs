//! The flaws that a row or an object can have, and their rates.

smelt_sdk_dice::flaws! {
    MissingClientId: "missing_client_id", 0.005, "Share of clients without an id.";
    MissingSignupDate: "missing_signup_date", 0.01, "Share of clients without a sign-up date.";
    InvalidSignupDate: "invalid_signup_date", 0.01, "Share of clients whose sign-up date is no date.";
    SignupOutOfRange: "signup_out_of_range", 0.005, "Share of clients who signed up in 1900 or 9999.";
    MissingEmail: "missing_email", 0.04, "Share of clients without an e-mail.";
    InvalidEmail: "invalid_email", 0.02, "Share of clients whose e-mail is no address.";
    SharedEmail: "shared_email", 0.005, "Share of clients with the e-mail of another client, in other case.";
    MissingCountry: "missing_country", 0.03, "Share of clients without a country.";
    CountryCase: "country_case", 0.05, "Share of clients whose country is not in upper case.";
    ClientDateFormat: "client_date_format", 0.08, "Share of clients whose sign-up date has another form.";
    ReturningClient:
        "returning_clients", 0.04, "Clients of earlier ticks that come again with another country, as a share \
            added to the new ones.";
    MissingPurchaseId: "missing_purchase_id", 0.004, "Share of purchases without an id.";
    AnonymousClient: "anonymous_clients", 0.005, "Share of purchases without a client.";
    MissingPurchaseDate: "missing_purchase_date", 0.01, "Share of purchases without a date.";
    InvalidPurchaseDate: "invalid_purchase_date", 0.01, "Share of purchases whose date is no date.";
    PurchaseOutOfRange: "purchase_out_of_range", 0.005, "Share of purchases in 1900 or 9999.";
    InvalidQuantity: "invalid_quantity", 0.02, "Share of purchases whose quantity is not whole or below 1.";
    NegativePrice: "negative_price", 0.01, "Share of purchases with a negative price.";
    NegativeAmount: "negative_amount", 0.01, "Share of purchases with a negative amount.";
    NoAmounts: "no_amounts", 0.005, "Share of purchases with neither price nor amount.";
    MissingQuantity: "missing_quantity", 0.02, "Share of purchases whose quantity is blank or no number.";
    MissingAmount: "missing_amount", 0.03, "Share of purchases whose amount is blank or no number.";
    MissingPrice: "missing_price", 0.02, "Share of purchases whose price is blank or no number.";
    MissingProduct: "missing_product", 0.02, "Share of purchases without a product.";
    PurchaseDateFormat: "purchase_date_format", 0.06, "Share of purchases whose date has another form.";
    UnknownClient: "unknown_clients", 0.015, "Share of purchases of a client that no tick makes.";
    BeforeSignup: "before_signup", 0.005, "Share of purchases that come before the sign-up of their client.";
    Discounted: "discounted", 0.1, "Share of purchases whose amount is 0.9 × quantity × price.";
    DuplicatePurchase:
        "duplicate_purchases", 0.015, "Rows of purchases that come twice in their object, as a share added to \
            the new ones.";
    CorrectedPurchase:
        "corrected_purchases", 0.015, "Purchases of earlier ticks that come again with another date or \
            quantity, as a share added to the new ones.";
    MalformedLine: "malformed_line", 0.002, "Share of lines with too few or too many cells.";
    ShuffledColumns: "shuffled_columns", 0.1, "Share of objects with another order of columns and an unknown column.";
}
