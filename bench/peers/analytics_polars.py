"""Pipeline 2 in Polars: bronze CSV to clients, purchases, all tables and the check, in one process.

    python analytics_polars.py --bronze DIR --out DIR --as-of DATE

Tricks used:
- An object at a time is read on all cores and typed, so the text of only one is in memory. Odd dates and quantities are
  few: they are filtered out, read by themselves and put back.
- A short line reads as one without its last cells. So only an object whose last column lacks a cell is counted line by line.
- Money is a number of cents. `cast` to a decimal rounds half to even, so text is cast with 20 places, and then rounded.
- Sales are sorted by purchase once. Then one sort of three integers by client and day gives each sale's number, the day
  before and the first day, and numpy puts these back.
- A client counts in a day, week or month if the purchase before lies in an earlier one: no distinct count anywhere.
- A date is the number of its day, and what belongs to it (month, week) is looked up in a calendar.
- Products bought together are the product of a matrix of clients and products with itself.
- The probability of churn takes as many steps as the greatest number of orders; clients are sorted so that a step is a slice.
- Quantiles and histograms are made from the distinct values and how often each occurs.
- Tables that are small, or made of small ones, are finished in analytics_small.py with whole numbers of Python.

Limits: numbers have 18 digits before the point at most; more before it counts as missing. A sum of cents fits 64 bits. Of the
decoder's rules there is `malformed_line` alone, and no cell holds a line end. The matrix suits up to some thousand products.
"""

import csv
import hashlib
import io
from collections import Counter
from datetime import date
from decimal import Decimal

import numpy as np
import polars as pl
from polars import col

import analytics_small as small
from analytics_shared import (
    ACTIVE_DAYS, CLIENT_REPAIRS, CLIENT_RULES, CLIENTS, DATE, DAY_FIRST, DISCOUNT, EMAIL, FORMULA, INSTANT, MARGIN, PRIOR_DAYS,
    PURCHASE_REPAIRS, PURCHASE_RULES, PURCHASES, RETENTION, SEGMENTS, SLASHED, Lake,
)

EPOCH = date(1970, 1, 1)
EXACT = pl.Decimal(38, 20)


def cells(lake, path, names):
    """The named cells of an object as text, trimmed and null if blank, and the number of lines that are no records."""
    header = lake.header(path)
    def read(source):
        return pl.read_csv(source, has_header=False, skip_rows=1, schema=dict.fromkeys(header, pl.String))
    malformed = 0
    try:
        rows = read(path)
        suspicious = rows.height > 0 and rows[header[-1]].has_nulls()
    except (pl.exceptions.ComputeError, pl.exceptions.SchemaError):  # more cells than columns
        suspicious = True
    if suspicious:
        lines = pl.scan_lines(path).select(col("line").str.strip_suffix("\r")).collect().to_series()[1:]
        lines = lines.filter(lines != "")
        quoted = lines.str.contains('"', literal=True)
        count = lines.str.count_matches(",", literal=True).cast(pl.Int64) + 1
        if quoted.any():
            count = count.scatter(quoted.arg_true(), [len(next(csv.reader([line]))) for line in lines.filter(quoted)])
        whole = lines.filter(count == len(header))
        malformed = lines.len() - whole.len()
        rows = read(io.BytesIO(("\n" + "\n".join(whole) + "\n").encode()))
    trimmed = {name: col(name).str.strip_chars() if name in header else pl.lit(None, pl.String) for name in names}
    return rows.select(pl.when(text != "").then(text).alias(name) for name, text in trimmed.items()), malformed


def days(texts):
    """The dates that texts stand for, and which of these are not written in the usual form."""
    usual = texts.to_frame("x").select(
        pl.when(col("x").str.contains(DATE)).then(col("x").str.to_date("%Y-%m-%d", strict=False))).to_series()
    odd = usual.is_null() & texts.is_not_null()
    if not odd.any():
        return usual, odd
    x = col("x")
    instant = x.str.to_uppercase().str.replace(" ", "T", literal=True).str.replace(r"[.][0-9]+", "")
    zone = pl.when(instant.str.contains(r"[+-][0-9]{2}$")).then(pl.lit(":00")).when(
        instant.str.contains(r"T[0-9:]+$")).then(pl.lit("Z")).otherwise(pl.lit(""))
    # A branch of `when` is computed for all rows, and `to_datetime` is not for those that have no offset.
    other = texts.filter(odd).to_frame("x").select(pl.coalesce(
        pl.when(x.str.contains(SLASHED)).then(x).str.to_date("%Y/%m/%d", strict=False),
        pl.when(x.str.contains(DAY_FIRST)).then(x.str.replace_all("/", "-")).str.to_date("%d-%m-%Y", strict=False),
        pl.when(x.str.contains(INSTANT) & x.str.head(10).str.to_date("%Y-%m-%d", strict=False).is_not_null())
        .then(instant + zone).str.to_datetime("%+", time_unit="us", strict=False).dt.date(),
    )).to_series()
    return usual.scatter(odd.arg_true(), other), odd


def in_range(day):
    return col(day).is_between(date(2000, 1, 1), date(2099, 12, 31))


def first_of(rules):
    """The number of the first rule that applies, or null."""
    chain = pl
    for number, applies in enumerate(rules):
        chain = chain.when(applies).then(pl.lit(number, pl.UInt8))
    return chain


def count(lake_rules, rows, rules, repairs):
    for number, times in rows["rejected"].value_counts().iter_rows():
        if number is not None:
            lake_rules["rejected", rules[number]] += times
    for rule, times in rows.filter(col("rejected").is_null()).select(col(repairs).sum()).row(0, named=True).items():
        lake_rules["repaired", rule] += times


def clean_clients(rows):
    signup, odd = days(rows["signup_date"])
    two = col("country").str.contains("^(?:[a-z][A-Za-z]|[A-Z][a-z])$").fill_null(False)
    address = col("email").str.contains(EMAIL)
    rows = rows.with_columns(signup=signup, signup_date_format=odd)
    return rows.select(
        "client_id",
        email_h=pl.when(address).then(col("email")).str.to_lowercase(),
        signup_date="signup",
        country=pl.when(two).then(col("country").str.to_uppercase()).otherwise(col("country").fill_null("NA")),
        rejected=first_of([col("client_id").is_null(), col("signup_date").is_null(), col("signup").is_null(),
            ~in_range("signup")]),
        signup_date_format="signup_date_format", invalid_email=~address, missing_country=col("country").is_null(),
        country_case=two,
    )


def clean_purchases(rows):
    day, odd = days(rows["purchase_date"])
    whole = rows["quantity"].cast(pl.Int64, strict=False)
    invalid = pl.Series([False]).extend_constant(False, rows.height)[1:]
    other = whole.is_null() & rows["quantity"].is_not_null()
    if other.any():
        # A number that is not written as a whole one, or no number.
        exact = rows["quantity"].filter(other).cast(EXACT, strict=False)
        whole = whole.scatter(other.arg_true(), exact.cast(pl.Int64, strict=False))
        invalid = invalid.scatter(other.arg_true(),
            (exact != exact.round(0)).fill_null(False) & (exact.abs() < 10**9).fill_null(False))
    rows = rows.with_columns(
        whole=whole, invalid=invalid, day=day, purchase_date_format=odd,
        price=col("unit_price").cast(EXACT, strict=False), paid=col("amount").cast(EXACT, strict=False),
    ).with_columns(pl.when(col("whole").abs() < 10**9).then(col("whole")).alias("whole"),
                   *(pl.when(col(name).abs() < 10**9).then(col(name)).alias(name) for name in ("price", "paid")))
    def negative(name, text):
        return col(name).is_not_null() & col(text).str.contains(r"^-[0.]*[1-9]")
    def cents(name):
        return (col(name).round(2, mode="half_away_from_zero").cast(pl.Decimal(38, 2)).to_physical()).cast(pl.Int64)
    rows = rows.select(
        "purchase_id", "client_id", "product", "day", "purchase_date_format", "whole",
        rejected=first_of([
            col("purchase_id").is_null(), col("client_id").is_null(), col("purchase_date").is_null(), col("day").is_null(),
            ~in_range("day"), col("invalid") | ~col("whole").is_between(1, 10_000), negative("price", "unit_price"),
            negative("paid", "amount"), col("price").is_null() & col("paid").is_null(),
        ]),
        price=cents("price"), paid=cents("paid"),
    )
    quantity = col("whole").fill_null(1)
    return rows.select(
        "purchase_id", "client_id", product=col("product").fill_null("NA"), quantity=quantity,
        unit_price=col("price").fill_null((2 * col("paid") + quantity) // (2 * quantity)),
        amount=col("paid").fill_null(quantity * col("price")), purchase_date="day", rejected="rejected",
        purchase_date_format="purchase_date_format", missing_product=col("product").is_null(),
        missing_quantity=col("whole").is_null(), computed_amount=col("paid").is_null(),
        computed_unit_price=col("price").is_null(),
    )


def dataset(lake, report, name, names, clean, rules, repairs):
    """The rows of a dataset in the order of its objects, the last of each key, and what happened to the others."""
    found, counts, read = [], Counter(), 0
    objects = lake.objects(name)
    for path in objects:
        rows, malformed = cells(lake, path, names)
        read += rows.height + malformed
        counts["rejected", "malformed_line"] += malformed
        rows = clean(rows)
        count(counts, rows, rules, repairs)
        found.append(rows.filter(col("rejected").is_null()).drop("rejected", *repairs))
    rows = pl.concat(found) if found else clean(pl.DataFrame(schema=dict.fromkeys(names, pl.String))).drop("rejected", *repairs)
    key = names[0]
    if rows[key].n_unique() < rows.height:
        rows = rows.unique(key, keep="last", maintain_order=True)
    report[name] = {"objects": len(objects), "read": read, "rules": counts}
    return rows


def decimal(units, places=2):
    """A number of cents, or of smaller units, as a decimal."""
    return units.cast(pl.Decimal(38, places)) * pl.lit(Decimal(1).scaleb(-places))


def half(a, b):
    """a ÷ b, rounded half away from zero; null where b is 0."""
    a, b = a.cast(pl.Int128), b.cast(pl.Int128)
    return pl.when(b > 0).then(a.sign() * ((2 * a.abs() + b) // (2 * b)))


def safe(name):
    return pl.when(col(name).str.contains(FORMULA)).then("'" + col(name)).otherwise(col(name)).alias(name)


def safe_ids(table, name):
    """A column of ids for a spreadsheet. Those that begin with a letter are known to be safe by their least and greatest."""
    ids = table[name]
    plain = ids.len() == 0 or ids.min() >= "A" and ids.max() < "["
    return col(name) if plain else safe(name)


def sell(clients, purchases):
    """Sales by purchase, with the number of their client, and all clients."""
    clients = clients.with_row_index("client").with_columns(col("client").cast(pl.Int64), known=pl.lit(True))
    sales = purchases.join(clients.select("client_id", "client", "country"), on="client_id", how="left")
    if sales["client"].has_nulls():
        ids = sales.filter(col("client").is_null()).select("client_id").unique(maintain_order=True)
        unknown = ids.with_row_index("client", clients.height).select(
            col("client").cast(pl.Int64), "client_id", email_h=pl.lit(None, pl.String), signup_date=pl.lit(None, pl.Date),
            country=pl.lit("NA"), known=pl.lit(False))
        clients = pl.concat([clients, unknown.select(clients.columns)])
        sales = sales.update(unknown.select("client_id", "client", "country"), on="client_id")
    products, countries = (pl.Enum(names.unique().sort()) for names in (sales["product"], clients["country"]))
    sales = sales.with_columns(col("product").cast(products), col("country").cast(countries)).sort("purchase_id")
    return sales, clients


def follow(sales):
    """Adds what follows from the purchases of a client before a sale: its number, its client's first day, and the one before."""
    order = sales.select("client", day=col("purchase_date").to_physical()).with_row_index("row").sort("client", "day", "row")
    client, day, row = (order[name].to_numpy() for name in ("client", "day", "row"))
    begins = np.ones(len(client), bool)
    begins[1:] = client[1:] != client[:-1]
    start = np.maximum.accumulate(np.where(begins, np.arange(len(client)), 0))
    number, first, before = np.empty(len(client), np.int64), np.empty(len(client), np.int32), np.empty(len(client), np.int32)
    number[row] = np.arange(len(client)) - start + 1
    first[row] = day[start]
    # The first purchase has none before it, and is told by its number.
    before[row] = np.concatenate([day[:1], day[:-1]])
    return sales.with_columns(
        pl.Series("number", number), pl.Series("first_day", first), pl.Series("before", before),
        day=col("purchase_date").to_physical())


def calendar(sales):
    """What belongs to each day from the first to the last purchase."""
    if not sales.height:
        return pl.DataFrame(schema={"month": pl.String, "week": pl.String, "weekday": pl.Int8, "months": pl.Int32,
            "weeks": pl.Int32})
    days = pl.date_range(sales["purchase_date"].min(), sales["purchase_date"].max(), eager=True)
    return days.to_frame("d").select(
        month=col("d").dt.strftime("%Y-%m"), week=col("d").dt.strftime("%G-W%V"), weekday=col("d").dt.weekday(),
        months=col("d").dt.year() * 12 + col("d").dt.month().cast(pl.Int32) - 1, weeks=(col("d").to_physical() + 3) // 7)


def by_cohort_and_day(sales, calendar, origin):
    """Orders, quantity, revenue and clients of each day, by the month of the clients' first purchase."""
    def look(name, days):
        return calendar[name].gather(sales[days] - origin)
    slim = sales.select("day", "quantity", "amount", "before", new=col("number") == 1).with_columns(
        cohort=look("months", "first_day"),
        week=look("weeks", "day") > look("weeks", "before"), month=look("months", "day") > look("months", "before"))
    flag = lambda changed: (col("new") | changed).sum()
    return slim.group_by("cohort", "day").agg(
        orders=pl.len(), quantity=col("quantity").sum(), revenue=col("amount").sum(), new_clients=col("new").sum(),
        day_clients=flag(col("day") > col("before")), week_clients=flag(col("week")), month_clients=flag(col("month")))


def write_fact_sales(lake, sales, clients, calendar, origin):
    place = sales["day"] - origin
    plain = lambda name: sales[name].cast(pl.String)
    names = {name: sales[name].dtype.categories.to_frame(name).select(safe(name)).to_series().gather(sales[name].to_physical())
             for name in ("product", "country")}
    sales.select(
        safe_ids(sales, "purchase_id"), "purchase_date", safe_ids(sales, "client_id"), names["country"],
        clients["known"].gather(sales["client"]).alias("known_client"), names["product"], "quantity", decimal(col("unit_price")),
        decimal(col("amount")), *(calendar[name].gather(place) for name in ("month", "week", "weekday")),
        col("number").alias("purchase_number"), col("first_day").cast(pl.Date).alias("first_purchase_date"),
        pl.when(col("number") > 1).then(col("day") - col("before")).alias("days_since_previous"),
    ).write_csv(lake.table("fact_sales"))


def survival(orders, recent, prior):
    """P of the client still buying, in units of 10⁻¹². Clients are those with orders."""
    by_orders = np.argsort(-orders, kind="stable")
    least, recent, prior = orders[by_orders], recent[by_orders], prior[by_orders]
    p = np.full(len(orders), 10**12, np.int64)
    for step in range(int(least[0]) if len(least) else 0):
        still = np.searchsorted(-least, -step)
        p[:still] = p[:still] * recent[:still] // prior[:still]
    result = np.empty_like(p)
    result[by_orders] = p
    return pl.Series("p", result)


def kpis(clients, sales, as_of):
    """A row for each client, in the order of client_kpis; money in cents."""
    day = (as_of - EPOCH).days
    spending = sales.group_by("client").agg(
        orders=pl.len().cast(pl.Int64), quantity=col("quantity").sum(), spent=col("amount").sum(), first=col("day").min(),
        last=col("day").max())
    table = clients.select("client", "client_id", "country", "signup_date").join(spending, on="client")
    end = pl.max_horizontal(pl.lit(day, pl.Int32), col("last"))
    table = table.with_columns(
        recency=(end - col("last")).cast(pl.Int64),
        tenure=(end - pl.min_horizontal(col("signup_date").to_physical(), col("first")) + 1).cast(pl.Int64),
        average=half(col("spent"), col("orders")).cast(pl.Int64))
    prior = PRIOR_DAYS + table["tenure"]
    p = survival(table["orders"].to_numpy(), (prior - table["recency"]).to_numpy(), prior.to_numpy())
    score = lambda rank: (1 + 5 * (rank.cast(pl.Int64) - 1) // table.height).cast(pl.Int64)
    table = table.with_columns(
        p, r=score(col("recency").rank("min", descending=True)), f=score(col("orders").rank("min")),
        m=score(col("spent").rank("min")))
    segments = pl.Series([segment for row in SEGMENTS for segment in row])
    wide, span = col("p").cast(pl.Int128), (PRIOR_DAYS + col("tenure")).cast(pl.Int128)
    multiple = 10**12 * 100 * (100 + DISCOUNT - RETENTION)
    table = table.with_columns(
        churn=half((10**12 - wide) * 10_000, pl.lit(10**12)),
        predicted=half(wide * col("spent").cast(pl.Int128) * (365 * MARGIN * RETENTION), span * multiple).cast(pl.Int64),
        segment=segments.gather(5 * (table["r"] - 1) + table["f"] - 1),
        status=pl.when(col("recency") <= ACTIVE_DAYS).then(pl.lit("active")).otherwise(pl.lit("inactive")),
        high_value=col("m") == 5)
    others = clients.join(spending, on="client", how="anti").select(
        "client", "client_id", "country", "signup_date", orders=pl.lit(0, pl.Int64), quantity=pl.lit(0, pl.Int64),
        spent=pl.lit(0, pl.Int64),
        segment=pl.lit("no_purchase"), status=pl.lit("prospect"), high_value=pl.lit(False))
    return pl.concat([table, others], how="diagonal").sort("spent", "client_id", descending=[True, False])


def write_client_kpis(lake, kpis):
    tenure, orders = col("tenure"), col("orders")
    kpis.select(
        safe_ids(kpis, "client_id"), safe("country"), "signup_date", col("first").cast(pl.Date).alias("first_purchase_date"),
        col("last").cast(pl.Date).alias("last_purchase_date"), "orders", "quantity", decimal(col("spent")).alias("total_spent"),
        decimal(col("average")).alias("average_order_value"), tenure.alias("tenure_days"), col("recency").alias("recency_days"),
        decimal(half(orders * 300_000, pl.when(tenure < 30).then(30).otherwise(tenure)), 4).alias("purchase_frequency"),
        decimal(half((col("last") - col("first")).cast(pl.Int64) * 10_000, orders - 1), 4).alias("days_between_purchases"),
        decimal(half(col("spent") * MARGIN, pl.lit(100))).alias("lifetime_value"),
        decimal(col("churn"), 4).alias("churn_probability"),
        decimal(col("predicted")).alias("predicted_value"), col("r").alias("r_score"), col("f").alias("f_score"),
        col("m").alias("m_score"),
        (100 * col("r") + 10 * col("f") + col("m")).cast(pl.String).alias("rfm_score"), "segment", "status", "high_value",
    ).write_csv(lake.table("client_kpis"))


def bought_together(client_product, clients, products):
    """How many clients bought each two products."""
    pairs = np.zeros((products, products), np.int64)
    step = max(1, 2**24 // max(products, 1))
    client, product = client_product["client"].to_numpy(), client_product["product"].to_numpy()
    for low in range(0, clients, step):
        begin, end = np.searchsorted(client, [low, low + step])
        # Clients of a step are too few for 32 bits to lose one.
        matrix = np.zeros((min(step, clients - low), products), np.float32)
        matrix[client[begin:end] - low, product[begin:end]] = 1
        pairs += (matrix.T @ matrix).astype(np.int64)
    return pairs


def values(series):
    """The distinct values of a metric in hundredths, in order, and how often each occurs."""
    counts = series.alias("value").drop_nulls().value_counts().sort("value")
    return counts["value"].cast(pl.Int64), counts["count"].cast(pl.Int64)


def main():
    lake, report = Lake(), {}
    clients = dataset(lake, report, "clients", CLIENTS, clean_clients, CLIENT_RULES, CLIENT_REPAIRS)
    # Polars has no SHA-256 of its own.
    hashes = [mail and hashlib.sha256(mail.encode()).hexdigest()[:16] for mail in clients["email_h"]]
    clients = clients.with_columns(pl.Series("email_h", hashes, pl.String))
    purchases = dataset(lake, report, "purchases", PURCHASES, clean_purchases, PURCHASE_RULES, PURCHASE_REPAIRS)
    clients.write_csv(lake.table("clients"))
    purchases.with_columns(decimal(col("unit_price")), decimal(col("amount"))).write_csv(lake.table("purchases"))
    for name, rows, unknown in (("clients", clients, "country"), ("purchases", purchases, "product")):
        missing = {column: rows[column].null_count() for column in rows.columns}
        report[name] |= {"kept": rows.height, "missing": missing | {unknown: (rows[unknown] == "NA").sum()}}
    shared_emails = clients["email_h"].drop_nulls().value_counts()["count"]
    off = purchases.select(((col("amount") - col("quantity") * col("unit_price")).abs() > col("quantity")).sum()).item()
    bought = purchases.height
    sales, everyone = sell(clients, purchases)
    alone = purchases.join(sales, on=["purchase_id", "quantity", "amount"], how="anti").height
    unreconciled = alone + sales.height - (bought - alone)
    del purchases
    sales = follow(sales)
    origin = sales["day"].min() if sales.height else 0
    dates = calendar(sales)
    write_fact_sales(lake, sales, everyone, dates, origin)
    days_table = by_cohort_and_day(sales, dates, origin)
    table = kpis(everyone, sales, lake.as_of)
    write_client_kpis(lake, table)

    product_country = sales.group_by("product", "country").agg(
        orders=pl.len(), quantity=col("quantity").sum(), revenue=col("amount").sum(), prices=col("unit_price").sum(),
        min_price=col("unit_price").min(), max_price=col("unit_price").max(), first=col("purchase_date").min(),
        last=col("purchase_date").max()).with_columns(col("product", "country").cast(pl.String))
    client_product = sales.group_by("client", col("product").to_physical()).agg(orders=pl.len()).sort("client")
    names = sales["product"].dtype.categories.to_list()
    since = (100 * (col("day") - col("before")).cast(pl.Int64)).alias("since")
    signups = everyone["signup_date"].to_physical().gather(sales["client"])
    buyers = table.filter(col("orders") > 0)
    day = (lake.as_of - EPOCH).days
    context = small.Tables(
        lake, days=days_table.rows(named=True), kpis=table, products=product_country.rows(named=True),
        product_clients={names[code]: (n, again) for code, n, again in client_product.group_by("product").agg(
            n=pl.len(), again=(col("orders") > 1).sum()).iter_rows()},
        country_clients=dict(buyers["country"].value_counts().iter_rows()),
        registered=dict(clients["country"].value_counts().iter_rows()), names=names,
        pairs=bought_together(client_product, everyone.height, len(names)),
        recent=sales.filter(col("day") <= day, col("day") > day - 30)["client"].n_unique())
    context.write_all({
        "amount": values(sales["amount"]), "quantity": values(sales["quantity"] * 100), "unit_price": values(sales["unit_price"]),
        "days_since_previous": values(sales.filter(col("number") > 1).select(since).to_series()),
        "total_spent": values(buyers["spent"]), "average_order_value": values(buyers["average"]),
        "recency_days": values(buyers["recency"] * 100), "orders_per_client": values(buyers["orders"] * 100),
    })
    context.quality(report, {
        "amount_matches_price": (bought, off),
        "email_present": (clients.height, clients["email_h"].null_count()),
        "email_unique": (clients.height, shared_emails.filter(shared_emails > 1).sum()),
        "known_client": (bought, (sales["client"] >= clients.height).sum()),
        "no_future_purchase": (bought, (sales["day"] > day).sum()),
        "not_before_signup": (bought, (sales["day"] < signups).sum()),
        "sales_reconcile": (bought, unreconciled),
    })


if __name__ == "__main__":
    main()
