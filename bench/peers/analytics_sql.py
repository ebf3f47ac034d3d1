"""The queries of analytics_duckdb.py from the table `facts` on: those of the tables that it writes, and what these need."""

from analytics_shared import BINS, HISTORY, HORIZON, TOP_COUNTRIES, TOP_PAIRS

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
    tenure AS tenure_days, recency AS recency_days,
    ratio(orders * 30, CASE WHEN tenure < 30 THEN 30 ELSE tenure END) AS purchase_frequency,
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
SELECT metric, bin, fixed4(half(100 * (least * bins + (greatest - least) * (bin - 1)), bins)) AS lower,
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
    fixed4(deviation) AS std, fixed4(100 * least) AS min, fixed4(p5) AS p5, fixed4(p10) AS p10, fixed4(p25) AS p25,
    fixed4(p50) AS p50,
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
FROM (UNPIVOT counts ON objects, read, kept, rejected, superseded, repaired INTO NAME name VALUE rows)
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
    UNION ALL SELECT 'email_unique', coalesce(sum(n), 0)::BIGINT, coalesce(sum(n) FILTER (email_h IS NOT NULL AND n > 1),
        0)::BIGINT
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
