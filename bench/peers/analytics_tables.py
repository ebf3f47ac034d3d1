"""Computes the KPIs of pipelines/analytics from the tables that they read, and compares them with what smelt wrote.

It shares nothing with smelt: every number is a fraction of Python until it is rounded once, and every table is made from all rows.

    python3 bench/peers/analytics_tables.py pipelines/analytics/cases/spine/expected as-of=2025-11-18

The directory has silver/<table>.csv and gold/<table>.csv, as `expected` of a case does. The parameters of the pipeline are
those of the manifest; others are given as history=6, horizon=1, bins=5, limit_countries=2, limit_pairs=9.
"""

import csv
import sys
from collections import Counter, defaultdict
from datetime import date
from fractions import Fraction as F
from itertools import combinations
from math import isqrt
from pathlib import Path


def half_away(x, places):
    """Text of x with so many places, rounded half away from zero; empty for None."""
    if x is None:
        return ""
    x = F(x) * 10**places
    n = (2 * abs(x).numerator + x.denominator) // (2 * x.denominator)
    digits = str(n).rjust(places + 1, "0")
    sign = "-" if x < 0 and n else ""
    return sign + (digits[:-places] + "." + digits[-places:])


money = lambda x: half_away(x, 2)
ratio = lambda x: half_away(x, 4)


def over(a, b):
    return None if b in (0, None) or a is None else F(a) / F(b)


def plain(cell):
    return cell[1:] if cell[:1] == "'" and len(cell) > 1 else cell


def read(path):
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    return rows[0], [[plain(cell) for cell in row] for row in rows[1:]]


def records(path):
    header, rows = read(path)
    return [dict(zip(header, row)) for row in rows]


def key(text):
    return text.encode()


def day(text):
    return date.fromisoformat(text)


def month_of(text):
    return text[:7]


def months_between(first, last):
    year, month = map(int, first.split("-"))
    while True:
        name = f"{year:04}-{month:02}"
        if name > last:
            return
        yield name
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)


class Lake:
    def __init__(self, directory, as_of, parameters):
        self.sales = records(directory / "silver/fact_sales.csv")
        for row in self.sales:
            row["amount"], row["unit_price"], row["quantity"] = F(row["amount"]), F(row["unit_price"]), int(row["quantity"])
        self.kpis = records(directory / "silver/client_kpis.csv")
        clients = directory / "silver/clients.csv"
        self.clients = records(clients) if clients.exists() else []
        self.days = records(directory / "silver/daily_sales.csv")
        self.months = records(directory / "silver/monthly_sales.csv")
        self.as_of, self.parameters = as_of, parameters

    def client_groups(self, by):
        groups = defaultdict(list)
        for client in self.kpis:
            groups[client[by]].append(client)
        total = sum(F(c["total_spent"]) for c in self.kpis)
        rows = []
        for name, group in groups.items():
            n, orders = len(group), sum(int(c["orders"]) for c in group)
            revenue = sum(F(c["total_spent"]) for c in group)
            mean = lambda column: over(sum(F(c[column]) for c in group if c[column]), sum(c[column] != "" for c in group))
            rows.append((-revenue, key(name), [
                name, n, ratio(F(n, len(self.kpis))), orders, money(revenue), ratio(over(revenue, total)),
                ratio(mean("recency_days")), ratio(F(orders, n)), money(revenue / n), money(over(revenue, orders)),
                money(mean("predicted_value"))]))
        return [row[2] for row in sorted(rows)]

    def client_segments(self):
        return self.client_groups("segment")

    def client_status(self):
        return self.client_groups("status")

    def at_risk_clients(self):
        columns = "client_id country last_purchase_date recency_days orders total_spent churn_probability predicted_value segment"
        chosen = [c for c in self.kpis if c["high_value"] == "true" and c["status"] == "inactive"]
        chosen.sort(key=lambda c: (-F(c["total_spent"]), key(c["client_id"])))
        return [[c[column] for column in columns.split()] for c in chosen]

    def cohort_retention(self):
        cohorts = defaultdict(set)
        for s in self.sales:
            cohorts[month_of(s["first_purchase_date"])].add(s["client_id"])
        rows = []
        for cohort, members in sorted(cohorts.items()):
            sofar = F(0)
            last = max(month_of(s["purchase_date"]) for s in self.sales)
            for index, month in enumerate(months_between(cohort, last)):
                now = [s for s in self.sales if s["client_id"] in members and month_of(s["purchase_date"]) == month]
                active, revenue = len({s["client_id"] for s in now}), sum((s["amount"] for s in now), F(0))
                sofar += revenue
                rows.append([cohort, index, month, len(members), active, ratio(F(active, len(members))), money(revenue),
                             money(sofar / len(members))])
        return rows

    def by(self, column, rows=None):
        groups = defaultdict(list)
        for row in self.sales if rows is None else rows:
            groups[row[column]].append(row)
        return groups

    @staticmethod
    def revenue(rows):
        return sum((row["amount"] for row in rows), F(0))

    def ranked(self, groups):
        return sorted(groups.items(), key=lambda item: (-self.revenue(item[1]), key(item[0])))

    def product_analytics(self):
        total, before, out = self.revenue(self.sales), F(0), []
        for rank, (product, rows) in enumerate(self.ranked(self.by("product")), 1):
            revenue, quantity, prices = self.revenue(rows), sum(r["quantity"] for r in rows), [r["unit_price"] for r in rows]
            times = Counter(r["client_id"] for r in rows)
            again = sum(count >= 2 for count in times.values())
            abc = "C" if not total else "A" if before / total < F(80, 100) else "B" if before / total < F(95, 100) else "C"
            share = over(revenue, total)
            before += revenue
            dates = [r["purchase_date"] for r in rows]
            out.append([rank, product, len(rows), quantity, money(revenue), ratio(share), ratio(over(before, total)), abc,
                        money(sum(prices) / len(prices)), money(min(prices)), money(max(prices)),
                        money(max(prices) - min(prices)), money(revenue / quantity), len(times), again,
                        ratio(F(again, len(times))), self.ranked(self.by("country", rows))[0][0], min(dates), max(dates)])
        return out

    def product_countries(self):
        out = []
        for product, rows in sorted(self.by("product").items(), key=lambda item: key(item[0])):
            ranked = self.ranked(self.by("country", rows))[: self.parameters.get("limit_countries", 5)]
            for rank, (country, of) in enumerate(ranked, 1):
                out.append([product, rank, country, len(of), sum(r["quantity"] for r in of), money(self.revenue(of)),
                            ratio(over(self.revenue(of), self.revenue(rows)))])
        return out

    def product_pairs(self):
        baskets = {client: {r["product"] for r in rows} - {"NA"} for client, rows in self.by("client_id").items()}
        single, pairs = Counter(), Counter()
        for basket in baskets.values():
            single.update(basket)
            pairs.update(combinations(sorted(basket, key=key), 2))
        ranked = sorted(pairs.items(), key=lambda item: (-item[1], key(item[0][0]), key(item[0][1])))
        n = len(baskets)
        return [[a, b, both, ratio(F(both, n)), ratio(F(both, single[a])), ratio(F(both, single[b])),
                 ratio(F(both * n, single[a] * single[b]))]
                for (a, b), both in ranked[: self.parameters.get("limit_pairs", 50)]]

    def country_analytics(self):
        groups = self.by("country")
        registered = Counter(c["country"] for c in self.clients)
        for country in registered:
            groups.setdefault(country, [])
        total, out = self.revenue(self.sales), []
        for rank, (country, rows) in enumerate(self.ranked(groups), 1):
            revenue, buyers = self.revenue(rows), len({r["client_id"] for r in rows})
            out.append([rank, country, len(rows), sum(r["quantity"] for r in rows), money(revenue), ratio(over(revenue, total)),
                        money(over(revenue, len(rows))), buyers, registered[country], money(over(revenue, buyers)),
                        ratio(over(len(rows), buyers)), self.ranked(self.by("product", rows))[0][0] if rows else ""])
        return out

    def seasonality(self):
        out = []
        average = over(sum(F(d["revenue"]) for d in self.days), len(self.days))
        for cycle, position in (("month", lambda d: d.month), ("weekday", lambda d: d.isoweekday())):
            for at in sorted({position(day(d["period_start"])) for d in self.days}):
                rows = [d for d in self.days if position(day(d["period_start"])) == at]
                revenue = sum(F(d["revenue"]) for d in rows)
                mean = revenue / len(rows)
                out.append([cycle, at, len(rows), sum(int(d["orders"]) for d in rows), money(revenue), money(mean),
                            ratio(over(mean, average))])
        return out

    def sales_forecast(self):
        history, horizon = self.parameters.get("history", 12), self.parameters.get("horizon", 3)
        used = [m for m in self.months if m["complete"] == "true" and m["period"] < self.as_of.isoformat()[:7]][-history:]
        n, y = len(used), [F(m["revenue"]) for m in used]
        if n < 3:
            return []
        mx, my = F(n - 1, 2), sum(y) / n
        sxy = sum((x - mx) * (v - my) for x, v in enumerate(y))
        sxx, syy = sum((x - mx) ** 2 for x in range(n)), sum((v - my) ** 2 for v in y)
        slope = sxy / sxx
        year, month = map(int, used[-1]["period"].split("-"))
        out = []
        for x in range(n, n + horizon):
            year, month = (year + 1, 1) if month == 12 else (year, month + 1)
            out.append([f"{year:04}-{month:02}", f"{year:04}-{month:02}-01", money(max(F(0), my + slope * (x - mx))),
                        money(slope), ratio(over(sxy**2, sxx * syy)), n])
        return out

    def metrics(self):
        buyers = [c for c in self.kpis if int(c["orders"]) > 0]
        return sorted({
            "amount": [s["amount"] for s in self.sales],
            "quantity": [F(s["quantity"]) for s in self.sales],
            "unit_price": [s["unit_price"] for s in self.sales],
            "days_since_previous": [F(s["days_since_previous"]) for s in self.sales if s["days_since_previous"]],
            "total_spent": [F(c["total_spent"]) for c in buyers],
            "average_order_value": [F(c["average_order_value"]) for c in buyers],
            "recency_days": [F(c["recency_days"]) for c in buyers],
            "orders_per_client": [F(c["orders"]) for c in buyers],
            "daily_revenue": [F(d["revenue"]) for d in self.days],
        }.items())

    def statistical_distributions(self):
        out = []
        for metric, values in self.metrics():
            values, n = sorted(values), len(values)
            if not n:
                out.append([metric, 0, "0.0000", *[""] * 17, 0])
                continue

            def q(p):
                place = F((n - 1) * p, 100)
                low = place.numerator // place.denominator
                return values[low] + (place - low) * (values[min(low + 1, n - 1)] - values[low])

            mean = sum(values) / n
            std = None
            if n > 1:
                variance = sum((v - mean) ** 2 for v in values) / (n - 1)
                scaled = variance * 4 * 10**8
                std = F((isqrt(scaled.numerator // scaled.denominator) + 1) // 2, 10**4)
            iqr = q(75) - q(25)
            fences = q(25) - F(3, 2) * iqr, q(75) + F(3, 2) * iqr
            within = [v for v in values if fences[0] <= v <= fences[1]]
            numbers = [sum(values), mean, std, values[0], *map(q, (5, 10, 25, 50, 75, 90, 95, 99)), values[-1], iqr, *fences,
                       within[0], within[-1]]
            out.append([metric, n, *map(ratio, numbers), n - len(within)])
        return out

    def histograms(self):
        out, bins = [], self.parameters.get("bins", 20)
        for metric, values in self.metrics():
            if not values:
                continue
            low, high = min(values), max(values)
            k = bins if high > low else 1
            counts = Counter(min(k, 1 + int((v - low) * k / (high - low))) if high > low else 1 for v in values)
            for b in range(1, k + 1):
                limit = lambda i: low + (high - low) * i / k
                out.append([metric, b, ratio(limit(b - 1)), ratio(limit(b)), counts[b], ratio(F(counts[b], len(values)))])
        return out


TABLES = """client_segments client_status at_risk_clients cohort_retention product_analytics product_countries product_pairs
country_analytics seasonality sales_forecast statistical_distributions histograms""".split()


def main():
    directory, *rest = sys.argv[1:]
    as_of, parameters = date(2025, 11, 18), {}
    for argument in rest:
        name, value = argument.split("=")
        if name == "as-of":
            as_of = day(value)
        else:
            parameters[name] = int(value)
    lake, wrong = Lake(Path(directory), as_of, parameters), 0
    for table in TABLES:
        _, found = read(Path(directory) / f"gold/{table}.csv")
        expected = [[str(cell) for cell in row] for row in getattr(lake, table)()]
        if found != expected:
            wrong += 1
            differ = next((pair for pair in zip(found, expected) if pair[0] != pair[1]), (len(found), len(expected)))
            print(f"{table} differs: smelt {differ[0]}, Python {differ[1]}")
        else:
            print(f"{table}: {len(found)} rows agree")
    sys.exit(wrong > 0)


main()
