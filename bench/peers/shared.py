"""What the three peers share: command line, object order, formats, the one KPI of a single row, and the report."""

import argparse
import csv
import json
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

CUSTOMERS = ["customer_id", "first_name", "last_name", "email", "country", "signup_date"]
ORDERS = ["order_id", "customer_id", "product", "quantity", "unit_price", "total_amount", "order_ts", "channel"]
CLICKS = ["customer_id", "page", "ip", "ts"]

SILVER = {
    "customers": ["customer_id", "email_h", "first_initial", "last_initial", "country", "signup_date"],
    "orders": [*ORDERS, "order_date"],
    "clicks": ["customer_id", "page", "ts"],
}

# Shapes only: which days exist is left to each tool's own parser. `[0-9]`, since `\d` is Unicode-wide and slow in some.
DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
INSTANT = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?"
    r"(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])?$"
)
OCTET = r"(?:25[0-5]|2[0-4][0-9]|[01]?[0-9]?[0-9])"
IPV4 = rf"^{OCTET}(?:\.{OCTET}){{3}}$"


class Lake:
    """The bronze directory, and where silver and gold go."""

    def __init__(self):
        parser = argparse.ArgumentParser()
        parser.add_argument("--bronze", type=Path, required=True, help="directory with the raw objects")
        parser.add_argument("--out", type=Path, required=True, help="directory to write silver/ and gold/ into")
        args = parser.parse_args()
        self.bronze, self.out, self.report = args.bronze, args.out, {}

    def objects(self, pattern):
        """Paths in the order of their names: the later object wins."""
        return sorted(str(path) for path in self.bronze.glob(pattern))

    def silver(self, dataset):
        return self._file("silver", dataset, f"{dataset}_clean.csv")

    def gold(self, kpi):
        return self._file("gold", kpi, f"{kpi}.csv")

    def _file(self, *parts):
        path = self.out.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        return str(path)

    def count(self, dataset, read, kept, rejected):
        """Accounts for every row read: what is neither kept nor rejected was superseded."""
        rejected = {rule: int(rows) for rule, rows in sorted(rejected.items()) if rows}
        superseded = int(read) - int(kept) - sum(rejected.values())
        self.report[dataset] = {"read": int(read), "kept": int(kept), "rejected": rejected, "superseded": superseded}

    def write_aov(self, orders, revenue):
        """The KPI of one row; an average of no orders is missing."""
        revenue = Decimal(revenue or 0).quantize(Decimal("0.01"))
        aov = (revenue / orders).quantize(Decimal("0.01"), ROUND_HALF_UP) if orders else None
        with open(self.gold("aov"), "w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows([["orders", "revenue", "aov"], [orders, revenue, aov]])

    def print_report(self):
        print(json.dumps(self.report, sort_keys=True))
