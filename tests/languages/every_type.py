"""KPI: its table is its rows, each with how many there are of it. So what a column holds goes in and out as it is."""

from wit_world.exports import Aggregation as Exports
from wit_world.exports import aggregation
from wit_world.imports import types

from smelt import boolean, date, decimal, float64, int64, nullable, read, text, timestamp, told, write

SURE = [text("name"), int64("whole"), boolean("flag"), decimal("exact", 38, 9)]
MAYBE = [text("note"), int64("count"), float64("ratio"), boolean("sign"), date("day"), timestamp("at"), decimal("sum", 20, 0)]
KEY = SURE + [nullable(field) for field in MAYBE]
SUMS = [int64("rows")]


class Aggregation(Exports):
    def describe(self):
        return types.KpiDescription(
            types.Identity("every-type", "1.0.0", "Rows as they are", '{"type": "object"}', False),
            inputs=[types.KpiInput("rows", KEY)],
            stages=[types.Stage(KEY, SUMS, 0)],
            output=KEY + SUMS,
            key=None,
        )


class Accumulator(aggregation.Accumulator):
    def __init__(self):
        self.columns = [[] for _ in KEY]

    @classmethod
    def open(cls, params, as_of):
        return cls()

    @told
    def update_batch(self, input, batch):
        _, columns = read(batch, KEY)
        for held, field in zip(self.columns, KEY):
            held += columns[field.name]

    @told
    def state(self):
        return write(KEY + SUMS, [*self.columns, [1] * len(self.columns[0])])

    def fold(self, stage, groups):
        raise NotImplementedError("there is one stage")

    @told
    def evaluate(self, sums):
        _, columns = read(sums, KEY + SUMS)
        return write(KEY + SUMS, list(columns.values()))
