"""KPI: the sum of `total_amount` by `order_date`, as `plugins/sales-by-day` computes it."""

from wit_world.exports import Aggregation as Exports
from wit_world.exports import aggregation
from wit_world.imports import types

from smelt import date, int64, money, read, setting, told, write

ORDERS = [date("order_date"), money("total_amount")]
KEY, SUMS = [date("order_date")], [int64("orders"), money("revenue")]
OUTPUT = [date("order_date"), money("revenue")]


class Aggregation(Exports):
    def identify(self):
        return types.Identity(
            name="sales-by-day",
            version="1.0.0",
            summary="Revenue by calendar day (UTC)",
            parameters='{"type": "object", "additionalProperties": false}',
        )

    def describe(self, params):
        return types.KpiDescription(
            inputs=[types.KpiInput("orders", ORDERS, 0, setting(params))],
            stages=[types.Stage(KEY, SUMS, 0, setting(params))],
            output=OUTPUT,
            key=["order_date"],
        )


class Accumulator(aggregation.Accumulator):
    def __init__(self):
        self.days = {}

    @classmethod
    def open(cls, input, params, as_of):
        return cls()

    @told
    def update_batch(self, batch):
        _, columns = read(batch, ORDERS)
        for day, amount in zip(columns["order_date"], columns["total_amount"]):
            orders, revenue = self.days.get(day, (0, 0))
            self.days[day] = orders + 1, revenue + amount

    @told
    def state(self):
        days, self.days = self.days, {}
        return write(KEY + SUMS, [list(days), *([of[sum] for of in days.values()] for sum in (0, 1))])


class Reducer(aggregation.Reducer):
    @classmethod
    def open(cls, stage, params, as_of, saved):
        return cls()

    @told
    def reduce(self, rows, ends):
        _, columns = read(rows, KEY + SUMS)
        return types.Reduced(write(OUTPUT, [columns[field.name] for field in OUTPUT]), False)

    def save(self):
        # Every row is a row of the table, so there is nothing to remember.
        return b""
