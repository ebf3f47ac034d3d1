"""KPI: the number of events of each kind, and the sum of their amounts."""

from wit_world.exports import Aggregation as Exports
from wit_world.exports import aggregation
from wit_world.imports import types

from smelt import int64, money, read, text, told, write

EVENTS = [text("kind"), money("amount")]
KEY, SUMS = [text("kind")], [int64("events"), money("total")]
OUTPUT = [text("kind"), int64("events"), money("total")]


class Aggregation(Exports):
    def describe(self):
        return types.KpiDescription(
            types.Identity(
                name="{{name}}",
                version="0.1.0",
                summary="{{summary}}",
                parameters='{"type": "object", "additionalProperties": false}',
                uses_as_of=False,
            ),
            inputs=[types.KpiInput("events", EVENTS)],
            stages=[types.Stage(KEY, SUMS, 0)],
            output=OUTPUT,
            key=["kind"],
        )


class Accumulator(aggregation.Accumulator):
    def __init__(self):
        self.kinds = {}

    @classmethod
    def open(cls, params, as_of):
        return cls()

    @told
    def update_batch(self, input, batch):
        _, columns = read(batch, EVENTS)
        for kind, amount in zip(columns["kind"], columns["amount"]):
            events, total = self.kinds.get(kind, (0, 0))
            self.kinds[kind] = events + 1, total + amount

    @told
    def state(self):
        kinds = list(self.kinds)
        return write(KEY + SUMS, [kinds, *([self.kinds[kind][sum] for kind in kinds] for sum in (0, 1))])

    def fold(self, stage, groups):
        raise NotImplementedError("there is one stage")

    @told
    def evaluate(self, sums):
        _, columns = read(sums, KEY + SUMS)
        return write(OUTPUT, [columns[field.name] for field in OUTPUT])
