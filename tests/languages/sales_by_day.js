// KPI: the sum of `total_amount` by `order_date`, as `plugins/sales-by-day` computes it.

import { date, int64, money, read, told, write } from "./smelt.js";

const ORDERS = [date("order_date"), money("total_amount")];
const [KEY, SUMS] = [[date("order_date")], [int64("orders"), money("revenue")]];
const OUTPUT = [date("order_date"), money("revenue")];

function describe() {
  return {
    identity: {
      name: "sales-by-day",
      version: "1.0.0",
      summary: "Revenue by calendar day (UTC)",
      parameters: '{"type": "object", "additionalProperties": false}',
      usesAsOf: false,
    },
    inputs: [{ name: "orders", columns: ORDERS }],
    stages: [{ key: KEY, sums: SUMS, group: 0 }],
    output: OUTPUT,
    key: ["order_date"],
  };
}

class Accumulator {
  days = new Map();

  static open(params, asOf) {
    return new Accumulator();
  }

  updateBatch(input, batch) {
    const { rows, columns } = read(batch, ORDERS);
    for (let row = 0; row < rows; row += 1) {
      const day = columns.order_date[row];
      const [orders, revenue] = this.days.get(day) ?? [0n, 0n];
      this.days.set(day, [orders + 1n, revenue + columns.total_amount[row]]);
    }
  }

  state() {
    const sums = [...this.days.values()];
    return write([...KEY, ...SUMS], [[...this.days.keys()], ...[0, 1].map((sum) => sums.map((of) => of[sum]))]);
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
