// What a cleaner wants: values out of texts, as cleaners in Rust read them, and what has become of the rows of a batch.

import { write } from "./smelt.js";

// What Unicode calls white space. JavaScript's own `trim` takes U+FEFF for such, and U+0085 not.
const BLANKS = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000";

/** The text without the blanks around it, or null if nothing is left. */
export function trimmed(text) {
  if (text === null) return null;
  let [start, end] = [0, text.length];
  while (start < end && isBlank(text.charCodeAt(start))) start += 1;
  while (start < end && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return start < end ? text.slice(start, end) : null;
}

/** Most characters are between the blanks of ASCII and the others. */
const isBlank = (code) => (code <= 0x20 || code >= 0x80) && BLANKS.includes(String.fromCharCode(code));

const NUMBER = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?)0*(\d{1,18}))?$/;

/** A number such as `12`, `-.5` or `1.5e3` as units of the last of so many places, rounded half away from zero, in BigInt: `1.005`
 * with two is 101n. `null` for anything else, and for what 38 digits cannot hold. Digits after the 38th are cut off. */
export function units(text, places) {
  const match = NUMBER.exec(text ?? "");
  if (match === null) return null;
  const [, sign, whole, fraction = "", minus = "", exponent = "0"] = match;
  if (whole + fraction === "") return null;
  const digits = (whole + fraction).replace(/^0+/, "");
  // Where that is not exact, it is too far from zero to matter.
  const power = places - fraction.length + Math.max(digits.length - 38, 0) + Number(minus + exponent);
  if (digits !== "" && power > 38) return null;
  const value = BigInt(digits.slice(0, 38));
  // Of 38 digits nothing is left by a power below.
  const ten = 10n ** BigInt(Math.min(Math.abs(power), 40));
  const rounded = power >= 0 ? value * ten : (value + ten / 2n) / ten;
  if (rounded >= 10n ** 38n) return null;
  return sign === "-" ? -rounded : rounded;
}

/** What has become of the rows of a batch: each, in order, is kept or rejected. */
export class Cleaned {
  #fields;
  #rules;
  #columns;
  #kept = [];
  #rejected = [];
  #repaired;

  constructor(fields, rules) {
    this.#fields = fields;
    this.#rules = rules;
    this.#columns = fields.map(() => []);
    this.#repaired = rules.map(() => 0);
  }

  /** Keeps the row, with a value for each column of the output. */
  keep(row, ...values) {
    this.#kept.push(row);
    this.#columns.forEach((column, number) => column.push(values[number]));
  }

  /** Rejects the row under the rule. */
  reject(row, rule) {
    this.#rejected.push({ row, rule: this.#index(rule) });
  }

  /** Counts that the rule changed a row that is kept. */
  repair(rule) {
    this.#repaired[this.#index(rule)] += 1;
  }

  #index(rule) {
    const index = this.#rules.indexOf(rule);
    if (index < 0) throw new RangeError("a rule is not among those of the description");
    return index;
  }

  /** What `clean` returns. */
  finish() {
    const repaired = this.#repaired.map((rows, rule) => ({ rule, rows })).filter(({ rows }) => rows > 0);
    return { kept: write(this.#fields, this.#columns), keptRows: this.#kept, rejected: this.#rejected, repaired };
  }
}
