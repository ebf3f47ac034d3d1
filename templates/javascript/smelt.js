// Exchanges columns with smelt: `read` turns a stream of Arrow IPC into arrays, and `write` turns arrays into a stream.
//
// Text is a string, `float64` is a number and `boolean` is a boolean. `int64`, `timestamp` and `decimal` are BigInt, so that they
// are exact. A decimal counts its smallest units: 12.50 with two places is 1250n. A date is days since 1970-01-01, as a number,
// and a timestamp is microseconds. A missing value is null. This file reads and writes only what the contract allows.

import log from "smelt:plugin/log@0.3.0";

const field = (name, tag, val) => ({ name, dataType: { tag, val }, nullable: false });

export const text = (name) => field(name, "utf8");
export const int64 = (name) => field(name, "int64");
export const float64 = (name) => field(name, "float64");
export const boolean = (name) => field(name, "boolean");
export const date = (name) => field(name, "date32");
export const timestamp = (name) => field(name, "timestamp");
export const decimal = (name, precision, scale) => field(name, "decimal128", { precision, scale });
export const money = (name) => decimal(name, 38, 2);
export const nullable = (field) => ({ ...field, nullable: true });

/** Returns what a part of the plugin depends on: these parameters, and the time if it uses that. */
export const setting = (params, usesAsOf = false) => ({ params, usesAsOf });

/** Returns a fault to throw: `throw fault("invalid-input", "…")`. */
export const fault = (kind, message) => ({ kind, message });

/** Returns a seed, a tick or a time as BigInt. componentize-qjs passes a number. Throws a fault if the number may be rounded. */
export function exact(name, given) {
  if (typeof given === "bigint" || Number.isSafeInteger(given)) return BigInt(given);
  throw fault("invalid-parameters", `JavaScript is not told ${name} exactly: it must be less than 2^53`);
}

/** Makes the methods of a class or object tell the host why they failed: the error's type and place, but not its text, which may
 * hold what rows hold. Returns the class or object. */
export function told(plugin) {
  for (const of of [plugin, plugin.prototype ?? {}]) {
    for (const name of Object.getOwnPropertyNames(of)) {
      const method = of[name];
      if (typeof method !== "function" || method === plugin || method === plugin.prototype) continue;
      of[name] = function (...given) {
        try {
          return method.apply(this, given);
        } catch (error) {
          if (error instanceof Error) {
            const place = error.stack.split("\n")[0].trim();
            log.write("fatal", `${error.name} ${place}`);
          }
          throw error;
        }
      };
    }
  }
  return plugin;
}

// Reading. A table of Flatbuffers has a list of offsets: at most one for each of its fields, by the field's number.

function slot(data, table, number) {
  const offsets = table - data.getInt32(table, true);
  const at = 4 + 2 * number;
  const offset = at < data.getUint16(offsets, true) ? data.getUint16(offsets + at, true) : 0;
  return offset ? table + offset : null;
}

const follow = (data, at) => at + data.getUint32(at, true);

const long = (data, at) => Number(data.getBigInt64(at, true));

/** Returns the message that begins at `at`: its header, where its body begins and where it ends. */
function message(data, at) {
  const start = at + 8;
  const table = follow(data, start);
  const body = start + data.getUint32(at + 4, true);
  const length = slot(data, table, 3);
  return { header: follow(data, slot(data, table, 2)), body, end: body + (length === null ? 0 : long(data, length)) };
}

/** Returns the number of rows, and the columns by name. `fields` are the declared ones; the host sends them in that order. */
export function read(stream, fields) {
  const data = new DataView(stream.buffer, stream.byteOffset, stream.byteLength);
  const { header, body } = message(data, message(data, 0).end);
  const length = slot(data, header, 0);
  const rows = length === null ? 0 : long(data, length);
  const [nodes, buffers] = [1, 2].map((number) => follow(data, slot(data, header, number)) + 4);
  let buffer = buffers;
  const take = () => {
    const [start, length] = [body + long(data, buffer), long(data, buffer + 8)];
    buffer += 16;
    return stream.slice(start, start + length);
  };
  const columns = {};
  fields.forEach(({ name, dataType }, number) => {
    const missing = long(data, nodes + 16 * number + 8);
    const valid = take();
    const values = decoded(dataType.tag, rows, take);
    columns[name] = missing ? Array.from(values, (value, row) => (bit(valid, row) ? value : null)) : values;
  });
  return { rows, columns };
}

const bit = (bytes, row) => ((bytes[row >> 3] >> (row & 7)) & 1) === 1;

function decoded(tag, rows, take) {
  const { buffer } = take();
  switch (tag) {
    case "utf8":
      return texts(new Int32Array(buffer, 0, rows && rows + 1), rows, take());
    case "boolean":
      return Array.from({ length: rows }, (_, row) => bit(new Uint8Array(buffer), row));
    case "float64":
      return new Float64Array(buffer, 0, rows);
    case "date32":
      return new Int32Array(buffer, 0, rows);
    case "decimal128": {
      const halves = new BigInt64Array(buffer, 0, 2 * rows);
      return Array.from({ length: rows }, (_, row) => {
        const [low, high] = [halves[2 * row], halves[2 * row + 1]];
        return high === low >> 63n ? low : (high << 64n) | BigInt.asUintN(64, low);
      });
    }
    default:
      return new BigInt64Array(buffer, 0, rows);
  }
}

// QuickJS has no TextDecoder, so this code first makes a string with a character for each byte. `escape` writes these characters
// as %XX, which `decodeURIComponent` reads as UTF-8. `unescape` and `encodeURIComponent` are the inverses of the two.

function texts(ends, rows, data) {
  let bytes = "";
  for (let at = 0; at < data.length; at += 4096) bytes += String.fromCharCode.apply(null, data.subarray(at, at + 4096));
  const ascii = !/[^\0-\x7f]/.test(bytes);
  return Array.from({ length: rows }, (_, row) => {
    const value = bytes.slice(ends[row], ends[row + 1]);
    return ascii ? value : decodeURIComponent(escape(value));
  });
}

const utf8 = (text) => unescape(encodeURIComponent(text));

/** Returns the text in UTF-8. */
export const bytes = (text) => Uint8Array.from(utf8(text), (byte) => byte.charCodeAt(0));

// Writing. What a table refers to follows the table, because every reference points to a later position.

class Flat {
  out = [0, 0, 0, 0];

  /** Adds zeros, so that what begins `ahead` bytes later is aligned. */
  pad(ahead) {
    while ((this.out.length + ahead) % 8) this.out.push(0);
  }

  set(at, size, value) {
    for (let byte = 0; byte < size; byte += 1) this.out[at + byte] = Math.floor(value / 2 ** (8 * byte)) & 255;
  }

  put(size, value) {
    this.set(this.out.length, size, value);
  }

  /** Writes a table. A slot is null, a pair of size and number, or a function that writes what the slot refers to. */
  table(...slots) {
    const size = 4 + 2 * slots.length;
    this.pad(size + 4);
    this.put(2, size);
    this.put(2, 4 + 8 * slots.length);
    slots.forEach((slot, number) => this.put(2, slot === null ? 0 : 4 + 8 * number));
    const at = this.out.length;
    this.put(4, size);
    for (const _ of slots) this.put(8, 0);
    slots.forEach((slot, number) => {
      if (typeof slot === "function") this.refer(at + 4 + 8 * number, slot);
      else if (slot !== null) this.set(at + 4 + 8 * number, ...slot);
    });
    return at;
  }

  refer(at, what) {
    this.set(at, 4, what() - at);
  }

  text(text) {
    const bytes = utf8(text);
    this.pad(0);
    const at = this.out.length;
    this.put(4, bytes.length);
    for (const byte of bytes) this.out.push(byte.charCodeAt(0));
    this.out.push(0);
    return at;
  }

  tables(whats) {
    this.pad(0);
    const at = this.out.length;
    this.put(4, whats.length);
    for (const _ of whats) this.put(4, 0);
    whats.forEach((what, number) => this.refer(at + 4 + 4 * number, what));
    return at;
  }

  pairs(pairs) {
    this.pad(4);
    const at = this.out.length;
    this.put(4, pairs.length);
    for (const number of pairs.flat()) this.put(8, number);
    return at;
  }
}

/** Returns a message whose header the function writes. Its kind is 1 for a schema and 3 for a batch. */
function framed(kind, header, body) {
  const flat = new Flat();
  flat.refer(0, () => flat.table([2, 4], [1, kind], () => header(flat), [8, body]));
  flat.pad(0);
  const length = new Flat();
  length.set(0, 4, flat.out.length);
  return [255, 255, 255, 255, ...length.out, ...flat.out];
}

/** The number of each type in Arrow, and a function that writes the type. */
const TYPES = {
  boolean: [6, (flat) => flat.table()],
  int64: [2, (flat) => flat.table([4, 64], [1, 1])],
  float64: [3, (flat) => flat.table([2, 2])],
  utf8: [5, (flat) => flat.table()],
  date32: [8, (flat) => flat.table([2, 0])],
  timestamp: [10, (flat) => flat.table([2, 2], () => flat.text("UTC"))],
  decimal128: [7, (flat, { precision, scale }) => flat.table([4, precision], [4, scale], [4, 128])],
};

function schema(flat, fields) {
  const written = ({ name, dataType, nullable }) => {
    const [number, type] = TYPES[dataType.tag];
    const name_ = () => flat.text(name);
    return () => flat.table(name_, [1, nullable], [1, number], () => type(flat, dataType.val), null, () => flat.tables([]));
  };
  return flat.table(null, () => flat.tables(fields.map(written)));
}

/** Returns a stream of the declared fields. `columns` has an array for each field, all of the same length. */
export function write(fields, columns) {
  const rows = columns[0].length;
  const [nodes, buffers, parts] = [[], [], []];
  let end = 0;
  fields.forEach(({ name, dataType }, number) => {
    const values = columns[number];
    if (values.length !== rows) throw new RangeError(`column ${name} has ${values.length} rows, the first one ${rows}`);
    const valid = Array.from(values, (value) => value !== null);
    const missing = valid.filter((valid) => !valid).length;
    nodes.push([rows, missing]);
    for (const part of [missing ? bits(valid) : new Uint8Array(), ...encoded(dataType.tag, values)]) {
      const bytes = new Uint8Array(part.buffer);
      buffers.push([end, bytes.length]);
      parts.push([end, bytes]);
      end += Math.ceil(bytes.length / 8) * 8;
    }
  });
  const batch = (flat) => flat.table([8, rows], () => flat.pairs(nodes), () => flat.pairs(buffers));
  const head = [...framed(1, (flat) => schema(flat, fields), 0), ...framed(3, batch, end)];
  const stream = new Uint8Array(head.length + end + 8);
  stream.set(head);
  for (const [at, bytes] of parts) stream.set(bytes, head.length + at);
  stream.fill(255, head.length + end, head.length + end + 4);
  return stream;
}

function bits(values) {
  const out = new Uint8Array(Math.ceil(values.length / 8));
  values.forEach((value, row) => (out[row >> 3] |= value << (row & 7)));
  return out;
}

function encoded(tag, values) {
  switch (tag) {
    case "utf8": {
      const bytes = Array.from(values, (value) => utf8(value ?? ""));
      const ends = new Int32Array(bytes.length + 1);
      bytes.forEach((text, row) => (ends[row + 1] = ends[row] + text.length));
      const all = bytes.join("");
      return [ends, Uint8Array.from({ length: all.length }, (_, at) => all.charCodeAt(at))];
    }
    case "boolean":
      return [bits(Array.from(values, Boolean))];
    case "float64":
      return [Float64Array.from(values, (value) => value ?? 0)];
    case "date32":
      return [Int32Array.from(values, (value) => value ?? 0)];
    case "decimal128": {
      const halves = new BigInt64Array(2 * values.length);
      for (let row = 0; row < values.length; row += 1) {
        halves[2 * row] = values[row] ?? 0n;
        halves[2 * row + 1] = (values[row] ?? 0n) >> 64n;
      }
      return [halves];
    }
    default:
      return [BigInt64Array.from(values, (value) => value ?? 0n)];
  }
}
