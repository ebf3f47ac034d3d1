"""Pipeline 2 in DuckDB: bronze CSV to clients, purchases and all twenty tables of the pipeline, in one process, all in SQL.

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
`malformed_line` alone, and a quote that is never closed takes more lines with it. `lower` maps character by character (final sigma, `ß`), which can show in email_h.
"""

import math
from itertools import groupby

import duckdb

from analytics_shared import (
    ACTIVE_DAYS, BINS, CLIENT_REPAIRS, CLIENTS, DATE, DAY_FIRST, DISCOUNT, EMAIL, EXPECTATIONS, FORMULA, HISTORY, HORIZON,
    INSTANT, MARGIN, PERIODS, PRIOR_DAYS, PURCHASE_REPAIRS, PURCHASES, RETENTION, SEGMENTS, SLASHED, TOP_COUNTRIES,
    TOP_PAIRS, Lake,
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

CLEAN = """
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
SELECT DISTINCT purchase_date, strftime(purchase_date, '%Y-%m') AS month, strftime(purchase_date, '%G-W%V') AS week,
    isodow(purchase_date) AS weekday
FROM facts;

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
SELECT *, CASE WHEN orders > 0 THEN CASE WHEN recency <= {ACTIVE_DAYS} THEN 'active' ELSE 'inactive' END
        ELSE 'prospect' END AS status,
    coalesce(m = 5, false) AS high_value,
    CASE WHEN orders > 0 THEN ({segments})[r][f] ELSE 'no_purchase' END AS segment,
    half(spent, orders)::BIGINT AS average_order,
    half((1000000000000 - p) * 10000, 1000000000000) AS churn,
    half(p * spent * 365 * {MARGIN} * {RETENTION}, 1000000000000::HUGEINT * prior * 100 * (100 + {DISCOUNT} - {RETENTION}))
        AS predicted
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
            {PRIOR_DAYS} + tenure AS prior,
            count(orders) OVER () AS buyers
        FROM all_clients LEFT JOIN spending ON client = all_clients.rowid));
"""

FACT_SALES = """
SELECT safe(purchase_id) AS purchase_id, purchase_date, safe(client_id) AS client_id, safe(f.country) AS country,
    f.known AS known_client, safe(product) AS product, quantity, cents(unit_price) AS unit_price, cents(amount) AS amount,
    month, week, weekday, purchase_number, first_date AS first_purchase_date,
    purchase_date - previous_date AS days_since_previous
FROM facts f JOIN calendar USING (purchase_date) JOIN all_clients c ON client = c.rowid ORDER BY f.purchase_id
"""

CLIENT_KPIS = """
SELECT safe(client_id) AS client_id, safe(country) AS country, signup_date, first_date AS first_purchase_date,
    last_date AS last_purchase_date, orders, quantity, fixed2(spent) AS total_spent, fixed2(average_order) AS average_order_value,
    tenure AS tenure_days, recency AS recency_days, ratio(orders * 30, CASE WHEN tenure < 30 THEN 30 ELSE tenure END) AS purchase_frequency,
    ratio(last_date - first_date, orders - 1) AS days_between_purchases, money(spent * {MARGIN}, 100) AS lifetime_value,
    fixed4(churn) AS churn_probability, fixed2(predicted) AS predicted_value, r AS r_score, f AS f_score, m AS m_score,
    r || '' || f || m AS rfm_score, segment, status, high_value
FROM kpis k ORDER BY spent DESC, k.client_id
"""

CLIENT_GROUPS = """
SELECT {by} AS name, count(*) AS clients, ratio(count(*), sum(count(*)) OVER ()) AS client_share, sum(orders) AS orders,
    fixed2(sum(spent)) AS revenue, ratio(sum(spent), sum(sum(spent)) OVER ()) AS revenue_share,
    ratio(sum(recency), count(recency)) AS average_recency, ratio(sum(orders), count(*)) AS average_orders,
    money(sum(spent), count(*)) AS average_spent, money(sum(spent), sum(orders)) AS average_order_value,
    money(sum(predicted), count(predicted)) AS average_predicted_value
FROM kpis GROUP BY {by} ORDER BY sum(spent) DESC, {by}
"""

PERIOD = """
CREATE TABLE {table} AS
WITH ends AS (SELECT min(purchase_date) AS first_day, max(purchase_date) AS last_day FROM days),
sums AS (
    SELECT date_trunc('{grain}', purchase_date)::DATE AS period_start, sum(orders) AS orders, sum(quantity) AS quantity,
        sum(revenue) AS revenue, sum({grain}_clients) AS clients, sum(new_clients) AS new_clients
    FROM days GROUP BY 1),
periods AS (
    SELECT start::DATE AS period_start, coalesce(orders, 0)::BIGINT AS orders, coalesce(quantity, 0)::BIGINT AS quantity,
        coalesce(revenue, 0)::HUGEINT AS revenue, coalesce(clients, 0)::BIGINT AS clients,
        coalesce(new_clients, 0)::BIGINT AS new_clients,
        start >= first_day AND start + INTERVAL 1 {grain} <= last_day + INTERVAL 1 day AS complete
    FROM (SELECT first_day, last_day, unnest(generate_series(
            date_trunc('{grain}', first_day), date_trunc('{grain}', last_day), INTERVAL 1 {grain})) AS start FROM ends)
    LEFT JOIN sums ON sums.period_start = start::DATE),
windows AS (
    SELECT *, row_number() OVER so_far AS n, lag(revenue) OVER so_far AS previous, sum(revenue) OVER so_far AS cumulative,
        sum(revenue) OVER (so_far ROWS {window} - 1 PRECEDING) AS moving,
        sum(revenue) OVER (so_far ROWS BETWEEN {baseline} PRECEDING AND 1 PRECEDING) AS base,
        sum(revenue * revenue) OVER (so_far ROWS BETWEEN {baseline} PRECEDING AND 1 PRECEDING) AS base_squares
    FROM periods WINDOW so_far AS (ORDER BY period_start))
SELECT strftime(w.period_start, '{shape}') AS period, w.period_start, w.orders, w.quantity, fixed2(w.revenue) AS revenue,
    w.clients, w.new_clients, money(w.revenue, w.orders) AS average_order_value,
    ratio(w.revenue - previous, previous) AS growth, ratio(w.revenue - y.revenue, y.revenue) AS growth_year,
    CASE WHEN n >= {window} THEN money(moving, {window}) END AS moving_average, fixed2(cumulative) AS cumulative_revenue,
    w.complete,
    n > {baseline} AND ({baseline} * w.revenue - base) * ({baseline} * w.revenue - base) * ({baseline} - 1)
        > 9 * {baseline} * ({baseline} * base_squares - base * base) AS anomaly
FROM windows w LEFT JOIN periods y ON y.period_start = (w.period_start - INTERVAL {year})::DATE
ORDER BY w.period_start
"""

GOLD = {
    "at_risk_clients": """
SELECT safe(client_id) AS client_id, safe(country) AS country, last_date AS last_purchase_date, recency AS recency_days, orders,
    fixed2(spent) AS total_spent, fixed4(churn) AS churn_probability, fixed2(predicted) AS predicted_value, segment
FROM kpis k WHERE high_value AND status = 'inactive' ORDER BY spent DESC, k.client_id
""",
    "cohort_retention": """
WITH active AS (
    SELECT cohort, date_trunc('month', purchase_date)::DATE AS month, sum(month_clients) AS clients, sum(revenue) AS revenue
    FROM days GROUP BY ALL),
cohorts AS (
    SELECT cohort, sum(new_clients) AS size, unnest(generate_series(
        cohort, (SELECT max(purchase_date) FROM days), INTERVAL 1 month))::DATE AS month
    FROM days GROUP BY cohort)
SELECT strftime(cohort, '%Y-%m') AS cohort, row_number() OVER months - 1 AS month_index, strftime(month, '%Y-%m') AS month,
    size AS cohort_size, coalesce(clients, 0) AS active_clients, ratio(coalesce(clients, 0), size) AS retention,
    fixed2(coalesce(revenue, 0)) AS revenue, money(sum(coalesce(revenue, 0)) OVER months, size) AS cumulative_revenue_per_client
FROM cohorts c LEFT JOIN active USING (cohort, month) WINDOW months AS (PARTITION BY cohort ORDER BY month)
ORDER BY c.cohort, c.month
""",
    "product_analytics": """
WITH products AS (
    SELECT product, sum(orders) AS orders, sum(quantity) AS quantity, sum(revenue) AS revenue, sum(prices) AS prices,
        min(min_price) AS min_price, max(max_price) AS max_price, min(first_date) AS first_date, max(last_date) AS last_date,
        arg_min(country, {'revenue': -revenue, 'country': country}) AS top_country
    FROM product_country GROUP BY product),
ranked AS (
    SELECT *, sum(revenue) OVER () AS total, sum(revenue) OVER ranks AS so_far, row_number() OVER ranks AS rank
    FROM products JOIN (SELECT product, count(*) AS clients, count(*) FILTER (orders > 1) AS repeat_clients
        FROM client_product GROUP BY product) USING (product)
    WINDOW ranks AS (ORDER BY revenue DESC, product ROWS UNBOUNDED PRECEDING))
SELECT rank, safe(product) AS product, orders, quantity, fixed2(revenue) AS revenue, ratio(revenue, total) AS market_share,
    ratio(so_far, total) AS cumulative_share, CASE WHEN 100 * (so_far - revenue) < 80 * total THEN 'A'
        WHEN 100 * (so_far - revenue) < 95 * total THEN 'B' ELSE 'C' END AS abc_class,
    money(prices, orders) AS average_price, fixed2(min_price) AS min_price, fixed2(max_price) AS max_price,
    fixed2(max_price - min_price) AS price_range, money(revenue, quantity) AS revenue_per_unit, clients, repeat_clients,
    ratio(repeat_clients, clients) AS repeat_rate, safe(top_country) AS top_country, first_date AS first_sale_date,
    last_date AS last_sale_date
FROM ranked r ORDER BY r.rank
""",
    "product_countries": f"""
SELECT safe(product) AS product, rank, safe(country) AS country, orders, quantity, fixed2(revenue) AS revenue, share
FROM (SELECT *, row_number() OVER (PARTITION BY product ORDER BY revenue DESC, country) AS rank,
        ratio(revenue, sum(revenue) OVER (PARTITION BY product)) AS share FROM product_country) r
WHERE rank <= {TOP_COUNTRIES} ORDER BY r.product, r.rank
""",
    "product_pairs": f"""
WITH singles AS (SELECT product, count(*) AS clients FROM client_product GROUP BY product),
pairs AS (
    SELECT a.product AS product_a, b.product AS product_b, count(*) AS clients
    FROM client_product a JOIN client_product b ON a.client = b.client AND a.product < b.product
    WHERE a.product <> 'NA' AND b.product <> 'NA' GROUP BY ALL ORDER BY 3 DESC, 1, 2 LIMIT {TOP_PAIRS})
SELECT safe(product_a) AS product_a, safe(product_b) AS product_b, p.clients, ratio(p.clients, buyers) AS support,
    ratio(p.clients, a.clients) AS confidence_ab, ratio(p.clients, b.clients) AS confidence_ba,
    ratio(p.clients * buyers, a.clients * b.clients) AS lift
FROM pairs p JOIN singles a ON a.product = product_a JOIN singles b ON b.product = product_b,
    (SELECT count(*) AS buyers FROM spending)
ORDER BY p.clients DESC, p.product_a, p.product_b
""",
    "country_analytics": """
WITH sold AS (
    SELECT country, sum(orders) AS orders, sum(quantity) AS quantity, sum(revenue) AS revenue,
        arg_min(product, {'revenue': -revenue, 'product': product}) AS top_product
    FROM product_country GROUP BY country),
people AS (
    SELECT country, count(orders) FILTER (orders > 0) AS clients, count(*) FILTER (known) AS registered
    FROM all_clients LEFT JOIN spending ON client = all_clients.rowid GROUP BY country),
countries AS (
    SELECT country, clients, registered, coalesce(orders, 0) AS orders, coalesce(quantity, 0) AS quantity,
        coalesce(revenue, 0) AS revenue, top_product
    FROM people LEFT JOIN sold USING (country))
SELECT row_number() OVER (ORDER BY revenue DESC, country) AS rank, safe(country) AS country, orders, quantity,
    fixed2(revenue) AS revenue, ratio(revenue, sum(revenue) OVER ()) AS market_share,
    money(revenue, orders) AS average_order_value, clients, registered AS registered_clients,
    money(revenue, clients) AS revenue_per_client, ratio(orders, clients) AS orders_per_client, safe(top_product) AS top_product
FROM countries c ORDER BY c.revenue DESC, c.country
""",
    "seasonality": """
WITH cells AS (
    SELECT unnest([('month', month(period_start)), ('weekday', isodow(period_start))]) AS cell, orders,
        (revenue * 100)::HUGEINT AS revenue FROM daily_sales),
total AS (SELECT sum(revenue * 100)::HUGEINT AS revenue, count(*) AS days FROM daily_sales)
SELECT cell[1] AS cycle, cell[2] AS position, count(*) AS days, sum(orders) AS orders, fixed2(sum(c.revenue)) AS revenue,
    money(sum(c.revenue), count(*)) AS average_daily_revenue,
    ratio(sum(c.revenue) * any_value(total.days), count(*) * any_value(total.revenue)) AS index
FROM cells c, total GROUP BY cell ORDER BY cycle, position
""",
    "sales_forecast": f"""
WITH used AS (
    SELECT period_start, (revenue * 100)::HUGEINT AS y, row_number() OVER (ORDER BY period_start) - 1 AS x
    FROM (FROM monthly_sales WHERE complete AND period_start < date_trunc('month', {{day}})
        ORDER BY period_start DESC LIMIT {HISTORY})),
sums AS (
    SELECT count(*)::HUGEINT AS n, sum(x) AS sx, sum(y) AS sy, n * sum(x * y) - sx * sy AS sxy, n * sum(x * x) - sx * sx AS sxx,
        n * sum(y * y) - sy * sy AS syy, max(period_start) AS last_month
    FROM used HAVING n >= 3)
SELECT strftime(month_start, '%Y-%m') AS month, month_start,
    fixed2(greatest(half(sy * sxx - sxy * sx + n * (n - 1 + ahead) * sxy, n * sxx), 0)) AS forecast, money(sxy, sxx) AS trend,
    ratio(sxy * sxy, sxx * syy) AS r_squared, n::BIGINT AS months_used
FROM (SELECT *, (last_month + to_months(ahead::INTEGER))::DATE AS month_start
    FROM sums, (SELECT unnest(range(1, {HORIZON} + 1)) AS ahead)) ORDER BY month_start
""",
    "histograms": f"""
SELECT metric, bin, fixed4(half(2 * 100 * (least * bins + (greatest - least) * (bin - 1)), 2 * bins)) AS lower,
    fixed4(half(100 * (least * bins + (greatest - least) * bin), bins)) AS upper, coalesce(times, 0) AS count,
    ratio(coalesce(times, 0), n) AS share
FROM (SELECT metric, n, least, greatest, CASE WHEN greatest > least THEN {BINS} ELSE 1 END AS bins,
        unnest(range(1, bins + 1)) AS bin FROM metrics WHERE n > 0)
LEFT JOIN (
    SELECT metric, CASE WHEN greatest > least
        THEN least({BINS}, 1 + (value - least) * {BINS} // (greatest - least)) ELSE 1 END AS bin, sum(times)::BIGINT AS times
    FROM metric_values JOIN metrics USING (metric) GROUP BY ALL) USING (metric, bin)
ORDER BY metric, bin
""",
}

# Values are in hundredths. So the quantiles, in ten-thousandths, are whole numbers.
METRICS = """
CREATE TABLE metric_values AS
WITH counted AS (
    SELECT CASE grouping(amount, f.quantity, unit_price, days_since) WHEN 7 THEN 'amount' WHEN 11 THEN 'quantity'
            WHEN 13 THEN 'unit_price' WHEN 14 THEN 'days_since_previous' END AS metric,
        coalesce(amount, unit_price, 100 * coalesce(f.quantity, days_since))::HUGEINT AS value, count(*) AS times
    FROM (SELECT amount, quantity, unit_price, (purchase_date - previous_date)::BIGINT AS days_since FROM facts) f
    GROUP BY GROUPING SETS ((amount), (f.quantity), (unit_price), (days_since))
    UNION ALL
    SELECT 'total_spent', spent, count(*) FROM kpis WHERE orders > 0 GROUP BY ALL
    UNION ALL
    SELECT 'average_order_value', average_order, count(*) FROM kpis WHERE orders > 0 GROUP BY ALL
    UNION ALL
    SELECT 'recency_days', 100 * recency, count(*) FROM kpis WHERE orders > 0 GROUP BY ALL
    UNION ALL
    SELECT 'orders_per_client', 100 * orders, count(*) FROM kpis WHERE orders > 0 GROUP BY ALL
    UNION ALL
    SELECT 'daily_revenue', (revenue * 100)::HUGEINT, count(*) FROM daily_sales GROUP BY ALL)
SELECT metric, value, times, sum(times) OVER (PARTITION BY metric ORDER BY value)::BIGINT AS up_to
FROM counted WHERE value IS NOT NULL;

CREATE TABLE metrics AS
SELECT metric, coalesce(n, 0) AS n, total, squares, least, greatest
FROM (SELECT unnest(['amount', 'average_order_value', 'daily_revenue', 'days_since_previous', 'orders_per_client', 'quantity',
    'recency_days', 'total_spent', 'unit_price']) AS metric)
LEFT JOIN (
    SELECT metric, sum(times)::BIGINT AS n, sum(value * times) AS total, sum(value * value * times) AS squares,
        min(value) AS least, max(value) AS greatest
    FROM metric_values GROUP BY metric) USING (metric);

CREATE TABLE quantiles AS
WITH places AS (
    SELECT metric, p, (n - 1) * p // 100 AS place, (n - 1) * p % 100 AS part
    FROM metrics, (SELECT unnest({percents}) AS p) WHERE n > 0)
SELECT p.metric, p.p, 100 * low.value + part * (high.value - low.value) AS quantile
FROM places p
JOIN metric_values low ON low.metric = p.metric AND low.up_to > place AND low.up_to - low.times <= place
JOIN metric_values high ON high.metric = p.metric
    AND high.up_to > place + (part > 0)::INTEGER AND high.up_to - high.times <= place + (part > 0)::INTEGER;

CREATE TABLE fences AS
SELECT *, 2 * p25 - 3 * (p75 - p25) AS lower, 2 * p75 + 3 * (p75 - p25) AS upper
FROM (SELECT metric, {quantiles} FROM quantiles GROUP BY metric);
"""

DISTRIBUTIONS = """
SELECT metric, n AS count, fixed4(coalesce(100 * total, 0)) AS sum, ratio(total, 100::HUGEINT * n) AS mean,
    fixed4(deviation) AS std, fixed4(100 * least) AS min, fixed4(p5) AS p5, fixed4(p10) AS p10, fixed4(p25) AS p25, fixed4(p50) AS p50,
    fixed4(p75) AS p75, fixed4(p90) AS p90, fixed4(p95) AS p95, fixed4(p99) AS p99, fixed4(100 * greatest) AS max,
    fixed4(p75 - p25) AS iqr, fixed4(half(lower, 2)) AS lower_fence, fixed4(half(upper, 2)) AS upper_fence,
    fixed4(100 * lower_whisker) AS lower_whisker, fixed4(100 * upper_whisker) AS upper_whisker, coalesce(outliers, 0) AS outliers
FROM metrics LEFT JOIN deviations USING (metric)
LEFT JOIN fences USING (metric)
LEFT JOIN (
    SELECT metric, min(value) FILTER (within) AS lower_whisker, max(value) FILTER (within) AS upper_whisker,
        coalesce(sum(times) FILTER (NOT within), 0) AS outliers
    FROM (SELECT metric, value, times, 200 * value BETWEEN lower AND upper AS within
        FROM metric_values JOIN fences USING (metric)) GROUP BY metric) USING (metric)
ORDER BY metric
"""

SUMMARY = """
WITH k AS (
    SELECT count(*) AS clients, count(*) FILTER (orders > 0) AS buyers, count(*) FILTER (status = 'active') AS active_clients,
        count(*) FILTER (status = 'inactive') AS inactive_clients, count(*) FILTER (status = 'prospect') AS prospects,
        count(*) FILTER (high_value) AS high_value_clients, count(*) FILTER (high_value AND status = 'inactive') AS at_risk,
        coalesce(sum(spent) FILTER (high_value AND status = 'inactive'), 0) AS at_risk_revenue,
        count(*) FILTER (orders > 1) AS repeat_clients, sum(churn) AS churn, coalesce(sum(predicted), 0) AS predicted,
        arg_min(client_id, {{'spent': -spent, 'client': client_id}}) FILTER (orders > 0) AS top_client,
        max(spent) FILTER (orders > 0) AS top_client_revenue
    FROM kpis),
d AS (
    SELECT min(purchase_date) AS first_date, max(purchase_date) AS last_date, coalesce(sum(revenue), 0) AS revenue,
        coalesce(sum(orders), 0) AS orders, coalesce(sum(quantity), 0) AS quantity,
        coalesce(sum(orders) FILTER (age < 30), 0) AS orders_30d, coalesce(sum(revenue) FILTER (age < 30), 0) AS revenue_30d,
        coalesce(sum(revenue) FILTER (age >= 30 AND age < 60), 0) AS prior
    FROM (SELECT *, CASE WHEN purchase_date <= {day} THEN {day} - purchase_date END AS age FROM days)),
best AS (
    SELECT purchase_date AS best_day, sum(revenue) AS best_revenue FROM days GROUP BY 1 ORDER BY best_revenue DESC, 1 LIMIT 1),
recent AS (
    SELECT count(DISTINCT client) AS buyers_30d FROM facts WHERE purchase_date <= {day} AND purchase_date > {day} - 30),
kinds AS (SELECT count(DISTINCT product) AS products, count(DISTINCT country) AS countries FROM product_country),
product AS (
    SELECT product AS top_product, sum(revenue) AS product_revenue FROM product_country GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 1),
country AS (
    SELECT country AS top_country, sum(revenue) AS country_revenue FROM product_country GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 1)
SELECT {day} AS as_of, first_date AS first_purchase_date, last_date AS last_purchase_date, fixed2(revenue) AS revenue, orders,
    quantity, money(revenue, orders) AS average_order_value, clients, buyers, active_clients, inactive_clients, prospects,
    high_value_clients, at_risk AS at_risk_clients, fixed2(at_risk_revenue) AS at_risk_revenue, repeat_clients,
    ratio(repeat_clients, buyers) AS repeat_rate, money(revenue, buyers) AS revenue_per_buyer,
    ratio(orders, buyers) AS orders_per_buyer, products, countries, safe(top_product) AS top_product,
    fixed2(product_revenue) AS top_product_revenue, safe(top_country) AS top_country,
    fixed2(country_revenue) AS top_country_revenue, safe(top_client) AS top_client,
    fixed2(top_client_revenue) AS top_client_revenue, best_day, fixed2(best_revenue) AS best_day_revenue, orders_30d,
    fixed2(revenue_30d) AS revenue_30d, buyers_30d, fixed2(prior) AS revenue_prior_30d,
    ratio(revenue_30d - prior, prior) AS growth_30d, fixed4(half(churn, buyers)) AS average_churn_probability,
    fixed2(predicted) AS predicted_value
FROM k, d, recent, kinds LEFT JOIN best ON true LEFT JOIN product ON true LEFT JOIN country ON true
"""

QUALITY = """
CREATE TABLE rules AS
SELECT 'clients' AS dataset, 'rejected' AS measure, rejected AS name, count(*) AS rows FROM client_rows GROUP BY ALL
UNION ALL SELECT 'purchases', 'rejected', rejected, count(*) FROM purchase_rows GROUP BY ALL
UNION ALL SELECT dataset, 'rejected', 'malformed_line', count(*) FROM malformed GROUP BY ALL
UNION ALL SELECT 'clients', 'repaired', name, rows FROM (
    UNPIVOT (SELECT {client_repairs} FROM client_rows WHERE rejected IS NULL)
    ON COLUMNS(*) INTO NAME name VALUE rows)
UNION ALL SELECT 'purchases', 'repaired', name, rows FROM (
    UNPIVOT (SELECT {purchase_repairs} FROM purchase_rows WHERE rejected IS NULL)
    ON COLUMNS(*) INTO NAME name VALUE rows);

CREATE TABLE counts AS
SELECT dataset, objects, rows + malformed AS read, kept, rejected, read - kept - rejected AS superseded, repaired
FROM (
    SELECT dataset, objects, rows, kept, (SELECT count(*) FROM malformed m WHERE m.dataset = c.dataset) AS malformed,
        (SELECT coalesce(sum(rows), 0)::BIGINT FROM rules r
            WHERE r.dataset = c.dataset AND measure = 'rejected' AND name IS NOT NULL) AS rejected,
        (SELECT coalesce(sum(rows), 0)::BIGINT FROM rules r WHERE r.dataset = c.dataset AND measure = 'repaired') AS repaired
    FROM (SELECT 'clients' AS dataset, {client_objects} AS objects, (SELECT count(*) FROM client_rows) AS rows,
            (SELECT count(*) FROM clients) AS kept
        UNION ALL SELECT 'purchases', {purchase_objects}, (SELECT count(*) FROM purchase_rows),
            (SELECT count(*) FROM purchases)) c
    WHERE objects > 0);

CREATE TABLE missing AS
SELECT 'clients' AS dataset, name, rows FROM (UNPIVOT (
        SELECT count(*) FILTER (client_id IS NULL) AS client_id, count(*) FILTER (country = 'NA') AS country,
            count(*) FILTER (email_h IS NULL) AS email_h, count(*) FILTER (signup_date IS NULL) AS signup_date FROM clients)
    ON COLUMNS(*) INTO NAME name VALUE rows)
UNION ALL SELECT 'purchases', name, rows FROM (UNPIVOT (
        SELECT count(*) FILTER (amount IS NULL) AS amount, count(*) FILTER (client_id IS NULL) AS client_id,
            count(*) FILTER (product = 'NA') AS product, count(*) FILTER (purchase_date IS NULL) AS purchase_date,
            count(*) FILTER (purchase_id IS NULL) AS purchase_id, count(*) FILTER (quantity IS NULL) AS quantity,
            count(*) FILTER (unit_price IS NULL) AS unit_price FROM purchases)
    ON COLUMNS(*) INTO NAME name VALUE rows);
"""

QUALITY_REPORT = """
SELECT dataset, 'rows' AS measure, name, rows, CASE WHEN name <> 'objects' THEN ratio(rows, read) END AS rate
FROM (UNPIVOT (SELECT *, read AS of FROM counts) ON objects, read, kept, rejected, superseded, repaired INTO NAME name VALUE rows)
JOIN (SELECT dataset, read FROM counts) USING (dataset)
UNION ALL SELECT dataset, measure, name, rows, ratio(rows, read) FROM rules JOIN counts USING (dataset)
WHERE name IS NOT NULL AND rows > 0
UNION ALL SELECT dataset, 'missing', name, rows, ratio(rows, kept) FROM missing JOIN counts USING (dataset)
UNION ALL SELECT dataset, 'score', 'completeness', NULL, ratio(kept * columns - rows, kept * columns) FROM counts
    JOIN (SELECT dataset, sum(rows)::BIGINT AS rows, count(*) AS columns FROM missing GROUP BY dataset) USING (dataset)
UNION ALL SELECT dataset, 'score', 'uniqueness', NULL, ratio(kept, kept + superseded) FROM counts
UNION ALL SELECT dataset, 'score', 'validity', NULL, ratio(read - rejected, read) FROM counts
ORDER BY dataset, measure, name
"""

QUALITY_CHECKS = """
WITH examined AS (
    SELECT 'amount_matches_price' AS expectation, count(*) AS examined,
        count(*) FILTER (abs(amount - quantity * unit_price) > quantity) AS failing FROM purchases
    UNION ALL SELECT dataset || '_accepted', coalesce(read, 0), coalesce(rejected, 0)
        FROM (SELECT unnest(['clients', 'purchases']) AS dataset) LEFT JOIN counts USING (dataset)
    UNION ALL SELECT 'email_present', count(*), count(*) FILTER (email_h IS NULL) FROM clients
    UNION ALL SELECT 'email_unique', coalesce(sum(n), 0)::BIGINT, coalesce(sum(n) FILTER (email_h IS NOT NULL AND n > 1), 0)::BIGINT
        FROM (SELECT email_h, count(*) AS n FROM clients GROUP BY email_h)
    UNION ALL SELECT 'known_client', coalesce(sum(orders), 0)::BIGINT, coalesce(sum(orders) FILTER (NOT known), 0)::BIGINT
        FROM spending JOIN all_clients c ON client = c.rowid
    UNION ALL SELECT 'no_future_purchase', coalesce(sum(orders), 0)::BIGINT,
        coalesce(sum(orders) FILTER (purchase_date > {day}), 0)::BIGINT FROM days
    UNION ALL SELECT 'not_before_signup', count(*), count(*) FILTER (purchase_date < signup_date)
        FROM facts JOIN all_clients c ON client = c.rowid
    UNION ALL SELECT 'sales_reconcile', (SELECT count(*) FROM purchases), count(*)
        FROM facts f FULL JOIN purchases p USING (purchase_id, quantity, amount) WHERE f.client IS NULL OR p.client_id IS NULL)
SELECT expectation, scope, severity, ratio(examined - failing, examined) AS observed, fixed4(expected) AS expected,
    10000 * (examined - failing) >= expected * examined AS passed, failing AS failing_rows
FROM examined JOIN {expectations} USING (expectation) ORDER BY expectation
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
    """Returns a query that reads the objects in their order, those with one header together. Lines that are no records go to
    the table `errors`."""
    def part(header, objects):
        cells = ", ".join(f'"{name}"' if name in header else f'NULL AS "{name}"' for name in columns)
        return f"""SELECT {cells} FROM read_csv({list(objects)}, auto_detect = false, header = true, delim = ',', quote = '"',
            escape = '"', columns = {dict.fromkeys(header, 'VARCHAR')}, store_rejects = true, rejects_table = '{dataset}_errors', rejects_scan = '{dataset}_scans')"""
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
    clients, purchases = CLEAN.split("CREATE TABLE purchase_rows")
    for dataset, script, columns in (("clients", clients, CLIENTS), ("purchases", "CREATE TABLE purchase_rows" + purchases, PURCHASES)):
        run(script.replace("{bronze}", read(lake, dataset, columns)).replace("{EMAIL}", EMAIL))
        if lake.objects(dataset):
            db.execute(f"INSERT INTO malformed SELECT DISTINCT '{dataset}', file_id, line FROM {dataset}_errors")
    write("clients", "SELECT client_id, email_h, signup_date, country FROM clients ORDER BY row")
    write("purchases", """SELECT purchase_id, client_id, product, quantity, cents(unit_price) AS unit_price,
        cents(amount) AS amount, purchase_date FROM purchases ORDER BY row""")

    run(SALES.format(day=day, segments=SEGMENTS, **globals()))
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
