// KPI: the sum of `total_amount` by `order_date`, as `plugins/sales-by-day` computes it.

import { date, int64, money, read, setting, told, write } from "./smelt.js";

const ORDERS = [date("order_date"), money("total_amount")];
const [KEY, SUMS] = [[date("order_date")], [int64("orders"), money("revenue")]];
const OUTPUT = [date("order_date"), money("revenue")];

function identify() {
  return {
    name: "sales-by-day",
    version: "1.0.0",
    summary: "Revenue by calendar day (UTC)",
    parameters: '{"type": "object", "additionalProperties": false}',
  };
}

function describe(params) {
  return {
    inputs: [{ name: "orders", columns: ORDERS, stage: 0, accumulator: setting(params) }],
    stages: [{ key: KEY, sums: SUMS, group: 0, reducer: setting(params) }],
    output: OUTPUT,
    key: ["order_date"],
  };
}

class Accumulator {
  days = new Map();

  static open(input, params, asOf) {
    return new Accumulator();
  }

  updateBatch(batch) {
    const { rows, columns } = read(batch, ORDERS);
    for (let row = 0; row < rows; row += 1) {
      const day = columns.order_date[row];
      const [orders, revenue] = this.days.get(day) ?? [0n, 0n];
      this.days.set(day, [orders + 1n, revenue + columns.total_amount[row]]);
    }
  }

  state() {
    const [days, sums] = [[...this.days.keys()], [...this.days.values()]];
    this.days = new Map();
    return write([...KEY, ...SUMS], [days, ...[0, 1].map((sum) => sums.map((of) => of[sum]))]);
  }
}

class Reducer {
  static open(stage, params, asOf, saved) {
    return new Reducer();
  }

  reduce(rows, ends) {
    const { columns } = read(rows, [...KEY, ...SUMS]);
    return { rows: write(OUTPUT, OUTPUT.map(({ name }) => columns[name])), enough: false };
  }

  // Every row is a row of the table, so there is nothing to remember.
  save() {
    return new Uint8Array();
  }
}

export const aggregation = { identify, describe, Accumulator: told(Accumulator), Reducer: told(Reducer) };
