// KPI: the number of events of each kind, and the sum of their amounts.

import { int64, money, read, text, told, write } from "./smelt.js";

const EVENTS = [text("kind"), money("amount")];
const [KEY, SUMS] = [[text("kind")], [int64("events"), money("total")]];
const OUTPUT = [text("kind"), int64("events"), money("total")];

function describe() {
  return {
    identity: {
      name: "{{name}}",
      version: "0.1.0",
      summary: "{{summary}}",
      parameters: '{"type": "object", "additionalProperties": false}',
      usesAsOf: false,
    },
    inputs: [{ name: "events", columns: EVENTS }],
    stages: [{ key: KEY, sums: SUMS, group: 0 }],
    output: OUTPUT,
    key: ["kind"],
  };
}

class Accumulator {
  kinds = new Map();

  static open(params, asOf) {
    return new Accumulator();
  }

  updateBatch(input, batch) {
    const { rows, columns } = read(batch, EVENTS);
    for (let row = 0; row < rows; row += 1) {
      const kind = columns.kind[row];
      const [events, total] = this.kinds.get(kind) ?? [0n, 0n];
      this.kinds.set(kind, [events + 1n, total + columns.amount[row]]);
    }
  }

  state() {
    const sums = [...this.kinds.values()];
    return write([...KEY, ...SUMS], [[...this.kinds.keys()], ...[0, 1].map((sum) => sums.map((of) => of[sum]))]);
  }

  fold(stage, groups) {
    throw new Error("there is one stage");
  }

  evaluate(sums) {
    const { columns } = read(sums, [...KEY, ...SUMS]);
    return write(OUTPUT, OUTPUT.map(({ name }) => columns[name]));
  }
}

export const aggregation = { describe, Accumulator: told(Accumulator) };
