"""Cleaner: events with an exact amount. Of all rows with one id, the host keeps the one with the latest instant."""

from wit_world.exports import Cleaning as Exports
from wit_world.exports import cleaning
from wit_world.imports import types
from wit_world.imports.types import RuleAction

from cleaner import Cleaned, trimmed, units
from instants import instant
from smelt import money, read, setting, text, timestamp, told

INPUT = ["id", "kind", "amount", "at"]
OUTPUT = [text("id"), text("kind"), money("amount"), timestamp("at")]

MISSING_ID = types.Rule("missing_id", "The event has no id.", RuleAction.REJECT)
INVALID_AT = types.Rule("invalid_at", "The instant is missing or is no such instant.", RuleAction.REJECT)
INVALID_AMOUNT = types.Rule("invalid_amount", "The amount is missing or not numeric.", RuleAction.REJECT)
MISSING_KIND = types.Rule("missing_kind", "The kind is missing; it becomes `unknown`.", RuleAction.REPAIR)
RULES = [MISSING_ID, INVALID_AT, INVALID_AMOUNT, MISSING_KIND]


class Cleaning(Exports):
    def identify(self):
        return types.Identity(
            name="{{name}}",
            version="0.1.0",
            summary="{{summary}}",
            parameters='{"type": "object", "additionalProperties": false}',
        )

    def describe(self, params):
        return types.CleanerDescription(
            input=INPUT,
            output=OUTPUT,
            key=["id"],
            order_by=[types.Order("at", types.Preference.GREATEST)],
            rules=RULES,
            session=setting(params),
        )


class Session(cleaning.Session):
    @classmethod
    def open(cls, params, as_of):
        return cls()

    @told
    def clean(self, batch):
        _, columns = read(batch, [text(name) for name in INPUT])
        out = Cleaned(OUTPUT, RULES)
        for row, texts in enumerate(zip(*columns.values())):
            id, kind, amount, at = map(trimmed, texts)
            if id is None:
                out.reject(row, MISSING_ID)
                continue
            at = instant(at)
            if at is None:
                out.reject(row, INVALID_AT)
                continue
            amount = units(amount, places=2)
            if amount is None:
                out.reject(row, INVALID_AMOUNT)
                continue
            if kind is None:
                out.repair(MISSING_KIND)
                kind = "unknown"
            out.keep(row, id, kind, amount, at)
        return out.finish()
