"""KPI: the sum of `total_amount` by `order_date`, as `plugins/sales-by-day` computes it."""

from wit_world.exports import Aggregation as Exports
from wit_world.exports import aggregation
from wit_world.imports import types

from smelt import date, int64, money, read, told, write

ORDERS = [date("order_date"), money("total_amount")]
KEY, SUMS = [date("order_date")], [int64("orders"), money("revenue")]
OUTPUT = [date("order_date"), money("revenue")]


class Aggregation(Exports):
    def describe(self):
        return types.KpiDescription(
            types.Identity(
                name="sales-by-day",
                version="1.0.0",
                summary="Revenue by calendar day (UTC)",
                parameters='{"type": "object", "additionalProperties": false}',
                uses_as_of=False,
            ),
            inputs=[types.KpiInput("orders", ORDERS)],
            stages=[types.Stage(KEY, SUMS, 0)],
            output=OUTPUT,
            key=["order_date"],
        )


class Accumulator(aggregation.Accumulator):
    def __init__(self):
        self.days = {}

    @classmethod
    def open(cls, params, as_of):
        return cls()

    @told
    def update_batch(self, input, batch):
        _, columns = read(batch, ORDERS)
        for day, amount in zip(columns["order_date"], columns["total_amount"]):
            orders, revenue = self.days.get(day, (0, 0))
            self.days[day] = orders + 1, revenue + amount

    @told
    def state(self):
        days = list(self.days)
        return write(KEY + SUMS, [days, *([self.days[day][sum] for day in days] for sum in (0, 1))])

    def fold(self, stage, groups):
        raise NotImplementedError("there is one stage")

    @told
    def evaluate(self, sums):
        _, columns = read(sums, KEY + SUMS)
        return write(OUTPUT, [columns[field.name] for field in OUTPUT])
