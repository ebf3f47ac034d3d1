// KPI: its table is its rows, each with how many there are of it. So what a column holds goes in and out as it is.

import { boolean, date, decimal, float64, int64, nullable, read, text, timestamp, told, write } from "./smelt.js";

const SURE = [text("name"), int64("whole"), boolean("flag"), decimal("exact", 38, 9)];
const MAYBE = [text("note"), int64("count"), float64("ratio"), boolean("sign"), date("day"), timestamp("at"), decimal("sum", 20, 0)];
const KEY = [...SURE, ...MAYBE.map(nullable)];
const SUMS = [int64("rows")];

const describe = () => ({
  identity: { name: "every-type", version: "1.0.0", summary: "Rows as they are", parameters: '{"type": "object"}', usesAsOf: false },
  inputs: [{ name: "rows", columns: KEY }],
  stages: [{ key: KEY, sums: SUMS, group: 0 }],
  output: [...KEY, ...SUMS],
});

class Accumulator {
  columns = KEY.map(() => []);

  static open(params, asOf) {
    return new Accumulator();
  }

  updateBatch(input, batch) {
    const { columns } = read(batch, KEY);
    KEY.forEach(({ name }, number) => columns[name].forEach((value) => this.columns[number].push(value)));
  }

  state() {
    return write([...KEY, ...SUMS], [...this.columns, this.columns[0].map(() => 1n)]);
  }

  fold(stage, groups) {
    throw new Error("there is one stage");
  }

  evaluate(sums) {
    const { columns } = read(sums, [...KEY, ...SUMS]);
    return write([...KEY, ...SUMS], [...KEY, ...SUMS].map(({ name }) => columns[name]));
  }
}

export const aggregation = { describe, Accumulator: told(Accumulator) };
