//! The answer that pipeline 1 must give, computed row by row from `domain.md` alone: no code of smelt, its SDK or its plugins.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat, Utc};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::rows::{Cell, Dataset, Row, csv_cell};

/// All rows of bronze. Later rows are those of greater object names or, within an object, later ones.
pub type Bronze = BTreeMap<Dataset, Vec<Row>>;

/// The answer for some bronze.
#[derive(Debug, PartialEq)]
pub struct Answer {
    /// The text of each table.
    pub gold: BTreeMap<String, String>,
    /// The lines of all silver objects of each dataset, headers left out, sorted.
    pub silver: BTreeMap<String, Vec<String>>,
    /// The account of the rows of each dataset, as `smelt history --json` has it.
    pub totals: BTreeMap<String, Value>,
}

/// The account of the rows of one dataset.
#[derive(Default)]
struct Account {
    read: u64,
    superseded: u64,
    rejected: BTreeMap<&'static str, u64>,
    repaired: BTreeMap<&'static str, u64>,
}

impl Account {
    fn reject<T>(&mut self, rule: &'static str) -> Option<T> {
        *self.rejected.entry(rule).or_default() += 1;
        None
    }

    fn repair(&mut self, rule: &'static str) {
        *self.repaired.entry(rule).or_default() += 1;
    }

    fn totals(&self, kept: usize) -> Value {
        let Self { read, superseded, rejected, repaired } = self;
        json!({"read": read, "kept": kept, "superseded": superseded, "rejected": rejected, "repaired": repaired})
    }
}

struct Customer {
    country: String,
    silver: String,
}

struct Order {
    customer: Option<String>,
    product: Option<String>,
    /// In cents.
    total: i128,
    instant: DateTime<Utc>,
    channel: Option<String>,
    silver: String,
}

/// The answer.
pub fn answer(bronze: &Bronze) -> Answer {
    let none = Vec::new();
    let rows = |dataset| bronze.get(&dataset).unwrap_or(&none);

    let mut clicks_account = Account::default();
    let clicks: Vec<String> = records(rows(Dataset::Clicks), &mut clicks_account, click);

    let mut customers_account = Account::default();
    let mut customers = BTreeMap::new();
    for (id, customer) in records(rows(Dataset::Customers), &mut customers_account, customer) {
        customers_account.superseded += u64::from(customers.insert(id, customer).is_some());
    }

    let mut orders_account = Account::default();
    let mut orders: BTreeMap<String, Order> = BTreeMap::new();
    for (id, order) in records(rows(Dataset::Orders), &mut orders_account, order) {
        let former = orders.get(&id);
        orders_account.superseded += u64::from(former.is_some());
        if former.is_none_or(|former| former.instant <= order.instant) {
            orders.insert(id, order);
        }
    }

    Answer {
        gold: gold(&orders, &customers),
        totals: BTreeMap::from([
            ("clicks".to_owned(), clicks_account.totals(clicks.len())),
            ("customers".to_owned(), customers_account.totals(customers.len())),
            ("orders".to_owned(), orders_account.totals(orders.len())),
        ]),
        silver: BTreeMap::from([
            ("clicks".to_owned(), sorted_lines(clicks)),
            ("customers".to_owned(), sorted_lines(customers.into_values().map(|customer| customer.silver))),
            ("orders".to_owned(), sorted_lines(orders.into_values().map(|order| order.silver))),
        ]),
    }
}

/// Returns the rows that are left after rejection.
fn records<T>(rows: &[Row], account: &mut Account, clean: impl Fn(&[Cell], &mut Account) -> Option<T>) -> Vec<T> {
    let mut kept = Vec::new();
    for row in rows {
        account.read += 1;
        kept.extend(match row {
            Row::Record(fields) => clean(fields, account),
            Row::Malformed(_) => account.reject("malformed_line"),
        });
    }
    kept
}

fn click(fields: &[Cell], account: &mut Account) -> Option<String> {
    let [customer, page, ip, ts] = fields else { panic!("a click has four fields") };
    if !ip.value().is_some_and(is_ipv4) {
        return account.reject("invalid_ip");
    }
    let Some(instant) = ts.value().and_then(parse_instant) else { return account.reject("invalid_ts") };
    Some(line(&[customer.value().unwrap_or(""), page.value().unwrap_or(""), &instant_text(instant)]))
}

fn customer(fields: &[Cell], account: &mut Account) -> Option<(String, Customer)> {
    let [id, first, last, email, country, signup] = fields else { panic!("a customer has six fields") };
    let Some(id) = id.value() else { return account.reject("missing_customer_id") };
    let Some(signup) = signup.value().and_then(parse_date) else { return account.reject("invalid_signup_date") };
    let country = country.value().unwrap_or_else(|| {
        account.repair("missing_country");
        "NA"
    });
    let initial = |name: &Cell| -> String {
        name.value()
            .and_then(|name| name.chars().next())
            .map(|first| first.to_uppercase().collect())
            .unwrap_or_default()
    };
    let email = email.value().map(|email| plain_pseudonym(&email.to_lowercase())).unwrap_or_default();
    let silver = line(&[id, &email, &initial(first), &initial(last), country, &signup.to_string()]);
    Some((id.to_owned(), Customer { country: country.to_owned(), silver }))
}

fn order(fields: &[Cell], account: &mut Account) -> Option<(String, Order)> {
    let [id, customer, product, quantity, price, total, ts, channel] = fields else {
        panic!("an order has eight fields")
    };
    let Some(id) = id.value() else { return account.reject("missing_order_id") };
    let Some(instant) = ts.value().and_then(parse_instant) else { return account.reject("invalid_order_ts") };
    let mut amount = |cell: &Cell, missing, negative| match cell.value().and_then(Decimal::parse) {
        Some(number) if number.mantissa >= 0 => Some(number),
        Some(_) => {
            account.repair(negative);
            None
        }
        None => {
            account.repair(missing);
            None
        }
    };
    let quantity =
        amount(quantity, "missing_quantity", "negative_quantity").unwrap_or(Decimal { mantissa: 0, scale: 0 });
    let price = amount(price, "missing_unit_price", "negative_unit_price").map_or(0, Decimal::cents);
    let total = amount(total, "missing_total", "negative_total").map_or_else(
        || Decimal { mantissa: quantity.mantissa * price, scale: quantity.scale + 2 }.cents(),
        Decimal::cents,
    );
    let owned = |cell: &Cell| cell.value().map(str::to_owned);
    let silver = line(&[
        id,
        customer.value().unwrap_or(""),
        product.value().unwrap_or(""),
        &quantity.to_f64().to_string(),
        &money(price),
        &money(total),
        &instant_text(instant),
        channel.value().unwrap_or(""),
        &instant.date_naive().to_string(),
    ]);
    Some((
        id.to_owned(),
        Order { customer: owned(customer), product: owned(product), total, instant, channel: owned(channel), silver },
    ))
}

fn gold(orders: &BTreeMap<String, Order>, customers: &BTreeMap<String, Customer>) -> BTreeMap<String, String> {
    let sums = |group: &dyn Fn(&Order) -> String| {
        let mut sums = BTreeMap::<String, i128>::new();
        orders.values().for_each(|order| *sums.entry(group(order)).or_default() += order.total);
        sums.into_iter().collect::<Vec<_>>()
    };
    let table = |heading: &str, rows: Vec<(String, i128)>| {
        let row = |(name, sum): (String, i128)| line(&[&without_formula(&name), &money(sum)]) + "\n";
        format!("{heading},revenue\n{}", rows.into_iter().map(row).collect::<String>())
    };
    let or_na = |text: Option<&String>| text.map_or("NA", String::as_str).to_owned();

    let mut products = sums(&|order| or_na(order.product.as_ref()));
    products.sort_by_key(|(_, sum)| Reverse(*sum));
    products.truncate(10);
    let (count, revenue) = (orders.len() as i128, orders.values().map(|order| order.total).sum::<i128>());
    let average = if count == 0 { String::new() } else { money((2 * revenue + count) / (2 * count)) };
    let country = |order: &Order| {
        or_na(order.customer.as_ref().and_then(|id| customers.get(id)).map(|customer| &customer.country))
    };
    BTreeMap::from([
        ("sales_by_day".to_owned(), table("order_date", sums(&|order| order.instant.date_naive().to_string()))),
        ("top_products".to_owned(), table("product", products)),
        ("aov".to_owned(), format!("orders,revenue,aov\n{count},{},{average}\n", money(revenue))),
        ("revenue_by_channel".to_owned(), table("channel", sums(&|order| or_na(order.channel.as_ref())))),
        ("revenue_by_country".to_owned(), table("country", sums(&country))),
    ])
}

/// An exact number: `mantissa` / 10^`scale`.
#[derive(Clone, Copy)]
struct Decimal {
    mantissa: i128,
    scale: u32,
}

impl Decimal {
    /// `None` for what is no number, and for numbers beyond all reason.
    fn parse(text: &str) -> Option<Self> {
        let (number, exponent) = match text.split_once(['e', 'E']) {
            Some((number, exponent)) => (number, exponent.parse::<i32>().ok().filter(|power| power.abs() < 18)?),
            None => (text, 0),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let digits = format!("{whole}{fraction}");
        let unsigned = digits.strip_prefix(['-', '+']).unwrap_or(&digits);
        if unsigned.is_empty() || !unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let (mantissa, scale): (i128, i32) = (digits.parse().ok()?, fraction.len() as i32 - exponent);
        match u32::try_from(scale) {
            Ok(scale) => Some(Self { mantissa, scale }),
            Err(_) => Some(Self { mantissa: mantissa * 10i128.pow(scale.unsigned_abs()), scale: 0 }),
        }
    }

    /// Rounded half away from zero; never negative here.
    fn cents(self) -> i128 {
        let Self { mantissa, scale } = self;
        match scale {
            0..=2 => mantissa * 10i128.pow(2 - scale),
            _ => (2 * mantissa + 10i128.pow(scale - 2)) / (2 * 10i128.pow(scale - 2)),
        }
    }

    fn to_f64(self) -> f64 {
        let Self { mantissa, scale } = self;
        format!("{mantissa}e-{scale}").parse().expect("Rust reads such a number")
    }
}

fn money(cents: i128) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

fn parse_date(text: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|_| text.len() == 10)
}

fn parse_instant(text: &str) -> Option<DateTime<Utc>> {
    // Chrono takes a leap second; on a scale without leap seconds there is no such instant.
    if text.get(16..19) == Some(":60") {
        return None;
    }
    let zoned = DateTime::parse_from_rfc3339(text).map(|instant| instant.to_utc());
    let plain = |form| NaiveDateTime::parse_from_str(text, form).map(|instant| instant.and_utc());
    zoned.or_else(|_| plain("%Y-%m-%dT%H:%M:%S%.f")).or_else(|_| plain("%Y-%m-%d %H:%M:%S%.f")).ok()
}

fn instant_text(instant: DateTime<Utc>) -> String {
    let whole = instant.timestamp_subsec_micros() == 0;
    instant.to_rfc3339_opts(if whole { SecondsFormat::Secs } else { SecondsFormat::Micros }, true)
}

fn is_ipv4(text: &str) -> bool {
    let parts: Vec<_> = text.split('.').collect();
    let fits = |part: &&str| part.len() <= 3 && part.parse::<u8>().is_ok() && !part.starts_with('+');
    parts.len() == 4 && parts.iter().all(fits)
}

/// Returns the pseudonym of an e-mail if no key is configured.
pub fn plain_pseudonym(email: &str) -> String {
    hex(&Sha256::digest(email))[..16].to_owned()
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Text that a spreadsheet would run begins with a quote in gold.
fn without_formula(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text.to_owned() }
}

fn line(cells: &[&str]) -> String {
    cells.iter().map(|cell| csv_cell(cell)).collect::<Vec<_>>().join(",")
}

fn sorted_lines(lines: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut lines: Vec<String> =
        lines.into_iter().flat_map(|line| line.lines().map(str::to_owned).collect::<Vec<_>>()).collect();
    lines.sort();
    lines
}
