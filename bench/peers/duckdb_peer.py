"""Pipeline 1 in DuckDB: bronze CSV, JSON and JSON Lines to silver CSV and five gold CSVs, in one process, all in SQL.

    python duckdb_peer.py --bronze DIR --out DIR

Tricks used:
- Every object is parsed once, on all cores, into a typed in-memory table; silver, gold and counts come from that table.
- `CREATE TABLE AS` keeps the order of its input, so `rowid` *is* (object, row): no file names or row numbers to carry.
- De-duplication is one `arg_max` per key and a semi-join on `rowid`, several times faster than `row_number()` windows.
- Clicks are read as JSON values with `ignore_errors`: a malformed line is NULL, and what begins with `{` is an object.
- Money is DECIMAL. A JSON number is first turned to its shortest text by DuckDB, exact up to 15 digits.
- `trim` of a set of characters is slow, so only text that begins or ends with a blank is trimmed.

Limits: a quantity has 12 digits before the point and 6 after it, money 16 before it; more before it counts as not numeric.
Its JSON parser takes a trailing comma, NaN and Infinity, so such a line is not malformed here (the generator makes none).
`lower` and `upper` map character by character (final sigma, `ß`), which can show in silver's email_h and initials only.
"""

import duckdb

from shared import CLICKS, CUSTOMERS, DATE, INSTANT, IPV4, ORDERS, SILVER, Lake

MACROS = f"""
SET timezone = 'UTC';
CREATE MACRO blanks() AS ' ' || chr(9) || chr(10) || chr(11) || chr(12) || chr(13) || chr(133) || chr(160) || chr(5760)
    || chr(8192) || chr(8193) || chr(8194) || chr(8195) || chr(8196) || chr(8197) || chr(8198) || chr(8199) || chr(8200)
    || chr(8201) || chr(8202) || chr(8232) || chr(8233) || chr(8239) || chr(8287) || chr(12288);
CREATE MACRO txt(x) AS CASE
    WHEN contains(blanks(), x[1]) OR contains(blanks(), x[-1]) THEN nullif(trim(x, blanks()), '') ELSE x END;
CREATE MACRO day(x) AS CASE WHEN regexp_matches(x, '{DATE}') THEN try_cast(x AS DATE) END;
CREATE MACRO instant(x) AS CASE
    WHEN regexp_matches(x, '{INSTANT}') THEN try_cast(upper(x) AS TIMESTAMPTZ)::TIMESTAMP END;
-- DuckDB would read 1_000 as a number.
CREATE MACRO quantity(x) AS try_cast(replace(x, '_', '?') AS DECIMAL(18, 6));
CREATE MACRO money(x) AS try_cast(replace(x, '_', '?') AS DECIMAL(18, 2));
CREATE MACRO initial(x) AS upper(left(x, 1));
"""

CUSTOMERS_SQL = """
CREATE TEMP TABLE customer_rows AS
SELECT txt(customer_id) AS customer_id,
    left(sha256(lower(replace(txt(email), 'İ', 'i̇'))), 16) AS email_h,
    initial(txt(first_name)) AS first_initial,
    initial(txt(last_name)) AS last_initial,
    coalesce(txt(country), 'NA') AS country,
    day(txt(signup_date)) AS signup_date
FROM read_csv($objects, header = true, delim = ',', quote = '"', escape = '"', columns = {columns});

CREATE TEMP TABLE customers AS
SELECT * FROM customer_rows WHERE rowid IN (
    SELECT max(rowid) FROM customer_rows WHERE customer_id IS NOT NULL AND signup_date IS NOT NULL GROUP BY customer_id);
"""

ORDERS_SQL = """
CREATE TEMP TABLE order_rows AS
SELECT txt(order_id) AS order_id, txt(customer_id) AS customer_id, txt(product) AS product,
    greatest(coalesce(quantity(txt(quantity)), 0), 0) AS quantity,
    greatest(coalesce(money(txt(unit_price)), 0), 0) AS unit_price,
    -- Text, not money: whether -0.001 is negative must be told before it is rounded.
    CASE WHEN starts_with(txt(total_amount), '-') AND try_cast(txt(total_amount) AS DOUBLE) < 0 THEN NULL
        ELSE money(txt(total_amount)) END AS total,
    instant(txt(order_ts)) AS order_ts, txt(channel) AS channel
FROM read_json($objects, format = 'array', columns = {columns});

CREATE TEMP TABLE orders AS
SELECT order_id, customer_id, product, quantity::DOUBLE AS quantity, unit_price,
    coalesce(total, round(quantity::DECIMAL(38, 6) * unit_price, 2))::DECIMAL(38, 2) AS total_amount,
    order_ts, channel, order_ts::DATE AS order_date
FROM order_rows WHERE rowid IN (
    SELECT arg_max(rowid, {{'ts': order_ts, 'row': rowid}}) FROM order_rows
    WHERE order_id IS NOT NULL AND order_ts IS NOT NULL GROUP BY order_id);
"""

CLICKS_SQL = """
CREATE TEMP TABLE clicks AS
SELECT CASE WHEN line IS NULL OR NOT starts_with(line, '{{') THEN 'malformed_line'
        WHEN NOT coalesce(regexp_matches(txt(ip), '{ipv4}'), false) THEN 'invalid_ip'
        WHEN instant(txt(ts)) IS NULL THEN 'invalid_ts' END AS rule,
    txt(customer_id) AS customer_id, txt(page) AS page, instant(txt(ts)) AS ts
FROM (SELECT json::VARCHAR AS line, unnest(from_json(json, {columns}))
    FROM read_ndjson_objects($objects, ignore_errors = true));
"""

GOLD = {
    "sales_by_day": "SELECT order_date, sum(total_amount) AS revenue FROM orders GROUP BY ALL ORDER BY order_date",
    "top_products": """SELECT coalesce(product, 'NA') AS product, sum(total_amount) AS revenue
        FROM orders GROUP BY ALL ORDER BY revenue DESC, product LIMIT 10""",
    "revenue_by_channel": """SELECT coalesce(channel, 'NA') AS channel, sum(total_amount) AS revenue
        FROM orders GROUP BY ALL ORDER BY channel""",
    "revenue_by_country": """SELECT coalesce(country, 'NA') AS country, sum(total_amount) AS revenue
        FROM orders LEFT JOIN customers USING (customer_id) GROUP BY ALL ORDER BY country""",
}


def main():
    lake, db = Lake(), duckdb.connect()
    db.execute(MACROS)

    def build(sql, pattern, names, **more):
        columns = {name: "VARCHAR" for name in names}
        for statement in sql.format(columns=columns, **more).split(";\n"):
            if statement.strip():
                db.execute(statement, {"objects": lake.objects(pattern)} if "$objects" in statement else None)

    def write(query, path):
        db.execute(f"COPY ({query}) TO '{path}' (HEADER, TIMESTAMPFORMAT '%Y-%m-%dT%H:%M:%S.%fZ')")

    def keyed(dataset, key, typed, rules):
        read, no_key, invalid = db.execute(f"""SELECT count(*), count(*) FILTER ({key} IS NULL),
            count(*) FILTER ({key} IS NOT NULL AND {typed} IS NULL) FROM {dataset[:-1]}_rows""").fetchone()
        kept = db.execute(f"SELECT count(*) FROM {dataset}").fetchone()[0]
        lake.count(dataset, read, kept, dict(zip(rules, (no_key, invalid))))
        write(f"SELECT {', '.join(SILVER[dataset])} FROM {dataset}", lake.silver(dataset))

    build(CUSTOMERS_SQL, "customers_*.csv", CUSTOMERS)
    keyed("customers", "customer_id", "signup_date", ["missing_customer_id", "invalid_signup_date"])
    build(ORDERS_SQL, "orders_*.json", ORDERS)
    keyed("orders", "order_id", "order_ts", ["missing_order_id", "invalid_order_ts"])

    build(CLICKS_SQL.replace("{columns}", "'{structure}'"), "clicks_*.txt", CLICKS,
          ipv4=IPV4, structure="{" + ", ".join(f'"{name}": "VARCHAR"' for name in CLICKS) + "}")
    rules = dict(db.execute("SELECT rule, count(*) FROM clicks GROUP BY rule").fetchall())
    kept = rules.pop(None, 0)
    lake.count("clicks", kept + sum(rules.values()), kept, rules)
    write(f"SELECT {', '.join(SILVER['clicks'])} FROM clicks WHERE rule IS NULL", lake.silver("clicks"))

    for kpi, query in GOLD.items():
        write(query, lake.gold(kpi))
    lake.write_aov(*db.execute("SELECT count(*), sum(total_amount) FROM orders").fetchone())
    lake.print_report()


if __name__ == "__main__":
    main()
