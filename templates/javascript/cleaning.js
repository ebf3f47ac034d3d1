// Cleaner: events with an exact amount. Of all rows with one id, the host keeps the one with the latest instant.

import { Cleaned, trimmed, units } from "./cleaner.js";
import { instant } from "./instants.js";
import { money, read, setting, text, timestamp, told } from "./smelt.js";

const INPUT = ["id", "kind", "amount", "at"];
const OUTPUT = [text("id"), text("kind"), money("amount"), timestamp("at")];

const MISSING_ID = { name: "missing_id", summary: "The event has no id.", action: "reject" };
const INVALID_AT = { name: "invalid_at", summary: "The instant is missing or is no such instant.", action: "reject" };
const INVALID_AMOUNT = { name: "invalid_amount", summary: "The amount is missing or not numeric.", action: "reject" };
const MISSING_KIND = { name: "missing_kind", summary: "The kind is missing; it becomes `unknown`.", action: "repair" };
const RULES = [MISSING_ID, INVALID_AT, INVALID_AMOUNT, MISSING_KIND];

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
    input: INPUT,
    output: OUTPUT,
    key: ["id"],
    orderBy: [{ column: "at", prefer: "greatest" }],
    rules: RULES,
    session: setting(params),
  };
}

class Session {
  static open(params, asOf) {
    return new Session();
  }

  clean(batch) {
    const { rows, columns } = read(batch, INPUT.map(text));
    const out = new Cleaned(OUTPUT, RULES);
    for (let row = 0; row < rows; row += 1) {
      const [id, kind, amount, at] = INPUT.map((name) => trimmed(columns[name][row]));
      const [time, cents] = [instant(at), units(amount, 2)];
      if (id === null) {
        out.reject(row, MISSING_ID);
      } else if (time === null) {
        out.reject(row, INVALID_AT);
      } else if (cents === null) {
        out.reject(row, INVALID_AMOUNT);
      } else {
        if (kind === null) out.repair(MISSING_KIND);
        out.keep(row, id, kind ?? "unknown", cents, time);
      }
    }
    return out.finish();
  }
}

export const cleaning = { identify, describe, Session: told(Session) };
