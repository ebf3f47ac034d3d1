"""Pipeline 1 in Polars: bronze CSV, JSON and JSON Lines to silver CSV and five gold CSVs, in one process.

    python polars_peer.py --bronze DIR --out DIR

Tricks used:
- Clicks and customers are lazy scans of all objects at once; every column is decided in one projection on all cores.
- `scan_ndjson` stops at a malformed line even with `ignore_errors`. So lines are read as text, those that look whole
  are decoded optimistically, and only if that fails is every line tried by itself.
- Order objects are JSON arrays, which Polars reads eagerly and on one core each: a thread pool reads them side by side.
- De-duplication looks only at the few rows whose key occurs twice; the rest skip the sort.
- Money is Decimal. A JSON number is first turned to its shortest text by Polars, exact up to 15 digits. `cast` rounds
  half to even, so text is cast with 16 places first, and `round` then goes half away from zero. A product gets the
  greater scale of its factors, so quantity is widened to the eight places that the exact product needs.
- The four grouped KPIs are collected together.

Limits: a quantity has 12 digits before the point and 6 after it, money 16 before it; more before it counts as not numeric.
"""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor

import polars as pl
from polars import col

from shared import CLICKS, CUSTOMERS, DATE, INSTANT, IPV4, ORDERS, SILVER, Lake

RFC3339 = "%Y-%m-%dT%H:%M:%S%.6fZ"


def text(name):
    """Trimmed; blank is missing."""
    trimmed = col(name).str.strip_chars()
    return pl.when(trimmed != "").then(trimmed)


def instant(name):
    """UTC; text without an offset is UTC too."""
    ts = text(name)
    zone = pl.when(ts.str.tail(6).str.contains("[Zz+-]")).then(pl.lit("")).otherwise(pl.lit("Z"))
    valid = pl.when(ts.str.contains(INSTANT)).then(ts + zone)
    return valid.str.to_datetime("%+", time_unit="us", strict=False).dt.replace_time_zone(None)


def amount(name, digits, places):
    """Missing, not numeric and negative are all null, since all are repaired alike."""
    number = text(name).cast(pl.Decimal(digits, places), strict=False)
    return pl.when(number >= 0).then(number)


def money(expr):
    return expr.round(2, mode="half_away_from_zero").cast(pl.Decimal(38, 2))


def last_by(rows, key, order=None):
    """The last row of each key, or the last of those with the greatest `order`."""
    again = rows[key].is_duplicated()
    rivals = rows.filter(again)
    if order:
        rivals = rivals.sort(order, maintain_order=True)
    return pl.concat([rows.filter(~again), rivals.unique(key, keep="last", maintain_order=True)])


def as_text(record, names):
    """A decoded object as `names` with text, as the native decoders give it; None if it is no object."""
    if not isinstance(record, dict):
        return None
    plain = lambda x: x if x is None or isinstance(x, str) else json.dumps(x, ensure_ascii=False, separators=(",", ":"))
    return {name: plain(record.get(name)) for name in names}


def customers(lake):
    rows = pl.scan_csv(lake.objects("customers_*.csv"), schema=dict.fromkeys(CUSTOMERS, pl.String)).select(
        text("customer_id"),
        text("email").str.to_lowercase().alias("email_h"),
        text("first_name").str.head(1).str.to_uppercase().alias("first_initial"),
        text("last_name").str.head(1).str.to_uppercase().alias("last_initial"),
        text("country").fill_null("NA"),
        pl.when(text("signup_date").str.contains(DATE)).then(text("signup_date")).str.to_date("%Y-%m-%d", strict=False),
    ).collect()
    no_key, invalid = col("customer_id").is_null(), col("signup_date").is_null()
    kept = last_by(rows.filter(~no_key & ~invalid), "customer_id")
    # Polars has no SHA-256 of its own.
    hashes = [mail and hashlib.sha256(mail.encode()).hexdigest()[:16] for mail in kept["email_h"]]
    kept = kept.with_columns(pl.Series("email_h", hashes, pl.String))
    rejected = rows.select(missing_customer_id=no_key.sum(), invalid_signup_date=(~no_key & invalid).sum()).row(0, named=True)
    lake.count("customers", rows.height, kept.height, rejected)
    kept.write_csv(lake.silver("customers"))
    return kept


def read_orders(path):
    schema = dict.fromkeys(ORDERS, pl.String)
    try:
        return pl.read_json(path, schema=schema)
    except pl.exceptions.ComputeError:  # a nested value where text belongs
        with open(path, encoding="utf-8") as file:
            return pl.DataFrame([as_text(order, ORDERS) for order in json.load(file)], schema=schema)


def orders(lake):
    with ThreadPoolExecutor(pl.thread_pool_size()) as pool:
        raw = pl.concat(pool.map(read_orders, lake.objects("orders_*.json")))
    rows = raw.lazy().select(
        text("order_id"), text("customer_id"), text("product"),
        amount("quantity", 18, 6).fill_null(0),
        money(amount("unit_price", 32, 16).fill_null(0)),
        money(amount("total_amount", 32, 16)),
        instant("order_ts"), text("channel"),
    ).collect()
    del raw
    no_key, invalid = col("order_id").is_null(), col("order_ts").is_null()
    kept = last_by(rows.filter(~no_key & ~invalid), "order_id", "order_ts").with_columns(
        col("quantity").cast(pl.Float64),
        col("total_amount").fill_null(money(col("quantity").cast(pl.Decimal(38, 8)) * col("unit_price"))),
        order_date=col("order_ts").dt.date(),
    )
    rejected = rows.select(missing_order_id=no_key.sum(), invalid_order_ts=(~no_key & invalid).sum()).row(0, named=True)
    lake.count("orders", rows.height, kept.height, rejected)
    kept.write_csv(lake.silver("orders"), datetime_format=RFC3339)
    return kept


def decode_each(lines):
    """Decodes line by line: the way that stands malformed lines, and the slow one."""
    def decode(line):
        try:
            return as_text(json.loads(line), CLICKS)
        except ValueError:
            return None
    return pl.Series([line and decode(line) for line in lines], dtype=pl.Struct(dict.fromkeys(CLICKS, pl.String)))


def clicks(lake):
    def clean(decode):
        line = col("line").str.strip_chars()
        whole = pl.when(line.str.starts_with("{") & line.str.ends_with("}")).then(line)
        return (
            pl.scan_lines(lake.objects("clicks_*.txt")).filter(line != "").select(decode(whole).alias("click"))
            .select(malformed=col("click").is_null(), click="click").unnest("click")
            .select("malformed", text("customer_id"), text("page"), text("ip").str.contains(IPV4).fill_null(False), instant("ts"))
            .collect()
        )
    shape = pl.Struct(dict.fromkeys(CLICKS, pl.String))
    try:
        rows = clean(lambda line: line.str.json_decode(shape))
    except pl.exceptions.ComputeError:
        rows = clean(lambda line: line.map_batches(decode_each, return_dtype=shape))
    malformed, ip, valid = col("malformed"), col("ip"), col("ts").is_not_null()
    kept = rows.filter(ip & valid)
    rejected = rows.select(malformed_line=malformed.sum(), invalid_ip=(~malformed & ~ip).sum(), invalid_ts=(ip & ~valid).sum())
    lake.count("clicks", rows.height, kept.height, rejected.row(0, named=True))
    kept.select(SILVER["clicks"]).write_csv(lake.silver("clicks"), datetime_format=RFC3339)


def gold(lake, orders, customers):
    def by(key, rows=orders.lazy()):
        return rows.group_by(col(key).fill_null("NA") if key != "order_date" else key).agg(revenue=col("total_amount").sum())
    countries = orders.lazy().join(customers.lazy().select("customer_id", "country"), on="customer_id", how="left")
    kpis = {
        "sales_by_day": by("order_date").sort("order_date"),
        "top_products": by("product").sort("revenue", "product", descending=[True, False]).head(10),
        "revenue_by_channel": by("channel").sort("channel"),
        "revenue_by_country": by("country", countries).sort("country"),
    }
    for kpi, table in zip(kpis, pl.collect_all(kpis.values())):
        table.write_csv(lake.gold(kpi))
    lake.write_aov(orders.height, orders["total_amount"].sum())


def main():
    lake = Lake()
    clicks(lake)
    gold(lake, orders(lake), customers(lake))
    lake.print_report()


if __name__ == "__main__":
    main()
