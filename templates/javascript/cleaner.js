// Helpers of a cleaner: they read values from texts as cleaners in Rust do, and record what happened to the rows of a batch.

import { write } from "./smelt.js";

// The characters that are white space in Unicode. JavaScript's own `trim` also strips U+FEFF, but not U+0085.
const BLANKS = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000";

/** Returns the text without the white space around it, or null if nothing is left. */
export function trimmed(text) {
  if (text === null) return null;
  let [start, end] = [0, text.length];
  while (start < end && isBlank(text.charCodeAt(start))) start += 1;
  while (start < end && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return start < end ? text.slice(start, end) : null;
}

/** Returns whether a character is white space. The comparison comes first, because it excludes most characters. */
const isBlank = (code) => (code <= 0x20 || code >= 0x80) && BLANKS.includes(String.fromCharCode(code));

const NUMBER = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?)0*(\d{1,18}))?$/;

/** Returns a number such as `12`, `-.5` or `1.5e3` in units of the last decimal place, as BigInt: `1.005` with two places is 101n.
 * The result is rounded half away from zero. Digits after the 38th are cut off. Returns null if the text is not such a number, or
 * if 38 digits cannot hold the result. */
export function units(text, places) {
  const match = NUMBER.exec(text ?? "");
  if (match === null) return null;
  const [, sign, whole, fraction = "", minus = "", exponent = "0"] = match;
  if (whole + fraction === "") return null;
  const digits = (whole + fraction).replace(/^0+/, "");
  // If this sum is not exact, it is so far from zero that its exact value does not matter.
  const power = places - fraction.length + Math.max(digits.length - 38, 0) + Number(minus + exponent);
  if (digits !== "" && power > 38) return null;
  const value = BigInt(digits.slice(0, 38));
  // The exponent stops at 40, because a division by 10^40 leaves nothing of 38 digits.
  const ten = 10n ** BigInt(Math.min(Math.abs(power), 40));
  const rounded = power >= 0 ? value * ten : (value + ten / 2n) / ten;
  if (rounded >= 10n ** 38n) return null;
  return sign === "-" ? -rounded : rounded;
}

/** Records what happened to the rows of a batch. Keep or reject each row, in order. */
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

  /** Counts a kept row that the rule changed. */
  repair(rule) {
    this.#repaired[this.#index(rule)] += 1;
  }

  #index(rule) {
    const index = this.#rules.indexOf(rule);
    if (index < 0) throw new RangeError("a rule is not among those of the description");
    return index;
  }

  /** Returns what `clean` must return. */
  finish() {
    const repaired = this.#repaired.map((rows, rule) => ({ rule, rows })).filter(({ rows }) => rows > 0);
    return { kept: write(this.#fields, this.#columns), keptRows: this.#kept, rejected: this.#rejected, repaired };
  }
}
