// KPI: the number of events of each kind, and the sum of their amounts.

import { int64, money, read, setting, text, told, write } from "./smelt.js";

const EVENTS = [text("kind"), money("amount")];
const [KEY, SUMS] = [[text("kind")], [int64("events"), money("total")]];
const OUTPUT = [text("kind"), int64("events"), money("total")];

function identify() {
  return {
    name: "{{name}}",
    version: "0.1.0",
    summary: "{{summary}}",
    parameters: '{"type": "object", "additionalProperties": false}',
  };
}

function describe(params) {
  return {
    inputs: [{ name: "events", columns: EVENTS, stage: 0, accumulator: setting(params) }],
    stages: [{ key: KEY, sums: SUMS, group: KEY.length, reducer: setting(params) }],
    output: OUTPUT,
    key: ["kind"],
  };
}

class Accumulator {
  kinds = new Map();

  static open(input, params, asOf) {
    return new Accumulator();
  }

  updateBatch(batch) {
    const { rows, columns } = read(batch, EVENTS);
    for (let row = 0; row < rows; row += 1) {
      const kind = columns.kind[row];
      const [events, total] = this.kinds.get(kind) ?? [0n, 0n];
      this.kinds.set(kind, [events + 1n, total + columns.amount[row]]);
    }
  }

  state() {
    // The rows since the last state, which are forgotten.
    const [kinds, sums] = [[...this.kinds.keys()], [...this.kinds.values()]];
    this.kinds = new Map();
    return write([...KEY, ...SUMS], [kinds, ...[0, 1].map((sum) => sums.map((of) => of[sum]))]);
  }
}

/** Makes a row of the table of each row of the stage. It remembers nothing from row to row, so it saves nothing. */
class Reducer {
  static open(stage, params, asOf, saved) {
    return new Reducer();
  }

  reduce(rows, ends) {
    const { columns } = read(rows, [...KEY, ...SUMS]);
    return { rows: write(OUTPUT, OUTPUT.map(({ name }) => columns[name])), enough: false };
  }

  save() {
    return new Uint8Array();
  }
}

export const aggregation = { identify, describe, Accumulator: told(Accumulator), Reducer: told(Reducer) };
