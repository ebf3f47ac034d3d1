"""Helpers of a cleaner: they read values from texts as cleaners in Rust do, and record what happened to the rows of a batch."""

import re

from wit_world.imports import types

from smelt import write

# The characters that are white space in Unicode. Python's own `strip()` also strips four control characters.
_BLANKS = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))

_NUMBER = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?)0*([0-9]{1,18}))?")


def trimmed(text):
    """Returns the text without the white space around it, or `None` if nothing is left."""
    return (text or "").strip(_BLANKS) or None


def units(text, places):
    """Returns a number such as `12`, `-.5` or `1.5e3` in units of the last decimal place: `1.005` with two places is 101.

    The result is rounded half away from zero. Digits after the 38th are cut off. Returns `None` if the text is not such a
    number, or if 38 digits cannot hold the result."""
    match = _NUMBER.fullmatch(text or "")
    if match is None:
        return None
    sign, whole, fraction, minus, exponent = (of or "" for of in match.groups())
    if not whole and not fraction:
        return None
    digits = (whole + fraction).lstrip("0")
    power = places - len(fraction) + max(len(digits) - 38, 0) + int(minus + exponent or 0)
    if digits and power > 38:
        return None
    value = int(digits[:38] or 0)
    # The exponent stops at 40, because a division by 10^40 leaves nothing of 38 digits.
    ten = 10 ** min(abs(power), 40)
    value = value * ten if power >= 0 else (value + ten // 2) // ten
    if value >= 10**38:
        return None
    return -value if sign == "-" else value


class Cleaned:
    """Records what happened to the rows of a batch. Keep or reject each row, in order."""

    def __init__(self, fields, rules):
        self._fields, self._rules = fields, rules
        self._columns = [[] for _ in fields]
        self._kept, self._rejected, self._repaired = [], [], [0] * len(rules)

    def keep(self, row, *values):
        """Keeps the row, with a value for each column of the output."""
        self._kept.append(row)
        for column, value in zip(self._columns, values, strict=True):
            column.append(value)

    def reject(self, row, rule):
        """Rejects the row under the rule."""
        self._rejected.append(types.Rejection(row, self._rules.index(rule)))

    def repair(self, rule):
        """Counts a kept row that the rule changed."""
        self._repaired[self._rules.index(rule)] += 1

    def finish(self):
        """Returns what `clean` must return."""
        repaired = [types.Repair(rule, rows) for rule, rows in enumerate(self._repaired) if rows]
        return types.Cleaned(write(self._fields, self._columns), self._kept, self._rejected, repaired)
