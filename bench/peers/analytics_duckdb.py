"""Pipeline 2 in DuckDB: bronze CSV to clients, purchases, all tables and the check, in one process, all in SQL.

    python analytics_duckdb.py --bronze DIR --out DIR --as-of DATE

Tricks used:
- Every object is parsed once, on all cores, into a typed in-memory table, whose `rowid` *is* (object, row); a semi-join on it
  takes the last row of a key.
- The usual form of a date or number is what casts back to the very text; other forms take a slower branch of a CASE.
- Money is a number of cents. Quotients are rounded half away from zero in integers of 128 bits.
- Clients have a number, products and countries are ENUMs: groups and joins compare integers.
- A client counts in a day, week or month if the purchase before lies in an earlier one: no distinct count anywhere.
- Days by cohort, products by country, products by client: small tables that nearly all others are made from.
- Quantiles and histograms are made from the distinct values and how often each occurs.
- The probability of churn is a `list_reduce` of as many steps as there are orders.

Limits: numbers have 18 digits before the point at most; more before it counts as missing. Of the decoder's rules there is
`malformed_line` alone, and a quote that is never closed takes more lines with it. `lower` maps character by character (final
sigma, `ß`), which can show in email_h.
"""

import math
from itertools import groupby

import duckdb

from analytics_shared import (
    ACTIVE_DAYS, CLIENT_REPAIRS, CLIENTS, DATE, DAY_FIRST, DISCOUNT, EMAIL, EXPECTATIONS, FORMULA, INSTANT, MARGIN, PERIODS,
    PRIOR_DAYS, PURCHASE_REPAIRS, PURCHASES, RETENTION, SEGMENTS, SLASHED, Lake,
)
from analytics_sql import (
    CLIENT_GROUPS, CLIENT_KPIS, DISTRIBUTIONS, FACT_SALES, GOLD, METRICS, PERIOD, QUALITY, QUALITY_CHECKS, QUALITY_REPORT,
    SUMMARY,
)

MACROS = f"""
SET timezone = 'UTC';
CREATE MACRO blanks() AS ' ' || chr(9) || chr(10) || chr(11) || chr(12) || chr(13) || chr(133) || chr(160) || chr(5760)
    || chr(8192) || chr(8193) || chr(8194) || chr(8195) || chr(8196) || chr(8197) || chr(8198) || chr(8199) || chr(8200)
    || chr(8201) || chr(8202) || chr(8232) || chr(8233) || chr(8239) || chr(8287) || chr(12288);
CREATE MACRO txt(x) AS CASE
    WHEN contains(blanks(), x[1]) OR contains(blanks(), x[-1]) THEN nullif(trim(x, blanks()), '') ELSE nullif(x, '') END;
-- DuckDB would read 1_000 as a number.
CREATE MACRO digits(x) AS replace(x, '_', '?');
CREATE MACRO usual_day(x) AS CASE WHEN strlen(x) = 10 AND try_cast(x AS DATE)::VARCHAR = x THEN x::DATE END;
CREATE MACRO other_day(x) AS CASE
    WHEN regexp_matches(x, '{DATE}') THEN try_cast(x AS DATE)
    WHEN regexp_matches(x, '{SLASHED}') THEN try_cast(replace(x, '/', '-') AS DATE)
    WHEN regexp_matches(x, '{DAY_FIRST}') THEN try_cast(x[7:10] || '-' || x[4:5] || '-' || x[1:2] AS DATE)
    WHEN regexp_matches(x, '{INSTANT}')
    THEN try_cast(upper(regexp_replace(x, '[.][0-9]+', '')) AS TIMESTAMPTZ)::TIMESTAMP::DATE END;
CREATE MACRO day(x) AS coalesce(usual_day(x), other_day(x));
-- Whether 999999999.999 is too great must be told before it is rounded.
CREATE MACRO below_limit(m, x) AS CASE
    WHEN abs(m) < 1000000000 OR abs(m) = 1000000000 AND abs(try_cast(digits(x) AS DECIMAL(38, 20))) < 1000000000 THEN m END;
CREATE MACRO price(x) AS (below_limit(try_cast(digits(x) AS DECIMAL(18, 2)), x) * 100)::BIGINT;
-- So must whether -0.001 is negative.
CREATE MACRO negative(m, x) AS m < 0 OR m = 0 AND starts_with(x, '-') AND regexp_matches(x, '^-[0.]*[1-9]');
CREATE MACRO whole(x) AS CASE
    WHEN try_cast(x AS INTEGER)::VARCHAR = x AND x::INTEGER BETWEEN -999999999 AND 999999999 THEN x::INTEGER END;
CREATE MACRO number(x) AS below_limit(try_cast(digits(x) AS DECIMAL(38, 20)), x);
CREATE MACRO half(a, b) AS
    CASE WHEN b > 0 THEN sign(a) * ((2 * abs(a::HUGEINT) + b::HUGEINT) // (2 * b::HUGEINT)) END;
CREATE MACRO fixed2(units) AS units::DECIMAL(30, 0) * 0.01::DECIMAL(2, 2);
CREATE MACRO fixed4(units) AS units::DECIMAL(30, 0) * 0.0001::DECIMAL(4, 4);
CREATE MACRO money(a, b) AS fixed2(half(a, b));
CREATE MACRO ratio(a, b) AS fixed4(half(10000::HUGEINT * a, b));
CREATE MACRO cents(a) AS a::DECIMAL(16, 0) * 0.01::DECIMAL(2, 2);
CREATE MACRO safe(x) AS CASE
    WHEN x::VARCHAR >= 'A' AND x::VARCHAR < '[' THEN x::VARCHAR
    WHEN regexp_matches(x::VARCHAR, '{FORMULA}') THEN '''' || x::VARCHAR ELSE x::VARCHAR END;
"""

CLEAN_CLIENTS = """
CREATE TABLE client_rows AS
SELECT CASE
        WHEN client_id IS NULL THEN 'missing_client_id'
        WHEN signup IS NULL THEN 'missing_signup_date'
        WHEN signup_date IS NULL THEN 'invalid_signup_date'
        WHEN signup_date NOT BETWEEN DATE '2000-01-01' AND DATE '2099-12-31' THEN 'signup_date_out_of_range'
    END AS rejected,
    client_id, CASE WHEN is_address THEN left(sha256(lower(replace(email, 'İ', 'i̇'))), 16) END AS email_h, signup_date,
    CASE WHEN is_lower THEN upper(country) ELSE coalesce(country, 'NA') END AS country,
    usual_day(signup) IS NULL AS signup_date_format, email IS NOT NULL AND NOT is_address AS invalid_email,
    country IS NULL AS missing_country, is_lower AS country_case
FROM (
    SELECT *, day(signup) AS signup_date, regexp_matches(email, '{EMAIL}') AS is_address,
        strlen(country) = 2 AND regexp_matches(country, '^(?:[a-z][A-Za-z]|[A-Z][a-z])$') AS is_lower
    FROM (SELECT txt(client_id) AS client_id, txt(email) AS email, txt(signup_date) AS signup, txt(country) AS country
        FROM {bronze}));

CREATE TABLE clients AS
SELECT rowid AS row, client_id, email_h, signup_date, country FROM client_rows
WHERE rowid IN (SELECT max(rowid) FROM client_rows WHERE rejected IS NULL GROUP BY client_id);
"""

CLEAN_PURCHASES = """
CREATE TABLE purchase_rows AS
SELECT CASE
        WHEN purchase_id IS NULL THEN 'missing_purchase_id'
        WHEN client_id IS NULL THEN 'missing_client_id'
        WHEN purchased IS NULL THEN 'missing_purchase_date'
        WHEN purchase_date IS NULL THEN 'invalid_purchase_date'
        WHEN purchase_date NOT BETWEEN DATE '2000-01-01' AND DATE '2099-12-31' THEN 'purchase_date_out_of_range'
        WHEN NOT (quantity BETWEEN 1 AND 10000 AND quantity = trunc(quantity)) THEN 'invalid_quantity'
        WHEN negative(price, price_text) THEN 'negative_unit_price'
        WHEN negative(paid, paid_text) THEN 'negative_amount'
        WHEN price IS NULL AND paid IS NULL THEN 'missing_amount'
    END AS rejected,
    purchase_id, client_id, coalesce(product, 'NA') AS product,
    CASE WHEN rejected IS NULL THEN coalesce(quantity, 1)::INTEGER END AS quantity,
    CASE WHEN rejected IS NULL THEN coalesce(price, half(paid, coalesce(quantity, 1)::INTEGER))::BIGINT END AS unit_price,
    CASE WHEN rejected IS NULL THEN coalesce(paid, price * coalesce(quantity, 1)::INTEGER) END AS amount,
    purchase_date, usual_day(purchased) IS NULL AS purchase_date_format, product IS NULL AS missing_product,
    quantity IS NULL AS missing_quantity, paid IS NULL AS computed_amount, price IS NULL AS computed_unit_price
FROM (
    SELECT *, day(purchased) AS purchase_date, price(price_text) AS price, price(paid_text) AS paid,
        coalesce(whole(quantity_text), number(quantity_text)) AS quantity
    FROM (SELECT txt(purchase_id) AS purchase_id, txt(client_id) AS client_id, txt(purchase_date) AS purchased,
            txt(product) AS product, txt(quantity) AS quantity_text, txt(unit_price) AS price_text, txt(amount) AS paid_text
        FROM {bronze}));

CREATE TABLE purchases AS
SELECT rowid AS row, purchase_id, client_id, product, quantity, unit_price, amount, purchase_date FROM purchase_rows
WHERE rowid IN (SELECT max(rowid) FROM purchase_rows WHERE rejected IS NULL GROUP BY purchase_id);
"""

SALES = """
CREATE TYPE product AS ENUM (SELECT product FROM purchases UNION SELECT 'NA' ORDER BY 1);
CREATE TYPE country AS ENUM (SELECT country FROM clients UNION SELECT 'NA' ORDER BY 1);

CREATE TABLE all_clients AS
SELECT client_id, country::country AS country, signup_date, true AS known FROM clients
UNION ALL
SELECT DISTINCT client_id, 'NA'::country, NULL::DATE, false FROM purchases ANTI JOIN clients USING (client_id);

CREATE TABLE facts AS
SELECT purchase_id, purchase_date, client, country, known, product, quantity, unit_price, amount,
    row_number() OVER mine AS purchase_number, first_value(purchase_date) OVER mine AS first_date,
    lag(purchase_date) OVER mine AS previous_date
FROM (SELECT p.* REPLACE (p.product::product AS product), c.rowid::INTEGER AS client, c.country, c.known
    FROM purchases p JOIN all_clients c USING (client_id))
WINDOW mine AS (PARTITION BY client ORDER BY purchase_date, purchase_id);

CREATE TABLE calendar AS
SELECT purchase_date, strftime(purchase_date, '%Y-%m') AS month, strftime(purchase_date, '%G-W%V') AS week,
    isodow(purchase_date) AS weekday
FROM (SELECT DISTINCT purchase_date FROM purchases);

-- A client is new to a day, a week or a month with its first purchase in it.
CREATE TABLE days AS
SELECT date_trunc('month', first_date)::DATE AS cohort, purchase_date, count(*) AS orders, sum(quantity)::BIGINT AS quantity,
    sum(amount)::HUGEINT AS revenue, count(*) FILTER (previous_date IS NULL) AS new_clients,
    count(*) FILTER (previous_date IS NULL OR previous_date < purchase_date) AS day_clients,
    count(*) FILTER (previous_date IS NULL OR previous_date < date_trunc('week', purchase_date)) AS week_clients,
    count(*) FILTER (previous_date IS NULL OR previous_date < date_trunc('month', purchase_date)) AS month_clients
FROM facts GROUP BY ALL;

CREATE TABLE product_country AS
SELECT product, country, count(*) AS orders, sum(quantity)::BIGINT AS quantity, sum(amount)::HUGEINT AS revenue,
    sum(unit_price)::HUGEINT AS prices, min(unit_price) AS min_price, max(unit_price) AS max_price,
    min(purchase_date) AS first_date, max(purchase_date) AS last_date
FROM facts GROUP BY ALL;

CREATE TABLE client_product AS SELECT client, product, count(*) AS orders FROM facts GROUP BY ALL;

CREATE TABLE spending AS
SELECT client, count(*) AS orders, sum(quantity)::BIGINT AS quantity, sum(amount)::HUGEINT AS spent,
    min(purchase_date) AS first_date, max(purchase_date) AS last_date
FROM facts GROUP BY ALL;

CREATE TABLE kpis AS
SELECT *, CASE WHEN orders > 0 THEN CASE WHEN recency <= {active} THEN 'active' ELSE 'inactive' END
        ELSE 'prospect' END AS status,
    coalesce(m = 5, false) AS high_value,
    CASE WHEN orders > 0 THEN ({segments})[r][f] ELSE 'no_purchase' END AS segment,
    half(spent, orders)::BIGINT AS average_order,
    half((1000000000000 - p) * 10000, 1000000000000) AS churn,
    half(p * spent * {yearly}, 1000000000000::HUGEINT * prior * {multiple}) AS predicted
FROM (
    SELECT *,
        CASE WHEN orders > 0 THEN
            list_reduce(range(orders), lambda p, step: p * (prior - recency) // prior, 1000000000000)::HUGEINT END AS p,
        CASE WHEN orders > 0 THEN 1 + 5 * (rank() OVER (PARTITION BY orders > 0 ORDER BY recency DESC) - 1) // buyers END AS r,
        CASE WHEN orders > 0 THEN 1 + 5 * (rank() OVER (PARTITION BY orders > 0 ORDER BY orders) - 1) // buyers END AS f,
        CASE WHEN orders > 0 THEN 1 + 5 * (rank() OVER (PARTITION BY orders > 0 ORDER BY spent) - 1) // buyers END AS m
    FROM (
        SELECT client_id, country, signup_date, first_date, last_date, coalesce(orders, 0) AS orders,
            coalesce(quantity, 0) AS quantity, coalesce(spent, 0) AS spent,
            greatest({day}, last_date) - last_date AS recency,
            CASE WHEN orders > 0 THEN greatest({day}, last_date) - least(signup_date, first_date) + 1 END AS tenure,
            {prior_days} + tenure AS prior,
            count(orders) OVER () AS buyers
        FROM all_clients LEFT JOIN spending ON client = all_clients.rowid));
"""


def deviations(db):
    """Adds the standard deviation of each metric, since SQL has no exact root."""
    rows = []
    for metric, n, total, squares in db.execute("SELECT metric, n, total, squares FROM metrics WHERE n > 1").fetchall():
        # The variance, times 10^4 for the places and times 4 for rounding.
        scaled = 4 * 10**4 * (n * int(squares) - int(total) ** 2) // (n * (n - 1))
        rows.append((metric, (math.isqrt(scaled) + 1) // 2))
    db.execute("CREATE TABLE deviations (metric VARCHAR, deviation HUGEINT)")
    if rows:
        db.executemany("INSERT INTO deviations VALUES (?, ?)", rows)


def read(lake, dataset, columns):
    """Returns a query that reads the objects in their order, those with one header together. Lines that are no
    records go to the table `<dataset>_errors`."""
    def part(header, objects):
        cells = ", ".join(f'"{name}"' if name in header else f'NULL AS "{name}"' for name in columns)
        return f"""SELECT {cells} FROM read_csv({list(objects)}, auto_detect = false, header = true, delim = ',', quote = '"',
            escape = '"', columns = {dict.fromkeys(header, 'VARCHAR')}, store_rejects = true, rejects_table = '{dataset}_errors',
            rejects_scan = '{dataset}_scans')"""
    parts = [part(header, objects) for header, objects in groupby(lake.objects(dataset), lake.header)]
    nothing = "SELECT " + ", ".join(f'NULL::VARCHAR AS "{name}"' for name in columns) + " WHERE false"
    return "(" + " UNION ALL ".join(parts or [nothing]) + ")"


def main():
    lake, db = Lake(), duckdb.connect()
    day = f"DATE '{lake.as_of}'"

    def run(script):
        for statement in script.split(";\n"):
            if statement.strip():
                db.execute(statement)

    def write(name, query):
        db.execute(f"COPY ({query}) TO '{lake.table(name)}' (HEADER)")

    run(MACROS)
    db.execute("CREATE TABLE malformed (dataset VARCHAR, file BIGINT, line BIGINT)")
    for dataset, script, columns in (("clients", CLEAN_CLIENTS, CLIENTS), ("purchases", CLEAN_PURCHASES, PURCHASES)):
        run(script.replace("{bronze}", read(lake, dataset, columns)).replace("{EMAIL}", EMAIL))
        if lake.objects(dataset):
            db.execute(f"INSERT INTO malformed SELECT DISTINCT '{dataset}', file_id, line FROM {dataset}_errors")
    write("clients", "SELECT client_id, email_h, signup_date, country FROM clients ORDER BY row")
    write("purchases", """SELECT purchase_id, client_id, product, quantity, cents(unit_price) AS unit_price,
        cents(amount) AS amount, purchase_date FROM purchases ORDER BY row""")

    run(SALES.format(day=day, segments=SEGMENTS, active=ACTIVE_DAYS, prior_days=PRIOR_DAYS, yearly=365 * MARGIN * RETENTION,
                     multiple=100 * (100 + DISCOUNT - RETENTION)))
    write("fact_sales", FACT_SALES)
    write("client_kpis", CLIENT_KPIS.format(MARGIN=MARGIN))
    for by in ("segment", "status"):
        write("client_status" if by == "status" else "client_segments", CLIENT_GROUPS.format(by=by))
    for table, (grain, window, baseline) in PERIODS.items():
        shape = {"day": "%Y-%m-%d", "week": "%G-W%V", "month": "%Y-%m"}[grain]
        year = "1 year" if grain == "month" else "364 days"
        run(PERIOD.format(table=table, grain=grain, window=window, baseline=baseline, shape=shape, year=year))
        write(table, f"FROM {table} ORDER BY period_start")
    percents = [5, 10, 25, 50, 75, 90, 95, 99]
    quantiles = ", ".join(f"any_value(quantile) FILTER (p = {p}) AS p{p}" for p in percents)
    run(METRICS.format(percents=percents, quantiles=quantiles))
    deviations(db)
    write("statistical_distributions", DISTRIBUTIONS)
    for table, query in GOLD.items():
        write(table, query.replace("{day}", day))
    write("gold_summary", SUMMARY.format(day=day))

    def counted(rules):
        return ", ".join(f"count(*) FILTER ({rule}) AS {rule}" for rule in rules)
    run(QUALITY.format(client_repairs=counted(CLIENT_REPAIRS), purchase_repairs=counted(PURCHASE_REPAIRS),
                       client_objects=len(lake.objects("clients")), purchase_objects=len(lake.objects("purchases"))))
    write("quality_report", QUALITY_REPORT)
    expectations = ", ".join(f"('{name}', '{scope}', '{severity}', {expected})"
                             for name, (scope, severity, expected) in EXPECTATIONS.items())
    write("quality_checks", QUALITY_CHECKS.format(
        day=day, expectations=f"(VALUES {expectations}) e(expectation, scope, severity, expected)"))


if __name__ == "__main__":
    main()
