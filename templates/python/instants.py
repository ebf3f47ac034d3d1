"""Reads and writes instants: microseconds since 1970-01-01T00:00:00Z, without leap seconds. Reads them as cleaners in Rust do."""

import re
from datetime import datetime, timedelta

_EPOCH = datetime(1970, 1, 1)
_MICROSECOND = timedelta(microseconds=1)
# The calendar repeats itself after 400 years.
_ERA = timedelta(days=146_097) // _MICROSECOND
# From the first microsecond of year 0 to the last of year 9999.
_WRITABLE = range(-62_167_219_200_000_000, 253_402_300_800_000_000)

_FORM = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d)(?::(\d\d))?)?", re.ASCII
)


def instant(text):
    """Returns the instant of a text in RFC 3339. The `T` may be a space, an offset hours alone, and
    an instant without a zone is UTC.

    Digits of a second after the sixth are cut off. Returns `None` for any other text, such as days that do not exist,
    24:00:00, leap seconds, and instants that their offset moves out of the years 0 to 9999."""
    match = _FORM.fullmatch(text or "")
    if match is None:
        return None
    year, *rest = map(int, match.group(1, 2, 3, 4, 5, 6))
    fraction, sign, hours, minutes = (of or "0" for of in match.group(7, 8, 9, 10))
    hours, minutes = int(hours), int(minutes)
    if hours > 23 or minutes > 59:
        return None
    try:
        # `datetime` has no year 0.
        at = (datetime(2000 + year % 400, *rest) - _EPOCH) // _MICROSECOND + (year // 400 - 5) * _ERA
    except ValueError:
        return None
    offset = (hours * 60 + minutes) * 60_000_000
    at += int(fraction[:6].ljust(6, "0")) + (offset if sign == "-" else -offset)
    return at if at in _WRITABLE else None


def iso(at):
    """Returns RFC 3339 in UTC, with six digits of the second if it is not whole, for the years 1 to 9999."""
    return (_EPOCH + timedelta(microseconds=at)).isoformat() + "Z"


def stamp(at):
    """Returns `YYYYMMDDTHHMMSS`, the stamp in the names of objects."""
    return iso(at)[:19].replace("-", "").replace(":", "")
