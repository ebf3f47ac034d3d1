"""Pipeline 1 in pandas: bronze CSV, JSON and JSON Lines to silver CSV and five gold CSVs.

    python pandas_peer.py --bronze DIR --out DIR

Tricks used:
- pandas uses one core, so a pool with a process a core decodes and cleans the objects; the parent only de-duplicates, joins and sums.
- The workers switch the cyclic garbage collector off: it would walk millions of decoded records, which have no cycles.
- Text is Arrow-backed (`str` of pandas 3) and every rule is a column operation; no `apply`, no row loop.
- `read_json(lines=True)` fails at a malformed line. orjson decodes line by line, far faster than `json`. Orders go
  through `json` instead, whose `parse_float=str` keeps numbers exactly as they were written.
- Money is parsed to Arrow decimals and then kept as int64 cents: exact, and `groupby` is at its fastest.
- Only totals that are missing are computed. De-duplication sorts only rows whose key occurs twice.
- pyarrow writes the silver CSV, many times faster than `to_csv`; it quotes every text, which CSV allows.

Limits: a quantity has 12 digits before the point and 6 after it, money 16 before it; more before it counts as not numeric.
Sums of money must stay below 9 × 10^16.
"""

import gc
import hashlib
import json
import os
from concurrent.futures import ProcessPoolExecutor
from decimal import ROUND_DOWN, Decimal, InvalidOperation

import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from shared import CLICKS, CUSTOMERS, DATE, INSTANT, IPV4, ORDERS, SILVER, Lake

HALF_AWAY = "half_towards_infinity"


def trimmed(frame):
    """Every column trimmed; blank is missing."""
    return frame.apply(lambda column: column.str.strip().replace("", None))


def frame_of(records, names):
    """Columns of text from decoded objects; what is neither text nor missing gets its JSON text."""
    def column(name):
        values = [record.get(name) for record in records]
        try:
            return pa.array(values, pa.string())
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            plain = lambda x: x if x is None or isinstance(x, str) else json.dumps(x, ensure_ascii=False, separators=(",", ":"))
            return pa.array([plain(value) for value in values], pa.string())
    table = pa.table({name: column(name) for name in names})
    return trimmed(table.to_pandas())


def instants(texts):
    """UTC without a zone; text without an offset is UTC too."""
    shaped = texts.where(texts.str.match(INSTANT))
    times = pd.to_datetime(shaped.str.upper(), format="ISO8601", utc=True, errors="coerce")
    return times.dt.tz_localize(None).astype("datetime64[us]")


def amounts(texts, digits):
    """Exact decimals, cut off after ten places; missing, not numeric and negative are all null, since all are repaired alike."""
    plain = texts.str.match(r"^[+-]?[0-9]{1,%d}(?:\.[0-9]{1,10})?$" % digits)
    numbers = pc.cast(pa.array(texts.where(plain), pa.string()), pa.decimal128(digits + 10, 10))
    if (rare := texts.notna() & ~plain).any():  # exponents, `.5`, text: a handful
        values = pa.array([decimal_of(text, digits) for text in texts[rare]], numbers.type)
        numbers = pc.replace_with_mask(numbers, pa.array(rare), values)
    zero = pa.scalar(Decimal(0), numbers.type)
    return pc.if_else(pc.greater_equal(numbers, zero), numbers, None)


def decimal_of(text, digits):
    try:
        number = Decimal(text) if "_" not in text and text.isascii() else None
        fits = number is not None and number.is_finite() and abs(number) < 10**digits
        return number.quantize(Decimal("1e-10"), ROUND_DOWN) + 0 if fits and number >= 0 else None
    except InvalidOperation:
        return None


def cents(numbers):
    hundred = pa.scalar(Decimal(100), pa.decimal128(3, 0))
    return pc.cast(pc.multiply(pc.round(numbers, 2, HALF_AWAY), hundred), pa.int64())


def split(rows, rules):
    """The rows that break no rule, and how many break which first. `rules` maps a rule to the column that is then missing."""
    counts = {"read": len(rows)}
    for rule, column in rules.items():
        bad = rows[column].isna()
        counts[rule] = int(bad.sum())
        rows = rows[~bad]
    return rows.reset_index(drop=True), counts


def customers(path):
    rows = trimmed(pd.read_csv(path, engine="pyarrow", dtype="str", keep_default_na=False, na_values=[""])[CUSTOMERS])
    dates = rows["signup_date"].where(rows["signup_date"].str.match(DATE))
    rows["signup_date"] = pd.to_datetime(dates, format="%Y-%m-%d", errors="coerce")
    rows, counts = split(rows, {"missing_customer_id": "customer_id", "invalid_signup_date": "signup_date"})
    mails = rows["email"].dropna().str.lower()
    hashes = pd.Series([hashlib.sha256(mail.encode()).hexdigest()[:16] for mail in mails], mails.index, "str")
    return counts, rows.assign(
        email_h=hashes.reindex(rows.index),
        first_initial=rows["first_name"].str[:1].str.upper(),
        last_initial=rows["last_name"].str[:1].str.upper(),
        country=rows["country"].fillna("NA"),
    )[SILVER["customers"]]


def orders(path):
    with open(path, "rb") as file:
        rows = frame_of(json.load(file, parse_float=str, parse_int=str), ORDERS)
    rows["order_ts"] = instants(rows["order_ts"])
    rows, counts = split(rows, {"missing_order_id": "order_id", "invalid_order_ts": "order_ts"})
    quantity = pc.fill_null(pc.cast(pc.round(amounts(rows["quantity"], 12), 6, HALF_AWAY), pa.decimal128(18, 6)), Decimal(0))
    price = pc.fill_null(cents(amounts(rows["unit_price"], 16)), 0)
    total = cents(amounts(rows["total_amount"], 16))
    # In cents: quantity times price, each exact, rounded to whole cents.
    missing = pc.is_null(total)
    products = pc.multiply(quantity.filter(missing), pc.cast(price.filter(missing), pa.decimal128(19, 0)))
    total = pc.replace_with_mask(total, missing, pc.cast(pc.round(products, 0, HALF_AWAY), pa.int64()))
    # By way of millionths: Arrow's own cast of a decimal to a float can miss the nearest one.
    rows["quantity"] = pc.cast(pc.multiply(quantity, pa.scalar(Decimal(1_000_000))), pa.int64()).to_numpy() / 1e6
    return counts, rows.assign(unit_price=price.to_numpy(), total_amount=total.to_numpy(zero_copy_only=False))


def clicks(path):
    def decode(line):
        try:
            record = orjson.loads(line)
            return record if isinstance(record, dict) else None
        except orjson.JSONDecodeError:
            return None
    with open(path, "rb") as file:
        records = [decode(line) for line in file if not line.isspace()]
    whole = [record for record in records if record is not None]
    rows = frame_of(whole, CLICKS)
    rows["ip"] = rows["ip"].where(rows["ip"].str.match(IPV4))
    rows["ts"] = instants(rows["ts"])
    rows, counts = split(rows, {"invalid_ip": "ip", "invalid_ts": "ts"})
    return counts | {"read": len(records), "malformed_line": len(records) - len(whole)}, rows[SILVER["clicks"]]


def last_by(rows, key, order=None):
    """The last row of each key, or the last of those with the greatest `order`."""
    again = rows[key].duplicated(keep=False)
    rivals = rows[again]
    if order:
        rivals = rivals.sort_values(order, kind="stable")
    return pd.concat([rows[~again], rivals.drop_duplicates(key, keep="last")], ignore_index=True)


def write_silver(frame, path):
    """CSV by pyarrow: cents as money, instants as RFC 3339."""
    columns = {}
    for name in frame:
        column = pa.array(frame[name], from_pandas=True)
        if name in ("unit_price", "total_amount"):
            column = pc.multiply(pc.cast(column, pa.decimal128(19, 0)), pa.scalar(Decimal("0.01")))
        elif name == "signup_date":
            column = pc.cast(column, pa.date32())
        elif pa.types.is_timestamp(column.type):
            stamp = pc.utf8_replace_slice(pc.cast(column, pa.string()), 10, 11, "T")
            column = pc.binary_join_element_wise(stamp, "Z", "")
        columns[name] = column
    with open(path, "wb") as file:
        file.write((",".join(columns) + "\n").encode())
        pa.csv.write_csv(pa.table(columns), file, pa.csv.WriteOptions(include_header=False, quoting_style="needed"))


def gold(lake, orders, customers):
    def by(key, rows=orders):
        return rows.groupby(key)["total_amount"].sum().rename("revenue").reset_index()
    named = orders[["product", "channel", "total_amount"]].fillna({"product": "NA", "channel": "NA"})
    country = orders["customer_id"].map(customers.set_index("customer_id")["country"]).fillna("NA")
    kpis = {
        "sales_by_day": by("order_date"),
        "top_products": by("product", named).sort_values(["revenue", "product"], ascending=[False, True]).head(10),
        "revenue_by_channel": by("channel", named),
        "revenue_by_country": by("country", orders[["total_amount"]].assign(country=country)),
    }
    for kpi, table in kpis.items():
        revenue = [f"{cents // 100}.{cents % 100:02}" for cents in table["revenue"]]
        table.assign(revenue=revenue).to_csv(lake.gold(kpi), index=False, lineterminator="\n")
    lake.write_aov(len(orders), Decimal(int(orders["total_amount"].sum())) / 100)


def main():
    lake = Lake()
    with ProcessPoolExecutor(os.cpu_count(), initializer=gc.disable) as pool:
        parts = {clean.__name__: pool.map(clean, lake.objects(f"{clean.__name__}_*.*")) for clean in (orders, customers, clicks)}
        tables = {}
        for dataset, key, order in (("orders", "order_id", "order_ts"), ("customers", "customer_id", None), ("clicks", None, None)):
            counts, frames = zip(*parts[dataset])
            rows = pd.concat(frames, ignore_index=True)
            rows = last_by(rows, key, order) if key else rows
            totals = pd.DataFrame(counts).sum().to_dict()
            lake.count(dataset, totals.pop("read"), len(rows), totals)
            if dataset == "orders":
                rows["order_date"] = pa.array(rows["order_ts"]).cast(pa.date32()).cast(pa.string()).to_pandas()
            write_silver(rows[SILVER[dataset]], lake.silver(dataset))
            tables[dataset] = rows
    gold(lake, tables["orders"], tables["customers"])
    lake.print_report()


if __name__ == "__main__":
    main()
