"""KPI: the number of events of each kind, and the sum of their amounts."""

from wit_world.exports import Aggregation as Exports
from wit_world.exports import aggregation
from wit_world.imports import types

from smelt import int64, money, read, setting, text, told, write

EVENTS = [text("kind"), money("amount")]
KEY, SUMS = [text("kind")], [int64("events"), money("total")]
OUTPUT = [text("kind"), int64("events"), money("total")]


class Aggregation(Exports):
    def identify(self):
        return types.Identity(
            name="{{name}}",
            version="0.1.0",
            summary="{{summary}}",
            parameters='{"type": "object", "additionalProperties": false}',
        )

    def describe(self, params):
        return types.KpiDescription(
            inputs=[types.KpiInput("events", EVENTS, 0, setting(params))],
            stages=[types.Stage(KEY, SUMS, len(KEY), setting(params))],
            output=OUTPUT,
            key=["kind"],
        )


class Accumulator(aggregation.Accumulator):
    def __init__(self):
        self.kinds = {}

    @classmethod
    def open(cls, input, params, as_of):
        return cls()

    @told
    def update_batch(self, batch):
        _, columns = read(batch, EVENTS)
        for kind, amount in zip(columns["kind"], columns["amount"]):
            events, total = self.kinds.get(kind, (0, 0))
            self.kinds[kind] = events + 1, total + amount

    @told
    def state(self):
        # The rows since the last state, which are forgotten.
        kinds, self.kinds = self.kinds, {}
        return write(KEY + SUMS, [list(kinds), *([of[sum] for of in kinds.values()] for sum in (0, 1))])


class Reducer(aggregation.Reducer):
    """Makes a row of the table of each row of the stage. It remembers nothing from row to row, so it saves nothing."""

    @classmethod
    def open(cls, stage, params, as_of, saved):
        return cls()

    @told
    def reduce(self, rows, ends):
        _, columns = read(rows, KEY + SUMS)
        return types.Reduced(write(OUTPUT, [columns[field.name] for field in OUTPUT]), False)

    def save(self):
        return b""
