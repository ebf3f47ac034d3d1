"""KPI: its table is its rows, each with how many there are of it. So what a column holds goes in and out as it is."""

from wit_world.exports import Aggregation as Exports
from wit_world.exports import aggregation
from wit_world.imports import types

from smelt import boolean, date, decimal, float64, int64, nullable, read, setting, text, timestamp, told, write

SURE = [text("name"), int64("whole"), boolean("flag"), decimal("exact", 38, 9)]
MAYBE = [text("note"), int64("count"), float64("ratio"), boolean("sign"), date("day"), timestamp("at"), decimal("sum", 20, 0)]
KEY = SURE + [nullable(field) for field in MAYBE]
SUMS = [int64("rows")]


class Aggregation(Exports):
    def identify(self):
        return types.Identity("every-type", "1.0.0", "Rows as they are", '{"type": "object"}')

    def describe(self, params):
        return types.KpiDescription(
            inputs=[types.KpiInput("rows", KEY, 0, setting(params))],
            stages=[types.Stage(KEY, SUMS, 0, setting(params))],
            output=KEY + SUMS,
            key=None,
        )


class Accumulator(aggregation.Accumulator):
    def __init__(self):
        self.columns = [[] for _ in KEY]

    @classmethod
    def open(cls, input, params, as_of):
        return cls()

    @told
    def update_batch(self, batch):
        _, columns = read(batch, KEY)
        for held, field in zip(self.columns, KEY):
            held += columns[field.name]

    @told
    def state(self):
        columns, self.columns = self.columns, [[] for _ in KEY]
        return write(KEY + SUMS, [*columns, [1] * len(columns[0])])


class Reducer(aggregation.Reducer):
    @classmethod
    def open(cls, stage, params, as_of, saved):
        return cls()

    @told
    def reduce(self, rows, ends):
        _, columns = read(rows, KEY + SUMS)
        return types.Reduced(write(KEY + SUMS, list(columns.values())), False)

    def save(self):
        return b""
