// KPI: its table is its rows, each with how many there are of it. So what a column holds goes in and out as it is.

import { boolean, date, decimal, float64, int64, nullable, read, setting, text, timestamp, told, write } from "./smelt.js";

const SURE = [text("name"), int64("whole"), boolean("flag"), decimal("exact", 38, 9)];
const MAYBE = [text("note"), int64("count"), float64("ratio"), boolean("sign"), date("day"), timestamp("at"), decimal("sum", 20, 0)];
const KEY = [...SURE, ...MAYBE.map(nullable)];
const SUMS = [int64("rows")];

const identify = () => ({ name: "every-type", version: "1.0.0", summary: "Rows as they are", parameters: '{"type": "object"}' });

const describe = (params) => ({
  inputs: [{ name: "rows", columns: KEY, stage: 0, accumulator: setting(params) }],
  stages: [{ key: KEY, sums: SUMS, group: 0, reducer: setting(params) }],
  output: [...KEY, ...SUMS],
});

class Accumulator {
  columns = KEY.map(() => []);

  static open(input, params, asOf) {
    return new Accumulator();
  }

  updateBatch(batch) {
    const { columns } = read(batch, KEY);
    KEY.forEach(({ name }, number) => columns[name].forEach((value) => this.columns[number].push(value)));
  }

  state() {
    const columns = this.columns;
    this.columns = KEY.map(() => []);
    return write([...KEY, ...SUMS], [...columns, columns[0].map(() => 1n)]);
  }
}

class Reducer {
  static open(stage, params, asOf, saved) {
    return new Reducer();
  }

  reduce(rows, ends) {
    const { columns } = read(rows, [...KEY, ...SUMS]);
    return { rows: write([...KEY, ...SUMS], [...KEY, ...SUMS].map(({ name }) => columns[name])), enough: false };
  }

  save() {
    return new Uint8Array();
  }
}

export const aggregation = { identify, describe, Accumulator: told(Accumulator), Reducer: told(Reducer) };
