"""Exchanges columns with smelt: `read` turns a stream of Arrow IPC into lists, and `write` turns lists into a stream.

Text is `str`, `float64` is `float` and `boolean` is `bool`. `int64` and `decimal` are `int`; a decimal counts its smallest
units, so 12.50 with two places is 1250. A date is days and a timestamp is microseconds since 1970-01-01, as `int`. A missing
value is `None`. This module reads and writes only what the contract allows, so it needs only the standard library.
"""

import struct
from functools import wraps
from itertools import accumulate

from componentize_py_types import Err
from wit_world.imports import log, types

_MARK = b"\xff\xff\xff\xff"


def _field(name, data_type):
    return types.Field(name, data_type, False)


def text(name):
    return _field(name, types.DataType_Utf8())


def int64(name):
    return _field(name, types.DataType_Int64())


def float64(name):
    return _field(name, types.DataType_Float64())


def boolean(name):
    return _field(name, types.DataType_Boolean())


def date(name):
    return _field(name, types.DataType_Date32())


def timestamp(name):
    return _field(name, types.DataType_Timestamp())


def decimal(name, precision, scale):
    return _field(name, types.DataType_Decimal128(types.DecimalType(precision, scale)))


def money(name):
    return decimal(name, 38, 2)


def nullable(field):
    return types.Field(field.name, field.data_type, True)


def setting(params, uses_as_of=False):
    """Returns what a part of the plugin depends on: these parameters, and the time if it uses that."""
    return types.Setting(params, uses_as_of)


def fault(kind, message):
    """Returns an exception to raise: `raise fault(types.FaultKind.INVALID_INPUT, "…")`."""
    return Err(types.Fault(kind, message))


def told(method):
    """Makes a method tell the host why it failed: the exception's type and place, but not its text, which may hold what rows hold."""

    @wraps(method)
    def call(*arguments):
        try:
            return method(*arguments)
        except Err:
            raise
        except Exception as error:
            # The module `traceback` would open the source, but a plugin has no files.
            last = error.__traceback__
            while last.tb_next:
                last = last.tb_next
            code = last.tb_frame.f_code
            place = f"{code.co_filename.rpartition('/')[2]}:{last.tb_lineno}, in {code.co_name}"
            log.write(log.Level.FATAL, f"{type(error).__name__} at {place}")
            raise

    return call


# Reading. A table of Flatbuffers has a list of offsets: at most one for each of its fields, by the field's number.


def _slot(data, table, number):
    offsets = table - struct.unpack_from("<i", data, table)[0]
    at = 4 + 2 * number
    if at >= struct.unpack_from("<H", data, offsets)[0]:
        return None
    offset = struct.unpack_from("<H", data, offsets + at)[0]
    return table + offset if offset else None


def _number(data, table, number, kind):
    at = _slot(data, table, number)
    return 0 if at is None else struct.unpack_from(kind, data, at)[0]


def _follow(data, at):
    return at + struct.unpack_from("<I", data, at)[0]


def _vector(data, table, number):
    at = _slot(data, table, number)
    if at is None:
        return 0, 0
    at = _follow(data, at)
    return struct.unpack_from("<I", data, at)[0], at + 4


def _message(stream, at):
    """Returns the header's bytes, the position of its table, the body, and the position of the next message."""
    length = struct.unpack_from("<I", stream, at + 4)[0]
    head = stream[at + 8 : at + 8 + length]
    message = _follow(head, 0)
    start = at + 8 + length
    end = start + _number(head, message, 3, "<q")
    return head, _follow(head, _slot(head, message, 2)), stream[start:end], end


def read(stream, fields):
    """Returns the number of rows, and the columns by name. `fields` are the declared ones."""
    stream = memoryview(stream)
    head, schema, _, at = _message(stream, 0)
    count, first = _vector(head, schema, 1)
    names = []
    for number in range(count):
        name = _follow(head, _slot(head, _follow(head, first + 4 * number), 0))
        names.append(str(head[name + 4 : name + 4 + struct.unpack_from("<I", head, name)[0]], "utf-8"))
    head, batch, body, _ = _message(stream, at)
    rows = _number(head, batch, 0, "<q")
    _, nodes = _vector(head, batch, 1)
    _, buffer = _vector(head, batch, 2)

    def take():
        nonlocal buffer
        start, length = struct.unpack_from("<qq", head, buffer)
        buffer += 16
        return body[start : start + length]

    declared = {field.name: field.data_type for field in fields}
    columns = {}
    for number, name in enumerate(names):
        missing = struct.unpack_from("<q", head, nodes + 16 * number + 8)[0]
        valid = take()
        values = _values(declared[name], rows, take)
        if missing:
            values = [value if valid[row >> 3] >> (row & 7) & 1 else None for row, value in enumerate(values)]
        columns[name] = values
    return rows, columns


def _values(data_type, rows, take):
    if isinstance(data_type, types.DataType_Utf8):
        offsets = take()[: 4 * (rows + 1)].cast("I").tolist() if rows else take() and []
        data = bytes(take())
        if data.isascii():
            data = data.decode()
            return [data[a:b] for a, b in zip(offsets, offsets[1:])]
        return [data[a:b].decode() for a, b in zip(offsets, offsets[1:])]
    data = take()
    if isinstance(data_type, types.DataType_Boolean):
        return [bool(data[row >> 3] >> (row & 7) & 1) for row in range(rows)]
    if isinstance(data_type, types.DataType_Float64):
        return data[: 8 * rows].cast("d").tolist()
    if isinstance(data_type, types.DataType_Date32):
        return data[: 4 * rows].cast("i").tolist()
    if isinstance(data_type, types.DataType_Decimal128):
        data = data[: 16 * rows]
        return [high << 64 | low for high, low in zip(data.cast("q")[1::2].tolist(), data.cast("Q")[::2].tolist())]
    return data[: 8 * rows].cast("q").tolist()


# Writing. What a table refers to follows the table, because every reference points to a later position.


class _Flat:
    def __init__(self):
        self.out = bytearray(4)

    def pad(self, ahead, to=8):
        """Adds zeros, so that what begins `ahead` bytes later is aligned."""
        self.out += bytes(-(len(self.out) + ahead) % to)

    def table(self, *slots):
        """Writes a table. A slot is None, a pair of format and number, or a function that writes what the slot refers to."""
        size = 4 + 2 * len(slots)
        self.pad(size + 4)
        self.out += struct.pack("<HH", size, 4 + 8 * len(slots))
        for number, slot in enumerate(slots):
            self.out += struct.pack("<H", 0 if slot is None else 4 + 8 * number)
        at = len(self.out)
        self.out += struct.pack("<i", size) + bytes(8 * len(slots))
        for number, slot in enumerate(slots):
            if callable(slot):
                self.refer(at + 4 + 8 * number, slot)
            elif slot is not None:
                struct.pack_into(slot[0], self.out, at + 4 + 8 * number, slot[1])
        return at

    def refer(self, at, what):
        struct.pack_into("<I", self.out, at, what() - at)

    def text(self, text):
        data = text.encode()
        self.pad(0)
        at = len(self.out)
        self.out += struct.pack("<I", len(data)) + data + b"\0"
        return at

    def tables(self, whats):
        self.pad(0)
        at = len(self.out)
        self.out += struct.pack("<I", len(whats)) + bytes(4 * len(whats))
        for number, what in enumerate(whats):
            self.refer(at + 4 + 4 * number, what)
        return at

    def pairs(self, pairs):
        self.pad(4)
        at = len(self.out)
        self.out += struct.pack("<I", len(pairs))
        for pair in pairs:
            self.out += struct.pack("<qq", *pair)
        return at


def _framed(kind, header, body):
    """Returns a message whose header the function writes. Its kind is 1 for a schema and 3 for a batch."""
    flat = _Flat()
    flat.refer(0, lambda: flat.table(("<h", 4), ("<B", kind), lambda: header(flat), ("<q", body)))
    flat.pad(0)
    return _MARK + struct.pack("<I", len(flat.out)) + flat.out


def _type(flat, data_type):
    """Returns the number of the type in Arrow, and a function that writes the type."""
    match data_type:
        case types.DataType_Boolean():
            return 6, flat.table
        case types.DataType_Int64():
            return 2, lambda: flat.table(("<i", 64), ("<B", 1))
        case types.DataType_Float64():
            return 3, lambda: flat.table(("<h", 2))
        case types.DataType_Utf8():
            return 5, flat.table
        case types.DataType_Date32():
            return 8, lambda: flat.table(("<h", 0))
        case types.DataType_Timestamp():
            return 10, lambda: flat.table(("<h", 2), lambda: flat.text("UTC"))
        case types.DataType_Decimal128(value=of):
            return 7, lambda: flat.table(("<i", of.precision), ("<i", of.scale), ("<i", 128))


def _schema(flat, fields):
    def written(field):
        number, kind = _type(flat, field.data_type)
        return lambda: flat.table(
            lambda: flat.text(field.name), ("<B", field.nullable), ("<B", number), kind, None, lambda: flat.tables([])
        )

    return flat.table(None, lambda: flat.tables([written(field) for field in fields]))


def write(fields, columns):
    """Returns a stream of the declared fields. `columns` has a list for each field, all of the same length."""
    rows = len(columns[0])
    nodes, buffers, parts, end = [], [], [], 0
    for field, values in zip(fields, columns, strict=True):
        if len(values) != rows:
            raise ValueError(f"column {field.name} has {len(values)} rows, the first one {rows}")
        missing = values.count(None)
        nodes.append((rows, missing))
        for part in [_bits(value is not None for value in values) if missing else b"", *_encoded(field, values)]:
            buffers.append((end, len(part)))
            parts += [part, bytes(-len(part) % 8)]
            end += len(part) + len(parts[-1])
    schema = _framed(1, lambda flat: _schema(flat, fields), 0)
    batch = lambda flat: flat.table(("<q", rows), lambda: flat.pairs(nodes), lambda: flat.pairs(buffers))
    return b"".join([schema, _framed(3, batch, end), *parts, _MARK, bytes(4)])


def _bits(values):
    out = bytearray()
    for row, value in enumerate(values):
        if row & 7 == 0:
            out.append(0)
        out[-1] |= bool(value) << (row & 7)
    return bytes(out)


def _encoded(field, values):
    match field.data_type:
        case types.DataType_Utf8():
            values = [b"" if value is None else value.encode() for value in values]
            offsets = list(accumulate(map(len, values), initial=0))
            return [struct.pack(f"<{len(offsets)}i", *offsets), b"".join(values)]
        case types.DataType_Boolean():
            return [_bits(values)]
        case types.DataType_Decimal128():
            return [b"".join((value or 0).to_bytes(16, "little", signed=True) for value in values)]
        case types.DataType_Float64():
            kind = "d"
        case types.DataType_Date32():
            kind = "i"
        case _:
            kind = "q"
    return [struct.pack(f"<{len(values)}{kind}", *(value or 0 for value in values))]
