"""Finishes the small tables of pipeline 2 for analytics_polars.py: every number is a whole one until it is written.

Money comes in cents. What comes in is small as well: days by cohort, products by country, counts. Only the table of clients
and the values of metrics have many rows, so what is made from them is made by Polars here too.
"""

import csv
import math
import re
from collections import defaultdict
from datetime import date, timedelta

import polars as pl
from polars import col

from analytics_shared import BINS, EXPECTATIONS, FORMULA, HISTORY, HORIZON, PERIODS, TOP_COUNTRIES, TOP_PAIRS


def half(a, b):
    """a ÷ b, rounded half away from zero; None where b is 0 or either is missing."""
    if a is None or not b:
        return None
    rounded = (2 * abs(a) + b) // (2 * b)
    return -rounded if a < 0 else rounded


def fixed(units, places):
    if units is None:
        return None
    digits = str(abs(units)).rjust(places + 1, "0")
    return ("-" if units < 0 else "") + digits[:-places] + "." + digits[-places:]


def money(a, b=1):
    return fixed(half(a, b), 2)


def ratio(a, b):
    return fixed(half(None if a is None else 10_000 * a, b), 4)


def truth(value):
    return "true" if value else "false"


def safe(text):
    return "'" + text if text is not None and re.match(FORMULA, text) else text


def begin(grain, day):
    return {"day": day, "week": day - timedelta(day.weekday()), "month": day.replace(day=1)}[grain]


def later(month, months):
    months += month.year * 12 + month.month - 1
    return date(months // 12, months % 12 + 1, 1)


def after(grain, start):
    return later(start, 1) if grain == "month" else start + timedelta({"day": 1, "week": 7}[grain])


def month_text(day):
    return f"{day.year:04}-{day.month:02}"


def text_of(grain, start):
    year, week, _ = start.isocalendar()
    return {"day": start.isoformat(), "week": f"{year:04}-W{week:02}", "month": month_text(start)}[grain]


class Tables:
    def __init__(self, lake, days, kpis, products, product_clients, country_clients, registered, names, pairs, recent):
        self.lake, self.kpis, self.products, self.recent = lake, kpis, products, recent
        self.product_clients, self.country_clients, self.registered = product_clients, country_clients, registered
        self.names, self.pairs = names, pairs
        self.days = [row | {"day": date(1970, 1, 1) + timedelta(row["day"])} for row in days]
        self.day_rows = self.month_rows = None

    def write(self, name, header, rows):
        with open(self.lake.table(name), "w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([header.split(), *rows])

    def write_all(self, metrics):
        for by, name in (("segment", "client_segments"), ("status", "client_status")):
            self.client_groups(by, name)
        self.at_risk_clients()
        for name, (grain, window, baseline) in PERIODS.items():
            self.periods(name, grain, window, baseline)
        self.cohort_retention()
        self.product_analytics()
        self.product_countries()
        self.product_pairs()
        self.country_analytics()
        self.seasonality()
        self.sales_forecast()
        daily = pl.Series("value", [row["revenue"] for row in self.day_rows], pl.Int64).value_counts().sort("value")
        metrics["daily_revenue"] = daily["value"], daily["count"].cast(pl.Int64)
        self.metrics(sorted(metrics.items()))
        self.gold_summary()

    def client_groups(self, by, name):
        groups = self.kpis.group_by(by).agg(
            clients=pl.len(), orders=col("orders").sum(), revenue=col("spent").cast(pl.Int128).sum(),
            recency=col("recency").sum(),
            buyers=col("recency").count(), predicted=col("predicted").cast(pl.Int128).sum()).rows(named=True)
        groups.sort(key=lambda g: (-g["revenue"], g[by].encode()))
        clients, revenue = sum(g["clients"] for g in groups), sum(g["revenue"] for g in groups)
        self.write(name, "name clients client_share orders revenue revenue_share average_recency average_orders average_spent "
                   "average_order_value average_predicted_value", (
                       [g[by], g["clients"], ratio(g["clients"], clients), g["orders"], money(g["revenue"]),
                           ratio(g["revenue"], revenue),
                        ratio(g["recency"], g["buyers"]), ratio(g["orders"], g["clients"]), money(g["revenue"], g["clients"]),
                        money(g["revenue"], g["orders"]), money(g["predicted"], g["buyers"])] for g in groups))

    def at_risk_clients(self):
        chosen = self.kpis.filter(col("high_value"), col("status") == "inactive").rows(named=True)
        self.write("at_risk_clients", "client_id country last_purchase_date recency_days orders total_spent churn_probability "
                   "predicted_value segment", (
                       [safe(c["client_id"]), safe(c["country"]), date(1970, 1, 1) + timedelta(c["last"]), c["recency"],
                           c["orders"],
                        money(c["spent"]), fixed(c["churn"], 4), money(c["predicted"]), c["segment"]] for c in chosen))

    def periods(self, name, grain, window, baseline):
        zero = lambda: dict.fromkeys(("orders", "quantity", "revenue", "clients", "new_clients"), 0)
        rows = defaultdict(zero)
        for day in self.days:
            row = rows[begin(grain, day["day"])]
            for what in ("orders", "quantity", "revenue", "new_clients"):
                row[what] += day[what]
            row["clients"] += day[f"{grain}_clients"]
        all_rows, table, so_far = [], [], 0
        first, last = (f((d["day"] for d in self.days), default=None) for f in (min, max))
        start = begin(grain, first) if first else None
        while start is not None and start <= last:
            row = rows[start] | {"start": start, "complete": start >= first and after(grain, start) <= last + timedelta(1)}
            all_rows.append(row)
            revenue, n = row["revenue"], len(all_rows)
            so_far += revenue
            before = all_rows[-2]["revenue"] if n > 1 else None
            year_before = later(start, -12) if grain == "month" else start - timedelta(364)
            year_before = rows[year_before]["revenue"] if year_before >= all_rows[0]["start"] else None
            base = [r["revenue"] for r in all_rows[-baseline - 1:-1]]
            total = sum(base)
            anomaly = len(base) == baseline and (baseline * revenue - total) ** 2 * (baseline - 1) > 9 * baseline * (
                baseline * sum(r * r for r in base) - total**2)
            change = lambda then: None if then is None else ratio(revenue - then, then)
            table.append([text_of(grain, start), start, row["orders"], row["quantity"], money(revenue), row["clients"],
                row["new_clients"],
                          money(revenue, row["orders"]), change(before), change(year_before),
                          money(sum(r["revenue"] for r in all_rows[-window:]), window) if n >= window else None, money(so_far),
                          truth(row["complete"]), truth(anomaly)])
            start = after(grain, start)
        self.write(name, "period period_start orders quantity revenue clients new_clients average_order_value growth growth_year "
                   "moving_average cumulative_revenue complete anomaly", table)
        if grain == "day":
            self.day_rows = all_rows
        elif grain == "month":
            self.month_rows = all_rows

    def cohort_retention(self):
        sizes, active, revenue = defaultdict(int), defaultdict(int), defaultdict(int)
        for row in self.days:
            cohort = date(row["cohort"] // 12, row["cohort"] % 12 + 1, 1)
            month = cohort, row["day"].replace(day=1)
            sizes[cohort] += row["new_clients"]
            active[month] += row["month_clients"]
            revenue[month] += row["revenue"]
        last, table = max((row["day"] for row in self.days), default=None), []
        for cohort, size in sorted(sizes.items()):
            month, index, so_far = cohort, 0, 0
            while month <= last:
                at = cohort, month
                so_far += revenue[at]
                table.append([month_text(cohort), index, month_text(month), size, active[at], ratio(active[at], size),
                    money(revenue[at]),
                              money(so_far, size)])
                month, index = later(month, 1), index + 1
        self.write("cohort_retention", "cohort month_index month cohort_size active_clients retention revenue "
                   "cumulative_revenue_per_client", table)

    def ranked(self, by, rows):
        """Sums of rows by a column, with the rows, by revenue descending."""
        groups = defaultdict(list)
        for row in rows:
            groups[row[by]].append(row)
        sums = [{by: name, "rows": of, **{what: sum(r[what] for r in of) for what in ("orders", "quantity", "revenue", "prices")}}
                for name, of in groups.items()]
        return sorted(sums, key=lambda g: (-g["revenue"], g[by].encode()))

    def product_analytics(self):
        ranked, so_far, table = self.ranked("product", self.products), 0, []
        total = sum(g["revenue"] for g in ranked)
        for rank, g in enumerate(ranked, 1):
            of, (clients, again) = g["rows"], self.product_clients[g["product"]]
            low, high = min(r["min_price"] for r in of), max(r["max_price"] for r in of)
            abc = "A" if 100 * so_far < 80 * total else "B" if 100 * so_far < 95 * total else "C"
            so_far += g["revenue"]
            table.append([
                rank, safe(g["product"]), g["orders"], g["quantity"], money(g["revenue"]), ratio(g["revenue"], total),
                ratio(so_far, total),
                abc, money(g["prices"], g["orders"]), money(low), money(high), money(high - low),
                money(g["revenue"], g["quantity"]),
                clients, again, ratio(again, clients), safe(self.ranked("country", of)[0]["country"]),
                min(r["first"] for r in of),
                max(r["last"] for r in of)])
        self.write("product_analytics",
            "rank product orders quantity revenue market_share cumulative_share abc_class "
            "average_price min_price max_price price_range revenue_per_unit clients repeat_clients repeat_rate top_country "
            "first_sale_date last_sale_date", table)

    def product_countries(self):
        products = sorted(self.ranked("product", self.products), key=lambda g: g["product"].encode())
        self.write("product_countries", "product rank country orders quantity revenue share", (
            [safe(g["product"]), rank, safe(c["country"]), c["orders"], c["quantity"], money(c["revenue"]),
                ratio(c["revenue"], g["revenue"])]
            for g in products for rank, c in enumerate(self.ranked("country", g["rows"])[:TOP_COUNTRIES], 1)))

    def product_pairs(self):
        names, buyers = self.names, sum(self.country_clients.values())
        # The names are in order, so the rows and columns of pairs are.
        found = [(-int(self.pairs[a, b]), a, b) for a, b in zip(*self.pairs.nonzero())
                 if a < b and "NA" not in (names[a], names[b])]
        table = []
        for both, a, b in sorted(found)[:TOP_PAIRS]:
            both, of_a, of_b = -both, self.product_clients[names[a]][0], self.product_clients[names[b]][0]
            table.append([safe(names[a]), safe(names[b]), both, ratio(both, buyers), ratio(both, of_a), ratio(both, of_b),
                          ratio(both * buyers, of_a * of_b)])
        self.write("product_pairs", "product_a product_b clients support confidence_ab confidence_ba lift", table)

    def country_analytics(self):
        sold = {g["country"]: g for g in self.ranked("country", self.products)}
        none = {"orders": 0, "quantity": 0, "revenue": 0, "rows": []}
        countries = [(name, sold.get(name, none)) for name in {*sold, *self.registered}]
        countries.sort(key=lambda c: (-c[1]["revenue"], c[0].encode()))
        total, table = sum(g["revenue"] for g in sold.values()), []
        for rank, (name, g) in enumerate(countries, 1):
            clients, top = self.country_clients.get(name, 0), self.ranked("product", g["rows"])
            table.append([rank, safe(name), g["orders"], g["quantity"], money(g["revenue"]), ratio(g["revenue"], total),
                          money(g["revenue"], g["orders"]), clients, self.registered.get(name, 0), money(g["revenue"], clients),
                          ratio(g["orders"], clients), safe(top[0]["product"]) if top else None])
        self.write("country_analytics", "rank country orders quantity revenue market_share average_order_value clients "
                   "registered_clients revenue_per_client orders_per_client top_product", table)

    def seasonality(self):
        total, table = sum(row["revenue"] for row in self.day_rows), []
        for cycle, of in (("month", lambda day: day.month), ("weekday", date.isoweekday)):
            sums = defaultdict(lambda: [0, 0, 0])
            for row in self.day_rows:
                cell = sums[of(row["start"])]
                cell[0], cell[1], cell[2] = cell[0] + 1, cell[1] + row["orders"], cell[2] + row["revenue"]
            for position, (days, orders, revenue) in sorted(sums.items()):
                table.append([cycle, position, days, orders, money(revenue), money(revenue, days),
                              ratio(revenue * len(self.day_rows), days * total)])
        self.write("seasonality", "cycle position days orders revenue average_daily_revenue index", table)

    def sales_forecast(self):
        used = [m for m in self.month_rows if m["complete"] and m["start"] < self.lake.as_of.replace(day=1)][-HISTORY:]
        n, y, table = len(used), [m["revenue"] for m in used], []
        if n >= 3:
            sx, sy = n * (n - 1) // 2, sum(y)
            sxx, syy = n * sum(x * x for x in range(n)) - sx * sx, n * sum(v * v for v in y) - sy * sy
            sxy = n * sum(x * v for x, v in enumerate(y)) - sx * sy
            for ahead in range(1, HORIZON + 1):
                month = later(used[-1]["start"], ahead)
                forecast = half(sy * sxx - sxy * sx + n * (n - 1 + ahead) * sxy, n * sxx)
                table.append([month_text(month), month, money(max(forecast, 0)), money(sxy, sxx), ratio(sxy * sxy, sxx * syy), n])
        self.write("sales_forecast", "month month_start forecast trend r_squared months_used", table)

    def metrics(self, metrics):
        distributions, histograms = [], []
        for metric, (values, times) in metrics:
            if not len(values):
                distributions.append([metric, 0, "0.0000", *[None] * 17, 0])
                continue
            distributions.append([metric, *self.distribution(values, times)])
            low, high, n = values[0], values[-1], times.sum()
            bins = BINS if high > low else 1
            places = ((values - low) * bins // max(high - low, 1)).clip(0, bins - 1)
            counts = dict(pl.DataFrame({"bin": places, "times": times}).group_by("bin").agg(col("times").sum()).iter_rows())
            edge = lambda at: fixed(half(100 * (low * bins + (high - low) * at), bins), 4)
            for b in range(bins):
                count = counts.get(b, 0)
                histograms.append([metric, b + 1, edge(b), edge(b + 1), count, ratio(count, n)])
        self.write("statistical_distributions",
            "metric count sum mean std min p5 p10 p25 p50 p75 p90 p95 p99 max iqr lower_fence "
                   "upper_fence lower_whisker upper_whisker outliers", distributions)
        self.write("histograms", "metric bin lower upper count share", histograms)

    @staticmethod
    def distribution(values, times):
        """Values are in hundredths. So the quantiles, in ten-thousandths, are whole numbers."""
        up_to, n = times.cum_sum(), times.sum()
        total, squares = pl.DataFrame({"v": values.cast(pl.Int128), "t": times}).select(
            (col("v") * col("t")).sum().alias("total"), (col("v") * col("v") * col("t")).sum().alias("squares")).row(0)
        def q(p):
            place, part = divmod((n - 1) * p, 100)
            low = values[up_to.search_sorted(place, side="right")]
            return 100 * low + (part * (values[up_to.search_sorted(place + 1, side="right")] - low) if part else 0)
        std = None
        if n > 1:
            # The variance, times 10^4 for the places and times 4 for rounding.
            std = (math.isqrt(4 * 10**4 * (n * squares - total**2) // (n * (n - 1))) + 1) // 2
        iqr = q(75) - q(25)
        fences = 2 * q(25) - 3 * iqr, 2 * q(75) + 3 * iqr
        within = (values * 200).is_between(*fences)
        whiskers = values.filter(within)
        units = [100 * total, half(100 * total, n), std, 100 * values[0], *map(q, (5, 10, 25, 50, 75, 90, 95, 99)),
            100 * values[-1],
                 iqr, *(half(fence, 2) for fence in fences), 100 * whiskers[0], 100 * whiskers[-1]]
        return [n, *(fixed(unit, 4) for unit in units), n - times.filter(within).sum()]

    def gold_summary(self):
        as_of, days, kpis = self.lake.as_of, [d for d in self.day_rows if d["orders"]], self.kpis
        revenue, orders, quantity = (sum(d[what] for d in days) for what in ("revenue", "orders", "quantity"))
        buyers = kpis.filter(col("orders") > 0)
        at_risk = buyers.filter(col("high_value"), col("status") == "inactive")
        active, again = (buyers["status"] == "active").sum(), (buyers["orders"] > 1).sum()
        n = buyers.height
        age = lambda d: (as_of - d["start"]).days
        recent, prior = [d for d in days if 0 <= age(d) < 30], [d for d in days if 30 <= age(d) < 60]
        recent_revenue, prior_revenue = (sum(d["revenue"] for d in some) for some in (recent, prior))
        def top(groups, name):
            return (safe(groups[0][name]), money(groups[0]["revenue"])) if groups else (None, None)
        products, countries = self.ranked("product", self.products), self.ranked("country", self.products)
        best = max(days, key=lambda d: d["revenue"], default=None)
        wide = lambda series: series.cast(pl.Int128).sum()
        row = {
            "as_of": as_of, "first_purchase_date": days[0]["start"] if days else None,
            "last_purchase_date": days[-1]["start"] if days else None, "revenue": money(revenue), "orders": orders,
            "quantity": quantity,
            "average_order_value": money(revenue, orders), "clients": kpis.height, "buyers": n, "active_clients": active,
            "inactive_clients": n - active, "prospects": kpis.height - n, "high_value_clients": buyers["high_value"].sum(),
            "at_risk_clients": at_risk.height, "at_risk_revenue": money(wide(at_risk["spent"])), "repeat_clients": again,
            "repeat_rate": ratio(again, n), "revenue_per_buyer": money(revenue, n), "orders_per_buyer": ratio(orders, n),
            "products": len(products), "countries": len(countries),
            **dict(zip(("top_product", "top_product_revenue"), top(products, "product"))),
            **dict(zip(("top_country", "top_country_revenue"), top(countries, "country"))),
            # They are in the order of what they spent.
            "top_client": safe(buyers["client_id"][0]) if n else None,
            "top_client_revenue": money(buyers["spent"][0]) if n else None,
            "best_day": best and best["start"], "best_day_revenue": best and money(best["revenue"]),
            "orders_30d": sum(d["orders"] for d in recent), "revenue_30d": money(recent_revenue), "buyers_30d": self.recent,
            "revenue_prior_30d": money(prior_revenue), "growth_30d": ratio(recent_revenue - prior_revenue, prior_revenue),
            "average_churn_probability": fixed(half(wide(buyers["churn"]), n), 4),
            "predicted_value": money(wide(buyers["predicted"])),
        }
        self.write("gold_summary", " ".join(row), [row.values()])

    def quality(self, report, examined):
        table = []
        for dataset, of in report.items():
            counts, kept, read, missing = of["rules"], of["kept"], of["read"], of["missing"]
            action = lambda name: {rule: n for (what, rule), n in counts.items() if what == name and n}
            rejected, repaired = (sum(action(name).values()) for name in ("rejected", "repaired"))
            superseded = read - kept - rejected
            examined[f"{dataset}_accepted"] = read, rejected
            if not of["objects"]:
                continue
            lost, cells = sum(missing.values()), kept * len(missing)
            table.append([dataset, "rows", "objects", of["objects"], None])
            rows = {"read": read, "kept": kept, "rejected": rejected, "superseded": superseded, "repaired": repaired}
            for name, n in rows.items():
                table.append([dataset, "rows", name, n, ratio(n, read)])
            for what in ("rejected", "repaired"):
                table += ([dataset, what, rule, n, ratio(n, read)] for rule, n in action(what).items())
            table += ([dataset, "missing", name, n, ratio(n, kept)] for name, n in missing.items())
            table.append([dataset, "score", "completeness", None, ratio(cells - lost, cells)])
            table.append([dataset, "score", "uniqueness", None, ratio(kept, kept + superseded)])
            table.append([dataset, "score", "validity", None, ratio(read - rejected, read)])
        self.write("quality_report", "dataset measure name rows rate", sorted(table, key=lambda row: row[:3]))
        checks = []
        for name, (scope, severity, expected) in EXPECTATIONS.items():
            n, failing = examined[name]
            checks.append([name, scope, severity, ratio(n - failing, n), fixed(expected, 4),
                           truth(10_000 * (n - failing) >= expected * n), failing])
        self.write("quality_checks", "expectation scope severity observed expected passed failing_rows", checks)
