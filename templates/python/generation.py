"""Source: makes a file of invented events at every tick. It derives its only randomness from the seed."""

import json

from wit_world.exports import Generation as Exports
from wit_world.imports import types

from instants import iso, stamp
from smelt import told

KINDS = ["sale", "visit", ""]

EVENTS = {"type": "integer", "minimum": 0, "maximum": 1_000_000, "default": 100, "description": "Events a tick."}


class Generation(Exports):
    def identify(self):
        return types.Identity(
            name="{{name}}",
            version="0.1.0",
            summary="{{summary}}",
            parameters=json.dumps({"type": "object", "properties": {"events": EVENTS}, "additionalProperties": False}),
        )

    def describe(self, params):
        return types.SourceDescription(objects=["events_*.csv"])

    @told
    def generate(self, params, tick):
        lines, at = ["id,kind,amount,at\n"], iso(tick.starts)
        for event in range(json.loads(params).get("events", EVENTS["default"])):
            random = mix(mix(tick.seed ^ mix(tick.number)) ^ event)
            kind, cents = KINDS[random % 3], random // 3 % 10_000
            lines.append(f"{tick.number}-{event},{kind},{cents // 100}.{cents % 100:02},{at}\n")
        return [types.Object(f"events_{stamp(tick.starts)}.csv", "".join(lines).encode())]


def mix(number):
    """Returns a number of 64 bits that looks random and depends only on `number`: SplitMix64."""
    mixed = number + 0x9E37_79B9_7F4A_7C15 & MASK
    mixed = (mixed ^ mixed >> 30) * 0xBF58_476D_1CE4_E5B9 & MASK
    mixed = (mixed ^ mixed >> 27) * 0x94D0_49BB_1331_11EB & MASK
    return mixed ^ mixed >> 31


MASK = 2**64 - 1
