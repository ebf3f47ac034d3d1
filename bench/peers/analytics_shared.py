"""What the peers of pipeline 2 share: command line, files, and the shapes of cells and of tables' headers."""

import argparse
import csv
from datetime import date
from pathlib import Path

CLIENTS = ["client_id", "email", "signup_date", "country"]
PURCHASES = ["purchase_id", "client_id", "purchase_date", "product", "quantity", "unit_price", "amount"]

# Shapes only: which days exist is left to each tool's own parser. No more than six digits of a second matter to a date.
DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
SLASHED = r"^[0-9]{4}/[0-9]{2}/[0-9]{2}$"
DAY_FIRST = r"^(?:[0-9]{2}/[0-9]{2}/|[0-9]{2}-[0-9]{2}-)[0-9]{4}$"
INSTANT = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?"
    r"(?:[Zz]|[+-](?:[01][0-9]|2[0-3])(?::[0-5][0-9])?)?$"
)
# Text, one `@`, and a domain with a `.` that is neither its first nor its last character. No blank within.
EMAIL = r"^[^@ \t]+@[^@ \t.][^@ \t]*\.[^@ \t]*[^@ \t.]$"
# A spreadsheet would take such text for a formula.
FORMULA = r"^(?:[\s\x22\x27]*[=+\-@＝＋－＠]|[\t\r\n])"

CLIENT_RULES = ["missing_client_id", "missing_signup_date", "invalid_signup_date", "signup_date_out_of_range"]
CLIENT_REPAIRS = ["signup_date_format", "invalid_email", "missing_country", "country_case"]
PURCHASE_RULES = [
    "missing_purchase_id", "missing_client_id", "missing_purchase_date", "invalid_purchase_date",
    "purchase_date_out_of_range", "invalid_quantity", "negative_unit_price", "negative_amount", "missing_amount",
]
PURCHASE_REPAIRS = ["purchase_date_format", "missing_product", "missing_quantity", "computed_amount", "computed_unit_price"]

# The parameters of the pipeline, as its manifest leaves them.
ACTIVE_DAYS, PRIOR_DAYS, MARGIN, RETENTION, DISCOUNT = 90, 90, 100, 80, 10
TOP_COUNTRIES, TOP_PAIRS, HISTORY, HORIZON, BINS = 5, 50, 12, 3, 20
# Of each table of sales by period: its grain, the rows of a moving average, and those that an anomaly is told from.
PERIODS = {"daily_sales": ("day", 7, 28), "weekly_sales": ("week", 4, 12), "monthly_sales": ("month", 3, 12)}
# Of each expectation: what it is about, how severe it is, and the share that it expects, in ten-thousandths.
EXPECTATIONS = {
    "amount_matches_price": ("purchases", "warn", 8500),
    "clients_accepted": ("clients", "warn", 9000),
    "email_present": ("clients", "warn", 9000),
    "email_unique": ("clients", "warn", 10000),
    "known_client": ("purchases", "warn", 9500),
    "no_future_purchase": ("purchases", "warn", 10000),
    "not_before_signup": ("purchases", "warn", 9500),
    "purchases_accepted": ("purchases", "warn", 9000),
    "sales_reconcile": ("fact_sales", "fail", 10000),
}
# The segment of each pair of scores: a row for each score of recency from 1, a column for each of frequency.
SEGMENTS = [
    ["hibernating", "hibernating", "at_risk", "at_risk", "cant_lose"],
    ["hibernating", "hibernating", "at_risk", "at_risk", "cant_lose"],
    ["about_to_sleep", "about_to_sleep", "need_attention", "loyal", "loyal"],
    ["promising", "potential_loyalist", "potential_loyalist", "loyal", "loyal"],
    ["new", "potential_loyalist", "potential_loyalist", "champion", "champion"],
]


class Lake:
    """The bronze directory, the directory for the tables, and the day of the run."""

    def __init__(self):
        parser = argparse.ArgumentParser()
        parser.add_argument("--bronze", type=Path, required=True, help="directory with the raw objects")
        parser.add_argument("--out", type=Path, required=True, help="directory to write a CSV file of each table into")
        parser.add_argument("--as-of", type=date.fromisoformat, required=True, help="the day of the run")
        args = parser.parse_args()
        self.bronze, self.out, self.as_of = args.bronze, args.out, args.as_of
        self.out.mkdir(parents=True, exist_ok=True)

    def objects(self, dataset):
        """Paths in the order of their names: the later object wins."""
        return sorted(str(path) for path in self.bronze.glob(f"{dataset}_*.csv"))

    @staticmethod
    def header(path):
        with open(path, encoding="utf-8-sig", newline="") as file:
            return [name.strip() for name in next(csv.reader(file), [])]

    def table(self, name):
        return str(self.out / f"{name}.csv")
